"""Holds an event log against its transparency log, row by row, and names every place where they differ.

The signed checkpoint vouches for the hashes of all leaves; a row is right when the entry that follows from it has the
hash of its leaf. What an entry says of a row that is not right tells in which way it is wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final, NamedTuple

from services.chassis.audit.beginning import epoch_of
from services.chassis.audit.entries import Entry, committed, entry_of_row, read_entry
from services.chassis.audit.mismatches import Verification, What
from services.chassis.audit.pacing import AT_ONCE, REST_EVERY, Pace
from services.chassis.audit.pages_ahead import Ahead
from services.chassis.audit.store import AuditStore, Standing
from services.chassis.audit.stored_rows import StoredRows
from services.chassis.log.event_log import EventLog, Row
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.merkle import HASH_BYTES, leaf_hash, nodes_of, root
from services.chassis.transparency.notes import Note
from services.chassis.transparency.right_edge import RightEdge
from services.chassis.transparency.tiles import WIDTH, Place, Tile, from_tiles, split, tiles_for

_NOT_THERE: Final = bytes(HASH_BYTES)
"""In place of a leaf hash that nobody finds: no entry has it."""


Report = Callable[[int, int], object]
"""Hears of so many events of so many."""


async def verify_settled(
    log: EventLog,
    store: AuditStore,
    remembered: Callable[[], bytes],
    report: Report = lambda _, __: None,
    pace: Pace = AT_ONCE,
    most: int | None = None,
    held: Sequence[bytes] = (),
    epochs: Callable[[], Collection[str] | None] = lambda: None,
) -> Verification:
    """The same as `verify`; once more where another epoch began meanwhile, since both of them were read then."""
    while True:
        before = await store.standing()
        result = await verify(log, store, remembered(), report, pace, most, held, epochs())
        after = await store.standing()
        if result.ok or _begun(before) == _begun(after):
            return result


def _begun(standing: Standing | None) -> tuple[int, bool]:
    """The epoch, and whether anything was signed in it."""
    return (standing.epoch, bool(standing.note)) if standing is not None else (0, False)


async def verify(
    log: EventLog,
    store: AuditStore,
    remembered: bytes = b"",
    report: Report = lambda _, __: None,
    pace: Pace = AT_ONCE,
    most: int | None = None,
    held: Sequence[bytes] = (),
    epochs: Collection[str] | None = None,
) -> Verification:
    """Holds all events that were taken in against the log; those of a moment ago may not be yet.

    `remembered` is the checkpoint that was signed last as it is known outside the database; empty where it is not.
    `held` are those that witnesses have cosigned. `epochs` are the origins behind the first that are known outside too;
    None where nothing is.
    """
    result = Verification(most=most)
    standing = await store.standing()
    if standing is not None and epochs is not None and not {*_begun_later(standing, log.name)} <= {*epochs}:
        result.found(0, What.UNKNOWN_EPOCH)
    if standing is None or not standing.note:
        if await log.head() or remembered or held:
            result.found(0, What.NOT_SIGNED)
        return result
    checkpoint = await _signed(standing, store, result)
    if checkpoint is None:
        return result
    known = [await _hold_against(note, standing, store, result) for note in (remembered, *held)]
    walk = _Walk(log, store, standing, checkpoint, result, report, pace)
    await walk.through()
    for ahead in sorted((each for each in known if each is not None), key=lambda each: each.size):
        if not await walk.reaches(ahead):
            result.found(0, What.TRUNCATED)
    return result


def _begun_later(standing: Standing, log: str) -> tuple[str, ...]:
    """The origins of the epochs behind the first."""
    origins = (standing.origin, *standing.earlier)
    # Where those before were deleted, the name of the last that is left still says that it was not the first.
    return origins if epoch_of(origins[-1], log) > 1 else origins[:-1]


async def _signed(standing: Standing, store: AuditStore, result: Verification) -> Checkpoint | None:
    try:
        note = Note.read(standing.note)
        note.verified([SignerKey.read(key).verifier for key in await store.keys(standing.origin)])
        checkpoint = Checkpoint.read(note.text)
    except ValueError:
        result.found(0, What.NOT_SIGNED)
        return None
    if (checkpoint.origin, checkpoint.size) != (standing.origin, standing.size):
        result.found(0, What.REPLACED)
    return checkpoint


async def _hold_against(
    remembered: bytes, standing: Standing, store: AuditStore, result: Verification
) -> Checkpoint | None:
    """The hashes of the log against the checkpoint that is known elsewhere; that one if it goes beyond them.

    It is remembered before it is stored, so that a process that was killed in between leaves it so.
    """
    if not remembered:
        return None
    try:
        known = Checkpoint.read(Note.read(remembered).text)
    except ValueError:
        result.found(0, What.REPLACED)
        return None
    if known.origin in standing.earlier:
        return None
    if known.origin == standing.origin and known.size > standing.size:
        return known
    nodes = nodes_of([(0, known.size)])
    tiles = await store.tiles(tiles_for(nodes))
    try:
        agrees = known.origin == standing.origin and root(known.size, lambda n: from_tiles(n, tiles)) == known.root
    except (KeyError, ValueError):
        agrees = False
    if not agrees:
        result.found(0, What.REPLACED)
    return None


class _Leaves(NamedTuple):
    first: int
    hashes: list[bytes]
    entries: list[bytes]


class _Walk:
    """Goes through rows and leaves side by side."""

    def __init__(
        self,
        log: EventLog,
        store: AuditStore,
        standing: Standing,
        checkpoint: Checkpoint,
        result: Verification,
        report: Report,
        pace: Pace,
    ) -> None:
        self._log = log
        self._store = store
        self._standing = standing
        self._checkpoint = checkpoint
        self._result = result
        self._report = report
        self._pace = pace
        self._edge = RightEdge(0, [])
        self._next = standing.through + 1
        """The position from which on nothing was taken in yet."""
        self._unnamed: dict[int, Entry] = {}
        """Mismatches of which the stream is known only by what stands for it in the entry."""

    async def through(self) -> None:
        """Notes every mismatch."""
        rows = StoredRows(self._log, self._pace, self._standing.through)
        leaves = Ahead(self._leaves(self._standing.size, self._pace.page), early=self._pace.ahead and self._log.remote)
        async with aclosing(rows), aclosing(leaves):
            await self._side_by_side(rows, leaves)
        if self._result.most is None:
            # Who keeps only some of them wants no names: it is another way through all rows.
            await self._name_streams()

    async def _side_by_side(self, rows: StoredRows, pages: Ahead[_Leaves]) -> None:
        row = await rows.next()
        size, secret = self._standing.size, self._standing.secret
        upper: dict[Place, bytes] = {}
        while (page := await pages.next()) is not None:
            first, leaves, entries = page
            if row is None and not any(entries) and {*leaves} == {_NOT_THERE}:
                # Who writes down a size that the log never had would keep this going for years.
                self._result.found(0, What.TRUNCATED)
                break
            self._edge.extend(leaves)
            for number, (leaf, entry) in enumerate(zip(leaves, entries, strict=True)):
                if row is not None and entry_of_row(row, secret) == entry and leaf_hash(entry) == leaf:
                    # As good as always: nothing is waited for, unless there is something to wait for.
                    self._result.checked += 1
                    row = rows.ready.popleft() if rows.ready else await rows.next()
                else:
                    row = await self._hold(row, rows, leaf, entry, first + number + 1)
                if number % REST_EVERY == 0:
                    await self._pace.rest()
            # Level 0 is what they were made of.
            upper |= {place: content for place, content in self._edge.taken().items() if place[0]}
            self._report(first + len(leaves), size)
        while row is not None:
            self._add(row)
            row = await rows.next()
        stored = await self._store.tiles([Tile(*place, len(upper[place]) // HASH_BYTES) for place in upper])
        as_stored = all(stored.get(place, b"").startswith(content) for place, content in upper.items())
        if self._edge.root != self._checkpoint.root or not as_stored:
            self._result.found(0, What.REPLACED)

    async def reaches(self, ahead: Checkpoint) -> bool:
        """Whether the rows that were not taken in yet make a tree that somebody knows of, the smallest first."""
        while (missing := ahead.size - self._edge.size) > 0 and (
            page := await self._log.stored(self._next, self._pace.page)
        ):
            await self._pace.rest()
            for row in page[:missing]:
                self._edge.append(leaf_hash(entry_of_row(row, self._standing.secret) or b""))
                self._next = row[0] + 1
        return (self._edge.size, self._edge.root) == (ahead.size, ahead.root)

    async def _leaves(self, size: int, at_once: int) -> AsyncGenerator[_Leaves]:
        """All leaf hashes, and the entries beside them; zeros and empty bytes for what is not there."""
        for first in range(0, size, at_once):
            yield await self._leaves_from(first, min(at_once, size - first))

    async def _leaves_from(self, first: int, count: int) -> _Leaves:
        wanted = [
            Tile(0, number, min(WIDTH, first + count - number * WIDTH))
            for number in range(first // WIDTH, -(-(first + count) // WIDTH))
        ]
        tiles = await self._store.tiles(wanted)
        leaves: list[bytes] = []
        for tile in wanted:
            leaves += _padded(tiles.get(tile.place, b""), tile.width)
        entries = await self._store.entries(first, count)
        return _Leaves(first, leaves, [*entries, *(b"" for _ in range(count - len(entries)))])

    async def _hold(self, row: Row | None, rows: StoredRows, leaf: bytes, entry: bytes, number: int) -> Row | None:
        """The leaf of a number, from 1, against the row that should be its own; returns the row for the next leaf."""
        while row is not None:
            derived = entry_of_row(row, self._standing.secret)
            if derived is not None and leaf_hash(derived) == leaf:
                self._result.checked += 1
                if derived != entry:
                    self._result.found(row[0], What.ENTRY_CHANGED, row[1], row[4])
                return await rows.next()
            if (logged := _logged(entry, leaf)) is None:
                # Nobody knows what was there: the copy of the entry was changed as well.
                self._result.found(row[0], What.CHANGED, row[1], row[4])
                return await rows.next()
            if row[0] > logged.position:
                break
            if row[0] == logged.position:
                self._result.checked += 1
                self._unnamed[len(self._result.mismatches)] = logged
                self._result.found(row[0], self._how(row[1], derived, logged), row[1], row[4])
                return await rows.next()
            self._add(row)
            row = await rows.next()
        self._miss(_logged(entry, leaf), number, at_the_end=row is None)
        return row

    def _add(self, row: Row) -> None:
        self._result.found(row[0], What.ADDED, row[1], row[4])

    def _miss(self, logged: Entry | None, number: int, *, at_the_end: bool) -> None:
        position = logged.position if logged is not None else number
        what = What.TRUNCATED if at_the_end else What.MISSING
        if logged is not None:
            self._unnamed[len(self._result.mismatches)] = logged
        self._result.found(position, what)

    async def _name_streams(self) -> None:
        """Streams by their names as they were, as far as other events of them are there."""
        if not self._unnamed:
            return
        wanted: dict[int, set[str]] = defaultdict(set)
        for logged in self._unnamed.values():
            wanted[logged.version].add(logged.stream)
        names, rows_of = dict[str, str](), Counter[str]()
        async with aclosing(StoredRows(self._log, self._pace, self._standing.through)) as rows:
            while (row := await rows.next()) is not None:
                # Of any type, where somebody has tampered with it.
                rows_of[str(row[1])] += 1
        for stream, count in rows_of.items():
            # As many of its versions as it has rows may be of no interest: trying all for each stream could take days.
            version, others = 1, 0
            while others <= count:
                commitments = wanted.get(version, ())
                if commitments and (known := committed(self._standing.secret, stream, version)) in commitments:
                    names[known] = stream
                else:
                    others += 1
                version += 1
        for place, logged in self._unnamed.items():
            found = self._result.mismatches[place]
            self._result.mismatches[place] = replace(found, stream=names.get(logged.stream, found.stream))

    def _how(self, stream: str, derived: bytes | None, logged: Entry) -> What:
        """In which way a row of a stream is not what its entry says."""
        if derived is None:
            return What.CHANGED
        now = read_entry(derived)
        # An entry commits to its stream by its version too, so another version alone is no other stream.
        moved = committed(self._standing.secret, stream, logged.version) != logged.stream
        if now.sha256 != logged.sha256:
            if moved or now.version != logged.version:
                return What.REORDERED
            return What.REDATED if now.recorded_at != logged.recorded_at else What.CHANGED
        if moved:
            return What.MOVED
        return What.REORDERED if now.version != logged.version else What.RENAMED


def _logged(entry: bytes, leaf: bytes) -> Entry | None:
    """What the log says of a leaf; None where the entry is not the one of the leaf, or none at all."""
    if leaf_hash(entry) != leaf:
        return None
    try:
        return read_entry(entry)
    except ValueError:
        return None


def _padded(tile: bytes, width: int) -> Iterator[bytes]:
    whole = tile[: len(tile) // 32 * 32]
    hashes = split(whole)[:width]
    yield from hashes
    yield from (_NOT_THERE for _ in range(width - len(hashes)))
