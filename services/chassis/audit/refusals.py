"""Why a log refuses to sign. Background work that fails is named by the class of its failure, so each has its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class RefusesToSign(Exception):  # noqa: N818 - reads as what happens
    """Nothing is signed; the message says why, and names no data."""


class RolledBack(RefusesToSign):
    """The log is shorter than what was signed of it before: it was put back, or its end was taken off."""


class Contradicted(RefusesToSign):
    """The log is another one than what was signed of it before."""


@contextmanager
def as_stored(what: str) -> Iterator[None]:
    """Raises Contradicted, with these words, where what is read of a transparency log is not as it was stored."""
    try:
        yield
    except (KeyError, ValueError):
        raise Contradicted(what) from None


class Unremembered(RefusesToSign):
    """What was signed last cannot be read or written where CASERELAY_AUDIT_STATE says; nothing is compared with it."""


class Restored(RefusesToSign):
    """The event log was restored from a backup: somebody has to say so, by `caserelay audit epoch`."""


class Renamed(RefusesToSign):
    """The settings give the log another origin than that under which it has signed."""
