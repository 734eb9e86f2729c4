"""Where the code runs: images, manifests, locks, the load generator. Run from the repository root, never installed."""
