"""Who read what, in a log of its own that is proven like every other."""
