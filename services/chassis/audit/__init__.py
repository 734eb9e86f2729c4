"""The transparency log of a service: an entry for each of its events, in a tree whose roots are signed."""
