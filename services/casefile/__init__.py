"""Remembers the case: who is responsible for which step, until when; timeline, responsibility, worklist."""
