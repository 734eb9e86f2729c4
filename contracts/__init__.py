"""What crosses a boundary between services or to the outside, and nothing else."""
