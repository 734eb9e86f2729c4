"""The rules of a referral: pure functions from a command and what is known to events, or to a refusal."""
