"""What goes out over HTTP to those who follow."""
