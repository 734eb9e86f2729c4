"""What is asked over many cases: a file per report, and how all of them are counted, kept and shown."""
