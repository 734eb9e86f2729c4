"""`caserelay replay CASE --policy FILE`, beside the services whose log it reads."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from services.casefile.what_if import Happened
from services.casefile.what_if_table import Comparison, Pair, compare_case
from services.cli import main
from tests.casefile.cases import CaseContext
from tests.support.dates import on
from tests.support.people import INES, LOTTE
from tests.support.requests import another_person

pytestmark = pytest.mark.on_files
WAIT = {"reason": "NO_SUITABLE_MENTOR", "expectedBy": "2026-04-01", "clientAgreed": True}
ANSWERS = {"answers": [{"code": "OCCUPATION", "answer": "bookkeeper"}]}
ASKED = {"codes": ["OCCUPATION"]}


def file(directory: Path, policy: Any) -> Path:
    """A file with other terms."""
    written = directory / "policy.json"
    written.write_text(policy if isinstance(policy, str) else json.dumps(policy), encoding="utf-8")
    return written


async def compared(context: CaseContext, case: str, policy: Any, directory: Path) -> Comparison:
    """The case next to itself."""
    return await compare_case(context.running.settings, case, file(directory, policy), None, None)


def rows(comparison: Comparison, of: str) -> list[tuple[str, str | None, str | None]]:
    """What happened of a term: kind, as it was, as it would have been."""
    return [
        (
            pair.either.what,
            f"{pair.was.at:%m-%d %H:%M}" if pair.was else None,
            f"{pair.would_be.at:%m-%d %H:%M}" if pair.would_be else None,
        )
        for pair in comparison.pairs
        if pair.either.of == of
    ]


async def test_what_both_services_recorded_would_have_been_under_the_same_terms(
    context: CaseContext, tmp_path: Path
) -> None:
    """Asked, answered, waited, missed and lapsed: the clocks of the referral service are told again to the second."""
    asked, waited, silent, late, reviewed, again = [await context.referred(another_person()) for _ in range(6)]
    await context.running.at(on(13, 1))
    for case in (asked, waited, late, reviewed, again):
        await context.follow(case, LOTTE, "receive")
    await context.follow(asked, LOTTE, "request-information", ASKED)
    await context.running.at(on(15, 1))
    for case in (waited, reviewed, again):
        await context.follow(case, LOTTE, "waitlist", WAIT)
    await context.running.at(on(19, 1))
    await context.follow(again, LOTTE, "request-information", ASKED)
    await context.running.at(on(22, 1))
    for case in (asked, again):
        await context.follow(case, INES, "provide-information", ANSWERS)
    await context.follow(again, LOTTE, "waitlist", WAIT)
    # Its decision was due on the 26th: what was missed does not run on with the answer.
    await context.running.at(on(28, 1))
    await context.follow(late, LOTTE, "request-information", ASKED)
    await context.running.at(on(30, 1))
    await context.follow(late, INES, "provide-information", ANSWERS)
    await context.running.at(on(6, 3))
    await context.follow(waited, LOTTE, "request-information", ASKED)
    await context.running.at(on(20, 6))
    told = 0
    kinds: set[tuple[str, str]] = set()
    for case in (asked, waited, silent, late, reviewed, again):
        comparison = await compared(context, case.id, {}, tmp_path)
        assert [pair for pair in comparison.pairs if pair.was is None or pair.would_be is None] == []
        for pair in comparison.pairs:
            assert pair.was is not None
            assert pair.would_be is not None
            assert (pair.was.at, pair.was.what, pair.was.awaited) == (
                pair.would_be.at,
                pair.would_be.what,
                pair.would_be.awaited,
            )
            assert pair.was.due_at in (None, pair.would_be.due_at)
            told += 1
            kinds.add((pair.was.what, pair.was.of))
    assert told > 40
    assert {("L2", "RECEIPT"), ("L3", "DECISION"), ("L2", "WAITLIST_ALERT"), ("EXPIRED", "EXPIRY")} <= kinds


async def test_a_shorter_decision_is_shown_next_to_what_was(context: CaseContext, tmp_path: Path) -> None:
    """Offered on Monday 12 January 2026 at 09:30 UTC, accepted on Friday: nothing was missed.

    In one working day it is due at the end of Tuesday 13; from 09:30 to 22:59:59 on the day after are 37:29:59, of
    which four fifths are 29:59:59: reminded of at 15:29 on Tuesday.
    """
    case = await context.referred()
    await context.running.at(on(13, 1))
    await context.follow(case, LOTTE, "receive")
    await context.running.at(on(16, 1))
    await context.follow(case, LOTTE, "accept", {"coordinator": LOTTE.sub})
    policy = {"terms": {"DECISION": {"n": 1, "unit": "WORKING_DAYS"}}}
    comparison = await compared(context, case.id, policy, tmp_path)
    assert rows(comparison, "DECISION") == [
        ("REMINDED", None, "01-13 15:29"),
        ("MISSED", None, "01-13 22:59"),
    ]
    lines = "\n".join(comparison.to_lines())
    assert ["missed", "DECISION", "-", "2026-01-13", "23:59"] in [line.split() for line in lines.splitlines()]
    document = json.loads(comparison.to_json())
    assert document["policy"] == policy
    (missed,) = [item for item in document["items"] if (item["what"], item["of"]) == ("MISSED", "DECISION")]
    assert missed["was"] is None
    assert missed["wouldBe"] == {
        "of": "DECISION",
        "at": "2026-01-13T22:59:59Z",
        "dueAt": "2026-01-13T22:59:59Z",
        "awaited": "brugwerk",
    }


async def test_a_longer_term_unmakes_what_was_missed(context: CaseContext, tmp_path: Path) -> None:
    """A receipt after two working days was missed on Wednesday 14; with five it was in time on Friday 16."""
    case = await context.referred()
    await context.running.at(on(16, 1))
    await context.follow(case, LOTTE, "receive")
    longer = await compared(context, case.id, {"terms": {"RECEIPT": {"n": 5, "unit": "WORKING_DAYS"}}}, tmp_path)
    assert ("MISSED", "01-14 22:59", None) in rows(longer, "RECEIPT")


def shell(context: CaseContext, *arguments: str) -> Result:
    """The command, on the data of the services."""
    return CliRunner().invoke(main, list(arguments), env={"CASERELAY_DATA": str(context.running.settings.data)})


async def test_a_wrong_file_ends_the_command_with_its_status(context: CaseContext, tmp_path: Path) -> None:
    """One line, and exit status 2: of a term that there is not, of a place without a calendar, of no file at all."""
    case = await context.referred()
    misspelt = file(tmp_path, {"terms": {"DECISON": {"n": 1, "unit": "DAYS"}}})
    result = await _off_loop(context, "replay", case.id, "--policy", str(misspelt))
    assert (result.exit_code, len(result.output.strip().splitlines())) == (2, 1)
    assert f"{misspelt}: terms.DECISON: no such term; terms are " in result.output
    nowhere = file(tmp_path, {"country": "XX"})
    result = await _off_loop(context, "replay", case.id, "--policy", str(nowhere))
    assert (result.exit_code, len(result.output.strip().splitlines())) == (2, 1)
    assert f"{nowhere}: no public holidays are known for country 'XX'" in result.output
    result = await _off_loop(context, "replay", case.id, "--policy", str(tmp_path / "none.json"))
    assert result.exit_code == 2
    assert "none.json: No such file or directory" in result.output


async def test_the_shell_prints_a_table_or_one_document(context: CaseContext, tmp_path: Path) -> None:
    """Plain text for people, JSON for programs; an earlier end of the story by `--as-of`."""
    case = await context.referred()
    await context.running.at(context.running.clock.now() + timedelta(days=20))
    written = file(tmp_path, {"terms": {"RECEIPT": {"n": 1, "unit": "WORKING_DAYS"}}})
    table = await _off_loop(context, "replay", case.id, "--policy", str(written))
    assert table.exit_code == 0, table.output
    lines = [line.split() for line in table.output.splitlines()]
    assert ["missed", "RECEIPT", "2026-01-14", "23:59", "2026-01-13", "23:59"] in lines
    printed = await _off_loop(context, "replay", case.id, "--policy", str(written), "--as-of", "2026-01-13", "--json")
    document = json.loads(printed.output)
    assert document["until"] == "2026-01-13T22:59:59Z"
    assert [(item["what"], item["was"], item["wouldBe"]["at"]) for item in document["items"]][-1] == (
        "MISSED",
        None,
        "2026-01-13T22:59:59Z",
    )


@pytest.mark.parametrize("of", ["RECEIPT", "ESCALATION_RESOLUTION:E1", f"CHANGE_DECISION:{'P' * 60}"])
def test_the_columns_of_the_table_stand_below_their_headings(of: str) -> None:
    """However long the name of a term is, and what it is about; the counts below stand there as well."""
    happened = Happened(what="REMINDED", of=of, at=on(20, 1), awaited="brugwerk")
    lines = [*Comparison("C-1", {}, on(30, 1), "UTC", [Pair(happened, happened)]).to_lines()]
    heading, reminded, count = lines[1], lines[2], lines[4]
    for title, cell, counted in (("as it was", "2026-01-20", "1"), ("under the other terms", "2026-01-20", "1")):
        place = heading.index(title)
        assert reminded[place:].startswith(cell)
        assert count[place:].startswith(counted)


async def _off_loop(context: CaseContext, *arguments: str) -> Result:
    return await asyncio.to_thread(shell, context, *arguments)
