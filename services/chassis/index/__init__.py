"""The index that lists search: its port, its engines, and what fills it."""
