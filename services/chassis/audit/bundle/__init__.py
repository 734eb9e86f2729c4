"""Bundles: events of a log that somebody takes away in one file, with all that proves them."""
