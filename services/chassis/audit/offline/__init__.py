"""Verifies files that were taken away from a log: with no server, no database and no network."""
