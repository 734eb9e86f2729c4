"""The clock, the calendar, and what falls due."""
