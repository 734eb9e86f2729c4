"""Runs a command: load what it rests on, decide, append; again when somebody else was first.

Order of the looks, and why: a repeated key finds its earlier answer before `If-Match` is compared, because the first
try has moved the ETag; a conflict on a stream that the caller's `If-Match` did not name is no news for the caller,
so the command is simply decided again on the newer state.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar

from msgspec import Struct

from services.chassis.deciding.context import Contexts, load
from services.chassis.deciding.folded import Folded
from services.chassis.deciding.idempotency import USE, Key, KeyReused, KeyUsed
from services.chassis.deciding.refusals import Lately
from services.chassis.deciding.row import Row
from services.chassis.deciding.stamping import stamped, stamped_beside
from services.chassis.deciding.streams import Doubtful, Reads, Streams, ends_of
from services.chassis.engines.store_health import Unavailable
from services.chassis.log.event_log import Conflict, Write
from services.chassis.log.metadata import Metadata
from services.chassis.modelling.decider import Actor, Command, Entity, Refused, To
from services.chassis.vault.vault import Deposit

S = TypeVar("S")
C = TypeVar("C", bound=Command)
X = TypeVar("X")

TRIES = 25
log = logging.getLogger(__name__)


class PreconditionFailed(Exception):  # noqa: N818 - HTTP's word
    """The resource is not at the version that If-Match names."""

    def __init__(self, current: int, moved_by: str) -> None:
        super().__init__("the resource has changed")
        self.current = current
        self.moved_by = moved_by


class Busy(Exception):  # noqa: N818 - reads as what happened
    """The command met a conflict again and again; nothing was stored, and it may be sent again."""


class NotFound(Exception):  # noqa: N818 - HTTP's word
    """There is no such stream."""


class Call(Struct, frozen=True, kw_only=True):
    """Who sends a command, and on which terms: what belongs to the sending, not to the command.

    Where `actor` passes on somebody's word, only the events that are that word (`PASSED_ON`) name whose it was: what
    follows from them the actor did.

    `if_match` are the versions that the caller decides on, 0 for nothing; None where the route asks for none.
    `causation_id` is the id of the message that a reaction answers, and `causation_sequence` its position in the log
    that it came from; a stream that already holds the id absorbs the repeat.

    `fingerprint` tells the body from another one under the same key; `fingerprint_before` makes it as it was made
    before it had a version in front, for commands that were stored then.
    """

    actor: Actor
    if_match: frozenset[int] | None = None
    idempotency_key: str | None = None
    fingerprint: str | None = None
    fingerprint_before: Callable[[], str] | None = None
    causation_id: str | None = None
    causation_sequence: int | None = None
    correlation_id: str | None = None
    occurred_at: datetime | None = None
    traceparent: str | None = None
    dry_run: bool = False

    def is_of(self, stored: str | None) -> bool:
        """Whether a stored fingerprint is of this command's body."""
        if stored == self.fingerprint:
            return True
        # Those of before have no version in front.
        before = self.fingerprint_before
        return before is not None and stored is not None and ":" not in stored and stored == before()

    @property
    def key(self) -> Key | None:
        """The idempotency key with whose it is."""
        return None if self.idempotency_key is None else Key.of(self.actor, self.idempotency_key)


class Outcome(Struct, Generic[S], frozen=True):
    """What became of a command: the state of its own stream after it, and where its events are.

    `position` is that of the last event it wrote (of its earlier self, when replayed), which is the use of its key
    where it changed nothing; None when it wrote nothing.
    `context` is what it was decided on; None when replayed.
    """

    state: S
    version: int
    etag: int
    position: int | None
    events: Sequence[Any]
    replayed: bool = False
    context: Any = None


class _Sent(NamedTuple, Generic[C, S]):
    command: C
    stream: str
    entity: Entity[S]
    call: Call
    must_exist: bool
    records: Deposit | None = None
    refusal: Refused | None = None


class Handler(Generic[C, X]):
    """Handles the commands of one service, or of one kind of its entities: `X` is what their decisions rest on."""

    def __init__(
        self,
        streams: Streams,
        contexts: Contexts[C, Any, X],
        decide: Callable[[C, X], Sequence[Any]],
        acting: Callable[[X, Call], Call] = lambda _, call: call,
    ) -> None:
        """`acting` says in whose name a command is given, by what it is decided on."""
        self._streams, self._contexts, self._decide, self._acting = streams, contexts, decide, acting
        self._metadata, self._lately = streams.log.types.metadata, Lately()

    async def read(
        self,
        command: C,
        stream: str,
        entity: Entity[S],
        key: Key | None,
        *also: tuple[str, Entity[Any]],
        known: bool = False,
    ) -> Reads:
        """Reads in one round trip what the command will rest on, and `also` what its sender has to know first.

        With `known` nothing is read of which a fold is kept, and what has none is taken as new, where that saves a
        round trip: `handle` then raises Doubtful unless it stores something, for only the log can say that it holds.
        """
        reads = Reads(self._streams, known=known and self._streams.log.remote, new=known)
        state = self._streams.known(stream, entity)
        needs = self._contexts.needs(command, state)
        reads.guess(command, state, needs)
        used = [(key.stream, USE)] if key is not None else []
        await reads.together([(stream, entity), *needs.values(), *used, *also])
        return reads

    def _known(self, stream: str, entity: Entity[S], call: Call) -> Reads | None:
        """What is known of a stream that was read before, for a command that is likely to store something."""
        if not self._streams.log.remote or call.dry_run or self._streams.kept(stream, entity) is None:
            return None
        reads = Reads(self._streams, known=True)
        if call.key is not None:
            reads.take_as_new(call.key.stream, USE)
        return reads

    async def earlier(self, stream: str, entity: Entity[S], call: Call) -> Outcome[S] | None:
        """What became of the command that came under the same key before, if one did. Raises KeyReused.

        For whom the command itself took the right to send it: everybody else finds it by `handle`.
        """
        reads = Reads(self._streams)
        return await self._earlier(await reads.fold(stream, entity), stream, entity, call, reads)

    async def knows(self, stream: str, entity: Entity[S], key: Key) -> bool:
        """Whether a command on the stream was done under the key."""
        if key in (await self._streams.fold(stream, entity)).keys:
            return True
        done = (await self._streams.fold(key.stream, USE)).state.done
        return done is not None and done.stream == stream

    async def handle(
        self,
        command: C,
        stream: str,
        entity: Entity[S],
        call: Call,
        *,
        must_exist: bool = True,
        records: Deposit | None = None,
        reads: Reads | None = None,
    ) -> Outcome[S]:
        """Decides `command` for `stream` and stores what follows.

        `reads` is what `read` has just read for it.

        `records` go to the vault with the events that refer to them, and not before it is certain that there are any.

        Raises Refused, PreconditionFailed, KeyReused, KeyRunning, NotFound (with `must_exist`), Busy; with `reads` of
        what was only known, Doubtful.
        """
        # A dry run takes no key, so it has none to wait for.
        with self._streams.running.alone(None if call.dry_run else call.key):
            return await self._run(_Sent(command, stream, entity, call, must_exist, records), reads)

    async def refuse(self, refusal: Refused, command: C, stream: str, entity: Entity[S], call: Call) -> NoReturn:
        """Keeps what is to stand of what was refused before it was decided on. Raises the refusal, kept or not.

        Not even an earlier answer under the same key is repeated. `command` says what was refused, and when.
        """
        if refusal.records and not call.dry_run:
            with suppress(Unavailable, Busy):
                await self._run(_Sent(command, stream, entity, call, must_exist=True, refusal=refusal), None)
        raise refusal

    async def _run(self, sent: _Sent[C, S], reads: Reads | None) -> Outcome[S]:
        command, stream, entity, call, *_ = sent
        if (known := reads or self._known(stream, entity, call)) is not None and known.doubtful:
            try:
                return await self._by_what_is_known(sent, known)
            except Doubtful:
                if reads is not None:
                    raise
        try:
            reads = reads or await self.read(command, stream, entity, call.key)
            return await self._try(sent, frozenset(), reads)
        except Conflict as conflict:
            tries, turn = 1, frozenset(conflict.streams)
        stale = set[str]()
        while True:
            async with self._streams.turn(turn):
                while tries < TRIES:
                    tries += 1
                    try:
                        reads = await self.read(command, stream, entity, call.key)
                        return await self._try(sent, turn, reads)
                    except Conflict as conflict:
                        if conflict.stale is not None:
                            # Not at the first time: of many who have read what seldom moves, all get on at once then.
                            stale.add(conflict.stale)
                        if not turn.issuperset(stale.union(conflict.streams)):
                            turn = frozenset(stale.union(conflict.streams))
                            break
                else:
                    raise Busy

    async def _by_what_is_known(self, sent: _Sent[C, S], reads: Reads) -> Outcome[S]:
        try:
            outcome = await self._try(sent, frozenset(), reads)
        except Unavailable:
            raise
        except Exception as doubtful:
            # A refusal, too: it may be of what is no more.
            raise Doubtful from doubtful
        if outcome.position is None or outcome.replayed:
            raise Doubtful
        return outcome

    async def _try(self, sent: _Sent[C, S], turn: frozenset[str], reads: Reads) -> Outcome[S]:
        command, stream, entity, call, must_exist, deposit, refused = sent
        reads.decide()
        own = await reads.fold(stream, entity)
        if must_exist and not own.version:
            raise NotFound(stream)
        if refused is None and (earlier := await self._earlier(own, stream, entity, call, reads)) is not None:
            return earlier
        if refused is None and call.if_match is not None and own.etag not in call.if_match:
            raise PreconditionFailed(own.etag, own.moved_by)
        context = await load(self._contexts, command, stream, entity, reads)
        call = self._acting(context, call)
        try:
            decided = self._decided(sent, context)
        except Refused as refusal:
            # By what is only known it is a doubt yet, and decided again.
            if not reads.doubtful and (records := await self._lately.to_note(refusal, stream, call, reads, command)):
                references = self._contexts.references(command, context)
                noted = stamped_beside(self._metadata, records, stream, command.at, own, references, call)
                await self._note(refusal, noted, turn, reads)
            raise
        if call.key is not None and not call.dry_run:
            version = own.version + sum(not isinstance(event, To) or event.stream == stream for event in decided)
            decided = [*decided, To(call.key.stream, KeyUsed(stream=stream, version=version))]
        references = self._contexts.references(command, context)
        written = stamped(self._metadata, decided, stream, command.at, own, references, call)
        after = own.snapshot()
        for event, meta in written.get(stream, ()):
            after.advance(entity, event, meta, 0)
        events = [event for pairs in written.values() for event, _ in pairs if not isinstance(event, KeyUsed)]
        if call.dry_run or not written:
            return Outcome(after.state, after.version, after.etag, None, events, context=context)
        # The use of a key alone refers to nothing in the vault.
        writes, position = await self._streams.append(written, turn, reads, deposit if events else None)
        if call.key is None and stream in written:
            # A key would have the position of its event.
            self._streams.decided(stream, entity, after.snapshot(), ends_of(writes, position)[stream])
        reads.wrote(writes, position)
        return Outcome(after.state, after.version, after.etag, position, events, context=context)

    def _decided(self, sent: _Sent[C, S], context: X) -> Sequence[Any]:
        if sent.refusal is not None:
            raise sent.refusal
        return self._decide(sent.command, context)

    async def _note(
        self, refusal: Refused, noted: Mapping[str, Sequence[tuple[Any, Metadata]]], turn: frozenset[str], reads: Reads
    ) -> None:
        try:
            reads.wrote(*await self._streams.append(noted, turn, reads))
        except Unavailable as away:
            # What cannot be noted is refused all the same.
            log.warning("a refusal was not noted", extra={"code": refusal.code, "store": away.store})

    async def _earlier(
        self, own: Folded[S], stream: str, entity: Entity[S], call: Call, reads: Reads
    ) -> Outcome[S] | None:
        if call.causation_id is not None and call.causation_id in own.causes:
            return Outcome(own.state, own.version, own.etag, None, (), replayed=True)
        if (key := call.key) is None:
            return None
        if (found := own.keys.get(key)) is not None:
            fingerprint, version, position = found
        else:
            use = await reads.fold(key.stream, USE)
            if (done := use.state.of(stream, call.is_of)) is None:
                return None
            (fingerprint, _, position), version = use.keys[key], done.version
        if not call.is_of(fingerprint):
            raise KeyReused
        then = await self._streams.fold_through(stream, entity, version)
        return Outcome(then.state, then.version, then.etag, position, (), replayed=True)

    async def add(
        self, row: Row, command: C, stream: str, entity: Entity[S], call: Call, *, must_exist: bool = True
    ) -> None:
        """Decides a reaction behind those that are in the row already; the row stores it with them.

        A repeat adds nothing. Raises Refused, NotFound (with `must_exist`), and then the row is as it was.
        """
        own = await row.fold(stream, entity)
        if must_exist and not own.version:
            raise NotFound(stream)
        if call.causation_id is not None and call.causation_id in own.causes:
            return
        context = await load(self._contexts, command, stream, entity, row)
        references, call = self._contexts.references(command, context), self._acting(context, call)
        written = stamped(self._metadata, self._decide(command, context), stream, command.at, own, references, call)
        row.add([Write(name, await row.version(name), pairs) for name, pairs in written.items()])
