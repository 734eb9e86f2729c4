"""SQLite and PostgreSQL themselves: connections, commits, wake-ups, migrations, and how each store stands."""
