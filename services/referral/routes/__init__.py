"""What comes in over HTTP about referrals, and what goes out."""
