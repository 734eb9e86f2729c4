"""HTTP manners that all services share: problems, preconditions, idempotency keys, cursors, positions."""
