"""Which of several processes of a service does the work that one does for all."""
