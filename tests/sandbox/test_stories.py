"""What a sandbox tells when it starts, once and for all, and what it leaves for those who come later."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.processes import children
from tests.journeys.sandbox import Program, outsider, run, sandbox
from tests.support.people import AUDITOR, INES, LOTTE
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("the stories of the sandbox")]

MEGABYTES = 1024
MOST_MEMORY = 250 * MEGABYTES
"""In kB: the limit that the project has set itself for all services in one process."""


@dataclass
class Told:
    """A sandbox that told its stories, was stopped, and started again; and what was seen each time."""

    program: Program
    first: dict[str, Any]
    second: dict[str, Any]
    said_first: str
    said_second: str
    seconds: float
    memory: int
    commands: list[str]
    answers: list[subprocess.CompletedProcess[str]]
    replayed: dict[str, subprocess.CompletedProcess[str]]


def look(program: Program) -> dict[str, Any]:
    """All that a visitor finds."""
    outside = outsider(program)
    with outside.http:
        referrals = outside.read(INES, "/v1/referrals")["items"]
        cases = outside.read(INES, "/v1/cases")["items"]
        return {
            "referrals": referrals,
            "cases": cases,
            "timelines": {case["id"]: outside.timeline(INES, case["id"]) for case in cases},
            "feed": outside.feed(AUDITOR),
            "work": outside.read(LOTTE, "/v1/worklist")["items"],
            "mentors": outside.read(LOTTE, "/v1/mentors")["items"],
        }


def resident(program: Program) -> int:
    """The memory of a sandbox that is in use, in kB: of the process that answers and of its worker."""
    pid, used = program.process.pid, 0
    for one in (pid, *children(pid)):
        found = re.search(r"Pss:\s+(\d+) kB", Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii"))
        assert found is not None
        used += int(found[1])
    return used


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The stories, told once; then a stop, replays from the log, and a second start."""
    data = tmp_path_factory.mktemp("stories") / "var"
    program = Program(data, "sandbox")
    try:
        program.wait_until_ready()
        first, memory, said = look(program), resident(program), program.said
        assert program.stop() == 0
        case = next(case["id"] for case in first["cases"] if case["clientRef"] == "CL-7F3A")
        replayed = {
            "now": run(data, "replay", case),
            "then": run(data, "replay", case, "--as-of", "2026-07-01"),
            "known": run(data, "replay", case, "--as-of", "2026-07-01", "--known-at", "2026-02-01T00:00:00Z"),
        }
        again = Program(data, "sandbox", port=program.port)
        try:
            seconds = again.wait_until_ready()
            second = look(again)
            said_again = again.said.removeprefix(said)
            commands = re.findall(r"^ +(curl .*)$", said_again, re.MULTILINE)
            answers = [
                subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=20, check=False)
                for command in commands
            ]
            yield Told(again, first, second, said, said_again, seconds, memory, commands, answers, replayed)
        finally:
            again.stop()
    finally:
        program.stop()


def test_the_sandbox_tells_the_happy_path_and_leaves_a_referral_to_answer(told: Told) -> None:
    """One case is closed after its handback, another waits for brugwerk."""
    states = {one["clientRef"]: one["state"] for one in told.first["referrals"]}
    assert states["CL-7F3A"] == "COMPLETED"
    assert list(states.values()).count("SUBMITTED") == 1
    closed = next(case for case in told.first["cases"] if case["clientRef"] == "CL-7F3A")
    assert closed["state"] == "CLOSED"
    kinds = [item["type"] for item in told.first["timelines"][closed["id"]]]
    assert kinds.count("MeetingRecorded") == 9
    assert kinds.count("CheckInRecorded") == 5
    assert "DeadlineMissed" not in kinds
    assert "REFERRAL_ANSWER" in [item["step"] for item in told.first["work"]]


def test_a_second_start_is_quick_and_tells_nothing_twice(told: Told) -> None:
    """Without its stories, with every referral, event and message as it was."""
    assert told.seconds < 20
    for what in ("referrals", "timelines", "mentors", "feed"):
        assert told.second[what] == told.first[what], what
    assert "Playing a story" in told.said_first
    assert "Playing a story" not in told.said_second


def test_all_services_with_their_stories_fit_into_250_megabytes(told: Told) -> None:
    """Memory of the process that answers and of its worker together, after the stories; what they share counts once."""
    assert told.memory < MOST_MEMORY, f"{told.memory / MEGABYTES:.0f} MB"


def test_the_five_commands_to_try_next_work_as_printed(told: Told) -> None:
    """Pasted as they stand, each is answered with what it promises."""
    assert len(told.commands) == 5
    for command, answer in zip(told.commands, told.answers, strict=True):
        assert answer.returncode == 0, command
        assert answer.stdout.startswith("{"), command
        assert '"code"' not in answer.stdout[:200], answer.stdout[:300]
    assert '"RECEIVED"' in told.answers[1].stdout
    assert "lotte.claes" in told.answers[4].stdout


def test_replay_rebuilds_the_case_from_the_log_while_nothing_runs(told: Told) -> None:
    """The whole timeline, and who is responsible now."""
    shown = told.replayed["now"]
    assert (shown.returncode, shown.stderr) == (0, "")
    (timeline,) = [items for items in told.first["timelines"].values() if len(items) > 20]
    for item in timeline:
        assert item["text"] in shown.stdout
    assert "ines.debacker" in shown.stdout.rpartition("case lead")[2]
    assert "OUTCOME_FOLLOW_UP" in shown.stdout


def test_replay_answers_for_a_day_as_it_was_known_on_another(told: Told) -> None:
    """On 1 July the coordinator was responsible; with the knowledge of 1 February, for the matching."""
    then, known = told.replayed["then"].stdout, told.replayed["known"].stdout
    assert "HandbackAccepted" not in then
    assert re.search(r"HANDBACK_REPORT +lotte\.claes", then)
    assert "MatchProposed" not in known
    assert re.search(r"MATCHING +lotte\.claes", known)


def test_the_demo_loads_into_a_sandbox_that_runs_empty(tmp_path: Path) -> None:
    """Over the public API, once: `caserelay demo` tells the stories, and again it only describes them."""
    data = tmp_path / "var"
    with sandbox(data, "--empty") as (program, outside):
        assert outside.read(INES, "/v1/referrals")["items"] == []
        organisations = {one["id"] for one in outside.read(INES, "/v1/organisations")["items"]}
        assert {"vdab-gent", "brugwerk", "samenstap", "rekenhof-demo"} <= organisations
        loaded = run(data, "demo", port=program.port)
        assert loaded.returncode == 0, loaded.stderr
        referrals = outside.read(INES, "/v1/referrals")["items"]
        assert {one["clientRef"] for one in referrals} >= {"CL-7F3A"}
        again = run(data, "demo", port=program.port)
        assert again.returncode == 0, again.stderr
        assert outside.read(INES, "/v1/referrals")["items"] == referrals
    nobody = run(data, "demo", port=program.port)
    assert nobody.returncode == 1
    assert "Traceback" not in nobody.stderr


def test_empty_tells_no_story_and_deletes_none(tmp_path: Path) -> None:
    """What was there stays there, however it is started."""
    data = tmp_path / "var"
    with sandbox(data, "--empty") as (_, outside):
        outside.clock(INES, "2026-01-12T10:00:00Z")
        posted = outside.refer(INES, another_person()).json()
    with sandbox(data, "--empty") as (_, outside):
        assert [one["id"] for one in outside.read(INES, "/v1/referrals")["items"]] == [posted["id"]]
    with sandbox(data) as (_, outside):
        # A sandbox that was started empty and then used gets no stories.
        assert posted["id"] in [one["id"] for one in outside.read(INES, "/v1/referrals")["items"]]
