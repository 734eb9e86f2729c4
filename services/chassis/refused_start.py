"""What stops a command of the shell before it has done anything."""

from __future__ import annotations


class RefusedStart(Exception):  # noqa: N818 - reads as what happened
    """Something that a setting names cannot be used; the message, of one line, says which and what to do.

    It names no password and repeats nothing of what is stored. No matter who raises it, `caserelay` prints it and ends
    with the exit status 2.
    """
