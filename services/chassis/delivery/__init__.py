"""From the log to the bus, and from the bus to those who follow."""
