"""What an organisation's own system may begin with."""
