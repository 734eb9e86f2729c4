"""What is noted of each message, and who may see it."""
