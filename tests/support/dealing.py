"""How tests are dealt out to the processes that run them: groups whole, large files whole, all others one by one.

A test that takes a millisecond costs the process that deals them out several, if it is dealt out alone; and what the
tests of a file share is made in every process that gets one of them.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling
from xdist.workermanage import WorkerController

LARGE: Final = 10
"""A file with so many tests outside of groups is dealt out whole."""

__all__ = ["Dealing", "pytest_xdist_make_scheduler"]


class Dealing(LoadGroupScheduling):
    """As `--dist loadgroup`, and by the file where that is large; what is done is not counted again and again."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self._large = frozenset[str]()

    def schedule(self) -> None:
        """See xdist."""
        if self.collection is None and self.registered_collections:
            nodeids = next(iter(self.registered_collections.values()))
            alone = Counter(_file(nodeid) for nodeid in nodeids if super(Dealing, self)._split_scope(nodeid) == nodeid)
            self._large = frozenset(file for file, count in alone.items() if count >= LARGE)
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        file = _file(nodeid)
        return file if scope == nodeid and file in self._large else scope

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """See xdist."""
        super().mark_test_complete(node, item_index, duration)
        scope = self._split_scope(self.registered_collections[node][item_index])
        if all(self.assigned_work[node][scope].values()):
            # It would be looked through at the end of every test that is still to come.
            del self.assigned_work[node][scope]


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Dealing | None:
    """In the place of xdist's own for `--dist loadgroup`."""
    return Dealing(config, log) if config.getvalue("dist") == "loadgroup" else None
