"""What comes in over HTTP about cases and mentors, and what goes out."""
