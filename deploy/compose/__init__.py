"""What `deploy/compose.yaml` gives to its containers."""
