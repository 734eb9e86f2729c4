"""Refusals as problems: what they look like, and which exception becomes which."""
