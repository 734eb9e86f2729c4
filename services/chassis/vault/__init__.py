"""Personal data, outside the log."""
