"""What goes back: JSON with its ETag and Position."""
