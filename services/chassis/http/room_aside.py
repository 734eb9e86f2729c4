"""Room for what an answer is written into before it is sent: a temporary file, where the system has those."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from services.chassis.engines.store_health import Unavailable, errno_name

TEMPORARY: Final = "directory for temporary files"


@contextmanager
def room_aside() -> Iterator[None]:
    """Raises Unavailable where a temporary file cannot be written, as on a full disk: nothing of it is sent then."""
    try:
        yield
    except OSError as failure:
        raise Unavailable(TEMPORARY, errno_name(failure)) from None
