"""Sends events to the web servers of organisations, after Standard Webhooks, and to no address but theirs."""
