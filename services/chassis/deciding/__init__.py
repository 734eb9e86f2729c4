"""Running a command: load, decide, append."""
