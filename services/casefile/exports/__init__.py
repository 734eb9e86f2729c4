"""A case as a file, for those who read its timeline: in tables, event by event, and as a document with pages."""
