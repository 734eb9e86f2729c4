"""The benchmarks run and say something. What they say is nobody's business here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.bench.filling import Ids, Text
from deploy.bench.open_loop import Offered
from deploy.bench.parts import PARTS
from deploy.bench.report import page
from deploy.bench.results import Compared, Record, Result, against, median, p95
from deploy.bench.sustained import Try, faults
from tests.conftest import Template
from tests.docs.pages import ROOT
from tests.support import kafka, postgres

DOCS = ROOT / "docs"
CASE = "4a534b83-b513-5724-98c5-766d08991c49"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_quick_run_finds_figures_for_what_it_was_asked_for(
    tmp_path: Path, postgres_template: Template, kafka_servers: str
) -> None:
    """Whatever machine it is, appends and reads come out as numbers, and as a page."""
    file = tmp_path / "found.json"
    command = [sys.executable, "-m", "deploy.bench", "--quick", "--only", "appends,write-then-read,audit"]
    # A try takes the servers that there are.
    servers = {postgres.ADDRESS: postgres_template.url, kafka.SERVERS: kafka_servers}
    said = subprocess.run(
        [*command, "--json", str(file), "--data", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | servers,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    record = Record.read(file)
    assert list(record.ran) == ["appends", "write-then-read", "audit"]
    for ran in record.ran.values():
        assert ran.results
        assert all(((result.median or 0) > 0 and (result.p95 or 0) > 0) or result.rate for result in ran.results)
    assert all((result.rate or 0) > 0 for result in record.ran["appends"].results)
    assert PARTS["appends"].title in page(record, {})


def test_the_page_is_what_the_figures_say() -> None:
    """docs/benchmarks.md was made from docs/benchmarks.json, and shows every plot that there is."""
    for written in DOCS.glob("benchmarks.md"):
        drawn = {plot.stem: f"benchmarks/{plot.name}" for plot in sorted((DOCS / "benchmarks").glob("*.svg"))}
        assert written.read_text(encoding="utf-8") == page(Record.read(DOCS / "benchmarks.json"), drawn)


def test_a_result_survives_being_written_down(tmp_path: Path) -> None:
    """What is read from the file is what was measured."""
    result = Result(name="appends", engine="SQLite", rate=2.0, compared=against("pgbench", 2.0, 4.0), curve=((0, 1),))
    assert result.compared == (Compared(to="pgbench", ratio=0.5),)
    assert against("nothing", 2.0, None) == ()
    record = Record()
    record.write(tmp_path / "found.json")
    assert Record.read(tmp_path / "found.json") == record
    assert Record.read(tmp_path / "none.json") == Record()


def test_the_95th_percentile_is_not_exceeded_by_95_of_a_hundred() -> None:
    """Of the numbers to 100, half lie below 51, and 95 below 96."""
    assert (median(range(1, 101)), p95(range(1, 101))) == (51, 96)


def test_a_copy_has_ids_of_its_own_and_keeps_what_belongs_together() -> None:
    """Wherever an id stands, the same copy has the same other one there."""
    one, other = Ids(1), Ids(2)
    text = Text.of(f'{{"case":"{CASE}","again":"{CASE}","name":"case"}}')
    assert text.copied(one) == f'{{"case":"{one.of(CASE)}","again":"{one.of(CASE)}","name":"case"}}'
    assert len({CASE, one.of(CASE), other.of(CASE)}) == 3


@pytest.mark.parametrize(
    ("refused", "waiting", "grows", "abreast", "found"),
    [(0, 0, 0, 0.1, 0), (1, 0, 0, 0.1, 1), (0, 90, 0, 0.1, 1), (0, 0, 60, 0.1, 1), (0, 0, 60, 9, 2)],
)
def test_a_rate_is_kept_when_nobody_falls_behind(
    refused: int, waiting: int, grows: int, abreast: float, found: int
) -> None:
    """Refusals, referrals that could not be sent, growing lag, and a long tail: each says that it was too much."""
    offered = Offered(accepted=6000, refused=refused, waiting=waiting, p50=1, p95=2, slowest=3)
    behind = [(float(second), 300.0 + grows * second * 4) for second in range(60)]
    one = Try(rate=100, offered=offered, behind=behind, abreast_after=abreast, server_cores=1, machine_cores=1)
    assert len(list(faults(one))) == found
