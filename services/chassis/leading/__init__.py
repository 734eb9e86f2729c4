"""Which of several processes of a service does the work that needs doing once."""
