"""Tells the parties: the pull feed and the event stream, each caller seeing only what it may see."""
