"""What an auditor asks of a case: a file per question, answered by replay alone, with the events that prove it."""
