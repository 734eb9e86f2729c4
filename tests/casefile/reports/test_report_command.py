"""`caserelay report`: from the log alone, as a table, JSON or CSV, with a word on the way where it takes long."""

from __future__ import annotations

import asyncio
import csv
import json
import time
from io import StringIO
from pathlib import Path

import pytest

from services.casefile.domain.known_organisation import OrganisationLearnt, organisation_stream
from services.casefile.domain.known_programme import ProgrammeLearnt, programme_stream
from services.casefile.events import EVENT_TYPES
from services.casefile.reports.catalogue import REPORTS
from services.casefile.reports.replayed import findings_in
from services.casefile.reports.report import History
from services.chassis.stores import Stores
from services.progress import Progress
from tests.casefile.casebook import RULES
from tests.casefile.reports.histories import history
from tests.casefile.reports.many import make_log, write_cases, write_history
from tests.casefile.reports.test_responsibility_gaps import STORIES
from tests.casefile.reports.test_service_gaps import cases
from tests.casefile.reports.test_unmatched_mentors import described, told_of
from tests.casefile.reports.test_unowned_time import twice_nobodys
from tests.support.backups import Output, caserelay
from tests.support.dates import on

MANY = 10_000


def report(data: Path, *arguments: str) -> Output:
    """The command, over the log in a directory."""
    return caserelay("report", *arguments, data=data)


def templates() -> list[History]:
    """Every story of the tests, and a case that was nobody's for a while."""
    return [twice_nobodys(), *(History("case-C", story().book.history) for story in STORIES.values())]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of a few hundred cases, among them six gaps in child care, and of a mentor who waits."""
    directory = tmp_path_factory.mktemp("reports")
    asyncio.run(make_log(directory))
    write_cases(directory, [*templates(), *cases("brugwerk", 6, 1)], 2 * (len(STORIES) + 7))
    write_history(directory, told_of("M-1", described(on(5, 1), "M-1")))
    for organisation in ("brugwerk", "samenstap"):
        learnt = OrganisationLearnt(organisation=organisation, name=organisation, kind="MENTORING_ORG")
        stream = organisation_stream(organisation)
        write_history(directory, history(organisation, (on(5, 1), learnt), stream=stream))
    for programme in ("mtw-be-2026", "another"):
        version = ProgrammeLearnt(programme=programme, version=1, valid_from=on(1, 1).date(), rules=RULES)
        stream = programme_stream(programme)
        write_history(directory, history(programme, (on(5, 1), version), stream=stream))
    return directory


def test_ten_thousand_cases_are_replayed_in_seconds(tmp_path: Path) -> None:
    """A few dozen of them were nobody's for 54 hours, and no other one."""
    asyncio.run(make_log(tmp_path))
    stories = templates()
    events = write_cases(tmp_path, stories, MANY)
    began = time.process_time()
    answer = report(tmp_path, "unowned-time", "--json")
    took = time.process_time() - began
    items = json.loads(answer.out)["items"]
    assert [row["case"] for row in items] == sorted(f"n{number}" for number in range(0, MANY, len(stories)))
    assert {(row["times"], row["hours"]) for row in items} == {(2, 54.0)}
    # Of the processor's time, for others work on the machine as well.
    assert events / took * 60 >= 1_000_000


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_made_from_the_log_alone(data: Path, name: str) -> None:
    """There is no other file, and the command makes none; every report has something to say of these cases."""
    answer = report(data, name, "--json")
    assert answer.status == 0, answer
    told = json.loads(answer.out)
    assert (told["report"], told["from"], told["to"]) == (name, None, None)
    assert told["items"]
    assert {path.name.removesuffix("-wal").removesuffix("-shm") for path in data.iterdir()} - {"bells"} == {
        "casefile-log.db"
    }


def test_a_report_is_printed_as_a_table_as_json_and_as_csv(data: Path) -> None:
    """The same rows in each: 12 gaps in child care, twice."""
    rows = json.loads(report(data, "service-gaps", "--organisation", "brugwerk", "--json").out)["items"]
    table = csv.DictReader(StringIO(report(data, "service-gaps", "--organisation", "brugwerk", "--csv").out))
    assert [row["reported"] for row in table] == [str(row["reported"] or "") for row in rows]
    printed = report(data, "service-gaps", "--organisation", "brugwerk").out.splitlines()
    assert printed[0].startswith("Gaps in public services by the quarter")
    assert printed[2].split() == list(REPORTS["service-gaps"].columns)
    (childcare,) = [line for line in printed if "CHILDCARE" in line and "2026-Q1" in line]
    assert " 12 " in childcare


def test_days_and_filters_mean_what_they_mean_over_http(data: Path) -> None:
    """Nothing of 2029, nothing of another organisation or programme."""
    for asked in (("--from", "2029-01-01"), ("--organisation", "samenstap"), ("--programme", "another")):
        told = json.loads(report(data, "service-gaps", *asked, "--json").out)
        assert [row for row in told["items"] if row["serviceKind"] == "CHILDCARE"] == []
    told = json.loads(report(data, "service-gaps", "--from", "2026-01-01", "--to", "2026-03-31", "--json").out)
    assert (told["from"], told["to"]) == ("2026-01-01", "2026-03-31")


def test_without_a_name_the_reports_are_listed(data: Path) -> None:
    """Each with what it says."""
    told = report(data).out
    assert all(name in told and REPORTS[name].definition in told for name in REPORTS)
    assert [item["name"] for item in json.loads(report(data, "--json").out)["items"]] == list(REPORTS)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("no-such",), "responsibility-gaps"),
        (("reliance", "--from", "soon"), "--from"),
        (("reliance", "--from", "2026-02-02", "--to", "2026-02-01"), "--to"),
        (("reliance", "--csv", "--json"), "--csv"),
        (("reliance", "--organisation", "no\nsuch"), "--organisation"),
        (("reliance", "--organisation", "nope"), "--organisation is unknown; give the id of an existing organisation"),
        (("reliance", "--programme", "nope"), "--programme is unknown; give the id of an existing programme"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(data: Path, arguments: tuple[str, ...], word: str) -> None:
    """With status 2, and nothing on standard output."""
    answer = report(data, *arguments)
    assert (answer.status, answer.out) == (2, "")
    assert word in answer.err


def test_a_directory_without_a_log_is_refused(tmp_path: Path) -> None:
    """It says where it looked, and makes nothing there."""
    report(tmp_path / "none", "reliance").refuses("CASERELAY_DATA")
    assert not (tmp_path / "none").exists()


async def test_a_word_now_and_then_says_how_far_it_is(data: Path) -> None:
    """So many events of so many, and the last word has all of them."""
    log = Stores(data).event_log("casefile", EVENT_TYPES)
    said: list[str] = []
    progress = Progress("read", said.append, lambda count: f"{count} events", every=0)
    await findings_in(log, REPORTS["unowned-time"], progress)
    head = await log.head()
    await log.close()
    assert len(said) > 1
    assert said[-1] == f"  read: {head} events of {head} events"
