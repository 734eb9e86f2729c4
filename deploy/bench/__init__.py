"""Measures the system on the machine at hand, next to what one would use instead: `make bench`, `make bench-report`."""
