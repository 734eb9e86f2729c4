"""Decides whether an offer to a mentoring organisation may be made, and records what it answered."""
