"""The feed and the event stream for the parties; each caller sees only what it may see."""
