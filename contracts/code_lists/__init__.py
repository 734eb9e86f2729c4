"""Codes that others publish: the lists as they are shipped, and what is checked against them.

Which lists, of which date and from where, and how one is brought up to date: docs/decisions/0036.
"""
