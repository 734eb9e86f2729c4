"""The sandbox's clock goes forwards only, and survives a restart."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from services.chassis.time.clock import SANDBOX_START, BackwardsInTime, Clock, SandboxClock, SystemClock

HOUR = timedelta(hours=1)


class Machine:
    """The machine's time, set by hand."""

    def __init__(self) -> None:
        self.time = datetime(2031, 5, 6, 7, 8, 9, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time that was set."""
        return self.time


@pytest.fixture
def machine() -> Machine:
    """A machine whose time stands still until a test moves it."""
    return Machine()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the clock is kept, in a directory that is not there yet."""
    return tmp_path / "data" / "clock.json"


def test_the_system_clock_answers_the_machines_time_in_utc() -> None:
    """Aware, and between two looks at the machine's own clock."""
    clock: Clock = SystemClock()
    before = datetime.now(UTC)
    now = clock.now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_the_sandbox_starts_on_its_monday_morning(file: Path, machine: Machine) -> None:
    """A new sandbox begins on 5 January 2026 at eight, UTC, running."""
    clock = SandboxClock(file, machine)
    assert clock.now() == SANDBOX_START == datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert not clock.frozen


def test_a_running_clock_runs_at_normal_speed(file: Path, machine: Machine) -> None:
    """An hour of the machine is an hour of the sandbox."""
    clock = SandboxClock(file, machine)
    machine.time += HOUR
    assert clock.now() == SANDBOX_START + HOUR


def test_a_frozen_clock_stands_still_until_it_is_let_go(file: Path, machine: Machine) -> None:
    """Moving it without a word about freezing leaves it frozen."""
    clock = SandboxClock(file, machine)
    clock.move(SANDBOX_START + HOUR, frozen=True)
    machine.time += HOUR
    assert clock.now() == SANDBOX_START + HOUR
    clock.move(SANDBOX_START + 2 * HOUR)
    machine.time += HOUR
    assert clock.frozen
    assert clock.now() == SANDBOX_START + 2 * HOUR
    clock.move(SANDBOX_START + 2 * HOUR, frozen=False)
    machine.time += HOUR
    assert clock.now() == SANDBOX_START + 3 * HOUR


def test_the_clock_does_not_go_back(file: Path, machine: Machine) -> None:
    """A refused move changes nothing, and says where the clock stands."""
    clock = SandboxClock(file, machine)
    clock.move(SANDBOX_START + HOUR)
    kept = file.read_bytes()
    with pytest.raises(BackwardsInTime) as refused:
        clock.move(SANDBOX_START, frozen=True)
    assert refused.value.now == SANDBOX_START + HOUR
    assert not clock.frozen
    assert file.read_bytes() == kept


@pytest.mark.parametrize("frozen", [False, True])
def test_a_restart_goes_on_from_where_the_clock_stood(file: Path, machine: Machine, frozen: bool) -> None:  # noqa: FBT001
    """A running clock has gone on meanwhile; a frozen one has not."""
    SandboxClock(file, machine).move(SANDBOX_START + 24 * HOUR, frozen=frozen)
    machine.time += HOUR
    again = SandboxClock(file, machine)
    assert again.frozen is frozen
    assert again.now() == SANDBOX_START + 24 * HOUR + (timedelta(0) if frozen else HOUR)


def test_time_never_goes_back_when_the_machines_clock_is_set_back(file: Path, machine: Machine) -> None:
    """Not while the process runs, and not before the last move after a restart."""
    clock = SandboxClock(file, machine)
    clock.move(SANDBOX_START + HOUR)
    machine.time += HOUR
    assert clock.now() == SANDBOX_START + 2 * HOUR
    machine.time -= 5 * HOUR
    assert clock.now() == SANDBOX_START + 2 * HOUR
    assert SandboxClock(file, machine).now() == SANDBOX_START + HOUR


def test_a_journey_halts_at_each_step_and_then_runs_on(file: Path, machine: Machine) -> None:
    """While halted the answer is the step's own instant, whatever the machine's clock does."""
    clock = SandboxClock(file, machine)
    clock.halt_at(SANDBOX_START + HOUR)
    machine.time += HOUR
    assert clock.now() == SANDBOX_START + HOUR
    with pytest.raises(BackwardsInTime):
        clock.halt_at(SANDBOX_START)
    clock.move(SANDBOX_START + 2 * HOUR)
    machine.time += HOUR
    assert clock.now() == SANDBOX_START + 3 * HOUR


def test_a_journey_that_dies_on_the_way_is_not_undone(file: Path, machine: Machine) -> None:
    """What was recorded at a step is never in the future of the clock that starts afterwards, nor is it frozen."""
    SandboxClock(file, machine).halt_at(SANDBOX_START + HOUR)
    again = SandboxClock(file, machine)
    assert again.now() == SANDBOX_START + HOUR
    assert not again.frozen


def test_other_zones_are_understood_and_answers_are_in_utc(file: Path, machine: Machine) -> None:
    """Ten in the morning at UTC+2 is eight."""
    clock = SandboxClock(file, machine)
    clock.move(datetime(2026, 1, 6, 10, tzinfo=timezone(timedelta(hours=2))), frozen=True)
    assert clock.now().isoformat() == "2026-01-06T08:00:00+00:00"
    with pytest.raises(ValueError, match="time zone"):
        clock.move(datetime(2027, 1, 1))  # noqa: DTZ001 - the mistake under test


def test_only_the_clocks_file_is_left_behind(file: Path, machine: Machine) -> None:
    """Writing it whole and then putting it in place leaves no partial file."""
    clock = SandboxClock(file, machine)
    clock.move(SANDBOX_START + HOUR)
    assert [entry.name for entry in file.parent.iterdir()] == ["clock.json"]
    assert json.loads(file.read_text())["sandbox"] == "2026-01-05T09:00:00+00:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '{"sandbox": "today", "machine": "now", "frozen": false}',
        '{"sandbox": "2026-01-05T08:00:00", "machine": "2026-01-05T08:00:00", "frozen": false}',
        '{"sandbox": "2026-01-05T08:00:00Z", "machine": "2026-01-05T08:00:00Z", "frozen": "no"}',
    ],
)
def test_a_file_that_says_no_time_stops_the_start_by_name(file: Path, text: str) -> None:
    """Starting over at the beginning would put time before what is recorded."""
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(ValueError, match=r"clock\.json"):
        SandboxClock(file)


def test_another_process_follows_every_move_and_every_halt_at_once(file: Path, machine: Machine) -> None:
    """It reads what time it is where the one that moves the clock keeps it."""
    moved = SandboxClock(file, machine)
    follows = SandboxClock(file, machine, follows=True)
    for step in range(1, 50):
        moved.halt_at(SANDBOX_START + step * HOUR)
        machine.time += HOUR
        assert follows.now() == SANDBOX_START + step * HOUR
    moved.move(SANDBOX_START + 100 * HOUR, frozen=True)
    machine.time += HOUR
    assert follows.now() == SANDBOX_START + 100 * HOUR
    moved.move(SANDBOX_START + 101 * HOUR, frozen=False)
    machine.time += HOUR
    assert follows.now() == moved.now() == SANDBOX_START + 102 * HOUR
    moved.halt()
    machine.time += HOUR
    assert follows.now() == moved.now() == SANDBOX_START + 102 * HOUR


def test_a_journey_that_died_does_not_keep_the_clock_halted(file: Path, machine: Machine) -> None:
    """The next process goes on from where it had come to."""
    SandboxClock(file, machine).halt_at(SANDBOX_START + HOUR)
    again = SandboxClock(file, machine)
    machine.time += HOUR
    assert again.now() == SANDBOX_START + 2 * HOUR
