"""Records who read what, before they are answered: what cannot be recorded is not shown.

All processes of all services write to the one log of an installation. A reading has a stream of its own and rests on
nothing that was read before, so it costs one append, which shares its commit with those of the same moment.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Self

from msgspec import Struct

from contracts.audited import ACCESS
from services.chassis.access.identity import Caller
from services.chassis.deciding.event_ids import new_ids
from services.chassis.log.event_log import EventLog, Write
from services.chassis.log.metadata import Metadata
from services.chassis.reads.record import EVENT_TYPES, RecordRead, read_stream
from services.chassis.store_opener import StoreOpener
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Deposit, Vault

REMEMBERED: Final = 1000
"""Purposes whose references a process knows, so that the same words are kept once and not for each reading."""


class Reading(Struct, frozen=True, kw_only=True):
    """One reading, as `RecordRead` has it; `purpose` is what the reader said, in words."""

    route: str
    read: tuple[str, ...]
    left_out: int = 0
    purpose: str | None = None
    traceparent: str | None = None


class Recorder:
    """Writes the log of who read what."""

    def __init__(self, log: EventLog, vault: Vault, clock: Clock) -> None:
        self.log = log
        self.vault = vault
        self._clock = clock
        self._known: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    @classmethod
    def of(cls, stores: StoreOpener, clock: Clock) -> Self:
        """The one of a service of this process. Raises RefusedStart where its stores cannot be used."""
        return cls(stores.event_log(ACCESS, EVENT_TYPES), stores.vault(ACCESS), clock)

    async def record(self, caller: Caller, reading: Reading) -> None:
        """Returns once the reading is durable. Raises Unavailable; whether it is stored is then unknown."""
        (event_id,) = new_ids(1)
        stream, now = read_stream(event_id), self._clock.now()
        deposit = Deposit(self.vault, stream)
        words = (caller.org, caller.sub, reading.purpose) if reading.purpose is not None else None
        ref = self._reference(words, deposit)
        event = RecordRead(route=reading.route, read=reading.read, left_out=reading.left_out, purpose_ref=ref)
        meta = Metadata(
            event_id=event_id,
            actor=caller.actor(),
            occurred_at=now,
            recorded_at=now,
            correlation_id=event_id,
            traceparent=reading.traceparent,
        )
        await self.log.append([Write(stream, 0, [(event, meta)])], records=deposit)
        if words is not None and ref is not None:
            # Only now is it certain that the words are in the vault.
            self._remember(words, ref)

    def _reference(self, words: tuple[str, str, str] | None, deposit: Deposit) -> str | None:
        if words is None:
            return None
        return self._known.get(words) or deposit.put("purpose", {"text": words[2]})

    def _remember(self, words: tuple[str, str, str], ref: str) -> None:
        self._known[words] = ref
        self._known.move_to_end(words)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def close(self) -> None:
        """Closes its stores."""
        await self.log.close()
        await self.vault.close()
