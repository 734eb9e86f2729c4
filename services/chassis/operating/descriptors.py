"""How many files and connections the process may have open at once, and how many of them are for connections."""

from __future__ import annotations

import logging
import resource
from dataclasses import dataclass
from typing import Final

KEPT: Final = 512
"""Descriptors for files, database and Kafka, where there are many; a quarter of them where there are few."""
BACKLOG: Final = 2048
"""Connections that may wait to be accepted, where there are many descriptors; an eighth of them where there are few."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Descriptors:
    """What a number of descriptors leaves for connections.

    All that waits to be accepted may be accepted in one go, before any of it can be counted; so it has descriptors of
    its own, and those of files are never taken.
    """

    number: int

    @property
    def backlog(self) -> int:
        """Connections that may wait to be accepted."""
        return max(1, min(BACKLOG, self.number // 8))

    @property
    def connections(self) -> int:
        """Connections that may be open."""
        return max(1, self.number - min(KEPT, self.number // 4) - self.backlog)

    def bound(self, wished: int) -> int:
        """So many connections as are wished for (0: as many as possible), or as there are descriptors for."""
        return min(wished or self.connections, self.connections)


def raise_limit() -> Descriptors:
    """Raises the process' soft limit to its hard one; what it then has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            # Some systems name a hard limit that they do not grant.
            log.warning("the limit of open files could not be raised", extra={"count": soft})
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Descriptors(1 << 20 if soft == resource.RLIM_INFINITY else soft)
