"""The event log: its port, its engines, and how an event becomes stored bytes and back."""
