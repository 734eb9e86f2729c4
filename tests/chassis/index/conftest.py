"""An index of each engine, opened as often as a test likes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.chassis.index.index import Index
from services.chassis.store_opener import StoreOpener
from tests.chassis.indexing import TABLES, OpenIndex


@pytest.fixture
def open_index(stores: StoreOpener) -> Iterator[OpenIndex]:
    """Opens an index, as often as asked, in the version asked for; `of` is the service that it belongs to."""
    opened: list[Index] = []

    def opening(version: int = 1, of: str = "counters") -> Index:
        opened.append(stores.index(of, TABLES, version))
        return opened[-1]

    yield opening
    for index in opened:
        index.close()
