"""The rules of a case: pure functions from a command and what is known to events, or to a refusal."""
