"""The domain's clock: one per process, asked at the edge and nowhere else.

Token expiry, timeouts and heartbeats do not ask it: they keep the machine's time, whatever the sandbox pretends.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from services.chassis.engines.store_health import Unavailable, errno_name
from services.chassis.modelling.days import in_utc

SANDBOX_START: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)


def machine_now() -> datetime:
    """The machine's time, aware UTC with microseconds."""
    return datetime.now(UTC)


class Clock(Protocol):
    """What time it is for the domain."""

    def now(self) -> datetime:
        """Aware UTC with microseconds."""
        ...


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """Aware UTC with microseconds."""
        return machine_now()


class BackwardsInTime(ValueError):  # noqa: N818 - what was asked for
    """The sandbox's clock moves forwards only: what has been recorded has happened."""

    def __init__(self, requested: datetime, now: datetime) -> None:
        super().__init__(f"the clock stands at {in_utc(now)} and does not go back to {in_utc(requested)}")
        self.now = now


@dataclass(frozen=True, slots=True)
class _Anchor:
    """Sandbox time `sandbox` was at machine time `machine`; it has run since, unless frozen."""

    sandbox: datetime
    machine: datetime
    frozen: bool
    halted: bool = False
    """On a journey that a living process makes: it has stood still since, and goes on by itself if that one dies."""


class SandboxClock:
    """A clock that can be moved forwards and frozen, and otherwise runs at normal speed.

    Where it stands is kept in the file given (made on first use, with its directory), so that a restart goes on
    from there; while no process ran, time went on as it does elsewhere. One process at a time moves it; others follow.
    """

    def __init__(self, file: Path, machine: Callable[[], datetime] = machine_now, *, follows: bool = False) -> None:
        """`follows`: another process that runs moves it, and this one goes by the file."""
        self._file = file
        self._machine = machine
        self._follows = follows
        self._followed = b""
        self._lock = threading.Lock()
        self._halted: datetime | None = None
        anchor = _read(file)
        if anchor is None:
            anchor = _Anchor(SANDBOX_START, machine(), frozen=False)
            _write(file, anchor)
        self._anchor = anchor
        self._latest = anchor.sandbox

    @property
    def frozen(self) -> bool:
        """Whether it stands still until it is moved again or let go."""
        return self._anchor.frozen

    def now(self) -> datetime:
        """Aware UTC with microseconds; never earlier than an answer before, even if the machine's is set back."""
        with self._lock:
            return self._now()

    def move(self, to: datetime, *, frozen: bool | None = None) -> None:
        """Set it to `to` (aware), and freeze it or let it run; None leaves that as it is.

        BackwardsInTime if `to` lies behind; nothing has changed then.
        """
        with self._lock:
            target = self._forwards(to)
            self._keep(target, frozen=self._anchor.frozen if frozen is None else frozen, halted=False)
            self._halted = None

    def halt(self) -> None:
        """Keep it where it stands until the next `move` or `halt_at`."""
        with self._lock:
            self._keep(now := self._now(), frozen=self._anchor.frozen, halted=True)
            self._halted = now

    def halt_at(self, instant: datetime) -> None:
        """Set it to `instant` (aware) and keep it there until the next `move` or `halt_at`.

        For a journey in steps, so that what happens on the way is recorded at its own time to the microsecond. A
        process that dies on the way finds the clock where the journey had come to, as frozen as it was before.
        BackwardsInTime if `instant` lies behind.
        """
        with self._lock:
            target = self._forwards(instant)
            self._keep(target, frozen=self._anchor.frozen, halted=True)
            self._halted = target

    def _now(self) -> datetime:
        if self._follows:
            self._follow()
        if self._halted is not None:
            return self._halted
        if self._anchor.frozen:
            return self._anchor.sandbox
        self._latest = max(self._latest, self._anchor.sandbox + (self._machine() - self._anchor.machine))
        return self._latest

    def _forwards(self, to: datetime) -> datetime:
        if to.tzinfo is None:
            raise ValueError("the clock moves to an instant: a time zone is needed")
        now = self._now()
        if to < now:
            raise BackwardsInTime(to, now)
        return to.astimezone(UTC)

    def _follow(self) -> None:
        # Read each time: the time of a file is coarser than two moves may be apart.
        try:
            kept = self._file.read_bytes()
        except OSError as failure:
            raise Unavailable("clock", errno_name(failure)) from failure
        if kept != self._followed and (anchor := _read(self._file)) is not None:
            self._followed, self._anchor = kept, anchor
            self._halted = anchor.sandbox if anchor.halted else None
            self._latest = anchor.sandbox

    def _keep(self, sandbox: datetime, *, frozen: bool, halted: bool) -> None:
        anchor = _Anchor(sandbox, self._machine(), frozen, halted)
        # The file first: a clock that ran ahead of its file would go back at the next start.
        try:
            _write(self._file, anchor)
        except OSError as failure:
            raise Unavailable("clock", errno_name(failure)) from failure
        self._anchor = anchor
        self._latest = sandbox


def _read(file: Path) -> _Anchor | None:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        kept = json.loads(text)
        sandbox, machine = (datetime.fromisoformat(kept[key]) for key in ("sandbox", "machine"))
        if sandbox.tzinfo is None or machine.tzinfo is None or not isinstance(kept["frozen"], bool):
            raise ValueError("a time without zone, or a `frozen` that is not a boolean")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} does not say where the sandbox's clock stands ({error})") from error
    return _Anchor(sandbox.astimezone(UTC), machine.astimezone(UTC), kept["frozen"], kept.get("halted") is True)


def _write(file: Path, anchor: _Anchor) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    at = {"sandbox": anchor.sandbox.isoformat(), "machine": anchor.machine.isoformat()}
    text = json.dumps(at | {"frozen": anchor.frozen} | ({"halted": True} if anchor.halted else {}))
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as partial:
            partial.write(text)
            partial.flush()
            os.fsync(partial.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
