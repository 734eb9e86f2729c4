"""Two revisions, or two settings, next to each other in one run: `make bench ARGS="--ab REV_A REV_B"`."""
