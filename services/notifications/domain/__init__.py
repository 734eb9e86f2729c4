"""What is recorded about each message, and who may see it."""
