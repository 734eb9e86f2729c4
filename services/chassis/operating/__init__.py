"""What an operator sees and sets: logs, metrics, traces, background work."""
