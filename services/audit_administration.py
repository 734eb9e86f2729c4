"""What stands behind `caserelay audit`: holding databases against their logs, what was signed last, and epochs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from services.chassis.audit.beginning import begin_next, epoch_of, new_key, next_origin
from services.chassis.audit.cosigned import newest_with
from services.chassis.audit.mismatches import Mismatch
from services.chassis.audit.refusals import Contradicted, Unremembered
from services.chassis.audit.remembered import RefusedState, RememberedCheckpoint
from services.chassis.audit.store import AuditStore
from services.chassis.audit.verifying import verify_settled
from services.chassis.audit.witness_policy import read_policy
from services.chassis.log.event_log import EventLog
from services.chassis.log.event_types import EventTypes
from services.chassis.refused_start import RefusedStart
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.notes import Note
from services.progress import SAY_EVERY_SECONDS, Progress, Say

_NOTHING_DECODED: Final = EventTypes({})
"""Rows are looked at as they are stored, whatever version wrote them."""
_OF_CASE: Final = re.compile(rb'"case_id":"([A-Za-z0-9._-]{1,200})"')
_CASE_STREAM: Final = re.compile(r"case-([A-Za-z0-9._-]{1,200})")
"""Nothing else: who tampers could write what a terminal takes for a command, or a line that looks like one of ours."""


class NoTransparencyLog(RefusedStart):
    """There is no such log yet, or what is there is not what was stored; the message says of which service, or why."""


@dataclass(frozen=True)
class Found:
    """A mismatch in the log of one service."""

    log: str
    mismatch: Mismatch

    @property
    def case(self) -> str | None:
        """The case that the event belongs to, as far as its stream or what is left of it says so."""
        stream, state = self.mismatch.stream, self.mismatch.state
        if self.log == "casefile" and isinstance(stream, str) and (of_case := _CASE_STREAM.fullmatch(stream)):
            return of_case[1]
        named = _OF_CASE.search(state) if isinstance(state, bytes) else None
        return named[1].decode("utf-8", "replace") if named else None

    def to_json(self) -> dict[str, Any]:
        """For programs; without a case where none is known."""
        case = {"case": self.case} if self.case is not None else {}
        return {"log": self.log, "position": self.mismatch.position, **case, "what": self.mismatch.what.value}

    def to_line(self) -> str:
        """For people."""
        of_case = f", case {self.case}" if self.case is not None else ""
        place = f"position {self.mismatch.position}" if self.mismatch.position else "the whole log"
        return f"{self.log}: {place}{of_case}: {self.mismatch.what}"


@dataclass(frozen=True)
class Verified:
    """What came of all logs."""

    checked: dict[str, int]
    mismatches: list[Found]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        found = [each.to_json() for each in self.mismatches]
        return {"ok": not found, "checked": self.checked, "mismatches": found}


async def verify_all(
    settings: Settings, services: Iterable[str], say: Say, every: float = SAY_EVERY_SECONDS
) -> Verified:
    """Holds the events of every service that has a log against what was signed of them; runs beside live services.

    `say` hears every so many seconds how far it is.
    """
    verified = Verified({}, [])
    for service in services:
        async with _opened(settings, service) as opened:
            if opened is None:
                continue
            log, store, _ = opened
            held = await _held(settings, store, say)
            progress = Progress(f"{service} verified", say, lambda count: f"{count:,} events", every=every, bar=True)
            remembered = partial(_remembered, settings, service)
            epochs = partial(_known_epochs, settings, service)
            result = await verify_settled(log, store, remembered, progress.report, held=held, epochs=epochs)
            verified.checked[service] = result.checked
            verified.mismatches.extend(Found(service, mismatch) for mismatch in result.mismatches)
    return verified


async def newest_checkpoint(settings: Settings, service: str) -> str:
    """The checkpoint that was signed last, with the cosignatures that it has by now. Raises NoTransparencyLog."""
    async with _opened(settings, service) as opened:
        standing = await opened[1].standing() if opened is not None else None
        if opened is not None and standing is not None and standing.note:
            try:
                return (await newest_with(opened[1], standing.note)).decode()
            except Contradicted as failure:
                raise NoTransparencyLog(f"{failure}: `caserelay audit verify` says where; see docs/audit.md") from None
    raise NoTransparencyLog(f"nothing of the {service} log was signed yet; start the services first")


async def begin_epochs(settings: Settings, services: Iterable[str], reason: str) -> dict[str, str]:
    """Begins another epoch of every transparency log that there is; the origin of each, by its service.

    The services take their logs in from the first event on, and sign them under these origins. What was put back may
    be older than the latest epoch: an origin that is remembered to have been signed under is not taken a second time.
    Where CASERELAY_AUDIT_STATE is set, they are known there from then on.
    """
    begun: dict[str, str] = {}
    for service in services:
        async with _opened(settings, service) as opened:
            standing = await opened[1].standing() if opened is not None else None
            if opened is None or standing is None:
                continue
            _, store, log_epoch = opened
            used = _signed_under(_remembered(settings, service), service)
            origin: str | None = ""
            while origin is not None and epoch_of(origin, service) <= used:
                standing = await store.standing() or standing
                # First, so that at no moment there is an epoch that is not known outside.
                _know(settings, service, next_origin(standing, service, settings.audit_origin))
                origin = await begin_next(store, standing, service, log_epoch, settings.audit_origin, reason)
            if origin is not None:
                begun[service] = origin
    return begun


async def rotate_keys(settings: Settings, services: Iterable[str]) -> dict[str, str]:
    """Draws another key for every transparency log that there is; its vkey, by the service. Older ones are kept."""
    drawn: dict[str, str] = {}
    for service in services:
        async with _opened(settings, service) as opened:
            standing = await opened[1].standing() if opened is not None else None
            if opened is None or standing is None:
                continue
            key = new_key(standing.origin)
            await opened[1].add_key(key)
            drawn[service] = SignerKey.read(key).verifier.text
    return drawn


def _remembered(settings: Settings, service: str) -> bytes:
    with _state(settings, service) as state:
        return state.read() if state is not None else b""


def _known_epochs(settings: Settings, service: str) -> tuple[str, ...] | None:
    with _state(settings, service) as state:
        return state.epochs if state is not None else None


def _know(settings: Settings, service: str, origin: str) -> None:
    with _state(settings, service) as state:
        if state is not None:
            state.knows(origin)


@contextmanager
def _state(settings: Settings, service: str) -> Iterator[RememberedCheckpoint | None]:
    """What is remembered outside of a log, if that is set. Raises RefusedState where it cannot be used."""
    try:
        yield RememberedCheckpoint(settings.audit_state, service) if settings.audit_state is not None else None
    except Unremembered as failure:
        raise RefusedState(str(failure)) from None


async def _held(settings: Settings, store: AuditStore, say: Say) -> list[bytes]:
    """What the witnesses of the settings show of a log."""
    if settings.witness_policy is None or (standing := await store.standing()) is None:
        return []
    # Late, since a client of HTTP takes a while to load.
    from services.chassis.audit.witnesses import shown_by  # noqa: PLC0415

    return await shown_by(read_policy(settings.witness_policy), standing.origin, say)


def _signed_under(note: bytes, service: str) -> int:
    """The number of the epoch that a checkpoint is of; 0 where there is none that can be read."""
    try:
        return epoch_of(Checkpoint.read(Note.read(note).text).origin, service)
    except ValueError:
        return 0


@asynccontextmanager
async def _opened(settings: Settings, service: str) -> AsyncIterator[tuple[EventLog, AuditStore, str] | None]:
    stores = Stores.of(settings)
    if not stores.holds(service):
        yield None
        return
    log, store = stores.event_log(service, _NOTHING_DECODED), stores.audit(service)
    try:
        yield log, store, stores.epochs(service).current.name
    finally:
        await store.close()
        await log.close()
