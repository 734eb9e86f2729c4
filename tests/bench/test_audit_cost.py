"""What the transparency log costs: it is built on one side and not on the other, and both find their figures."""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

import pytest

from deploy.bench.ab.figures import Figure
from deploy.bench.ab.revisions import WORKING_TREE, Revision
from deploy.bench.audit_cost import ALL, result_of
from deploy.bench.engines import SQLITE
from tests.journeys.sandbox import Program
from tests.support.house import ROOT

WITHOUT = Revision(WORKING_TREE, ROOT, Path(sys.executable), program="deploy.bench.no_audit")
WITH = Revision(WORKING_TREE, ROOT, Path(sys.executable))


def test_what_it_costs_is_told_next_to_none_and_to_a_control() -> None:
    """Of three rounds the median: 4.4 ms where it was 4.0, which is more than 1.05 times as much."""
    rounds = [(4.0, 4.4), (4.0, 4.2), (4.0, 4.8)]
    figure = Figure(name=ALL, engine=SQLITE, unit="ms", pairs=rounds, controls=[(4.0, 4.1), (4.0, 4.0), (4.0, 3.9)])
    found = result_of(figure)
    assert found.median == 4.4
    assert {each.to: each.ratio for each in found.compared} == {
        "without the log": 1.1,
        "1.05 times as much": 1.048,
        "without the log, once more": 1.0,
    }


@pytest.mark.slow
def test_one_side_builds_the_log_and_the_other_none(tmp_path: Path) -> None:
    """Both take their events in."""
    entries = {}
    for name, revision in (("with", WITH), ("without", WITHOUT)):
        program = Program(tmp_path / name, "sandbox", command=revision.command)
        try:
            program.wait_until_ready()
            until = time.monotonic() + (10 if revision is WITH else 3)
            while not _entries(program.data) and time.monotonic() < until:
                time.sleep(0.1)
            entries[name] = _entries(program.data)
        finally:
            program.stop()
        assert _count(program.data / "casefile-log.db", "stored_events")
    assert entries["with"]
    assert not entries["without"]


def _entries(data: Path) -> int:
    return _count(data / "casefile-audit.db", "entries")


def _count(file: Path, table: str) -> int:
    if not file.exists():
        return 0
    connection = sqlite3.connect(file)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - ours
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()
