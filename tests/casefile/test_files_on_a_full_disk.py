"""Where there is no room for a file on its way to a caller, the answer says so, and nothing of it was sent."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.casefile.cases import CaseContext
from tests.casefile.long_cases import longer
from tests.chassis.audit.bundling import found
from tests.support.people import AUDITOR, DPO_OF_AGENCY, INES, LOTTE
from tests.support.problems import assert_problem

LONG: Final = 1_500
"""Events of a case whose bundle has more than is kept in memory."""


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes, as where a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are."""
    directory = tmp_path / "aside"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def left_in(directory: Path) -> list[str]:
    """The names of the files in a directory."""
    return [file.name for file in directory.iterdir()]


async def test_a_bundle_without_room_is_refused_and_whole_once_there_is_some(context: CaseContext, aside: Path) -> None:
    """Also where only its last bytes find none."""
    case = await context.brought_to("MENTORING")
    await longer(context, case.id, LONG)
    whole = await context.running.get(AUDITOR, f"{case.path}/bundle")
    assert whole.status_code == 200
    assert len(whole.content) > 2 * 2**20
    assert found(whole.content) == set()
    for size in (100_000, len(whole.content) - 1):
        with files_of_at_most(size):
            refused = await context.running.get(AUDITOR, f"{case.path}/bundle")
        assert_problem(refused, 503, "STORE_UNAVAILABLE", says="the directory for temporary files is unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        assert (await context.running.get(INES, case.path)).status_code == 200
    again = await context.running.get(AUDITOR, f"{case.path}/bundle")
    assert again.status_code == 200, again.text
    # More may have been recorded of who was told; and nothing is missing.
    assert len(again.content) >= len(whole.content)
    assert found(again.content) == set()
    assert left_in(aside) == []


async def test_an_export_without_room_is_refused_and_leaves_nothing_behind(context: CaseContext, aside: Path) -> None:
    """A workbook is written aside; what is written in memory alone needs no room."""
    case = await context.brought_to("MENTORING")
    await longer(context, case.id, LONG)
    export = f"{case.path}/export"
    whole = await context.running.get(AUDITOR, export, format="xlsx")
    for size in (100, 10_000, 100_000):
        with files_of_at_most(size):
            refused = await context.running.get(AUDITOR, export, format="xlsx")
            assert (await context.running.get(AUDITOR, export, format="csv")).status_code == 200
        assert_problem(refused, 503, "STORE_UNAVAILABLE", says="the directory for temporary files is unavailable")
        assert left_in(aside) == []
    same = (await context.running.get(AUDITOR, export, format="xlsx")).content == whole.content
    assert same, "another one after the disk was full"


@pytest.mark.on_files
async def test_no_receipt_goes_out_while_there_is_no_room_to_record_who_fetched_it(context: CaseContext) -> None:
    """It is refused, and nobody was handed it; with room it is the same as before, and each fetch is on record."""
    case = await context.accepted()
    receipts = f"{case.path}/receipts"

    async def fetched() -> list[str]:
        items = (await context.running.read(DPO_OF_AGENCY, f"{case.path}/accesses", limit=200))["items"]
        return [item["by"]["sub"] for item in items if item["route"].endswith("/receipts")]

    first = await context.running.read(INES, receipts)
    assert await fetched() == [INES.sub]
    with files_of_at_most(10):
        refused = await context.running.get(LOTTE, receipts)
    assert_problem(refused, 503, "READING_NOT_RECORDED", says="nothing is shown")
    assert "vdab" not in refused.text
    assert await fetched() == [INES.sub]
    assert (await context.running.read(LOTTE, receipts))["items"] == first["items"]
    assert sorted(await fetched()) == sorted([INES.sub, LOTTE.sub])
