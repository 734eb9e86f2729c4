"""What the feed searches: the messages that each reader may find, and the parties of each case.

It is kept exact as parties come and go, but decides nothing: `lists.py` shows an item only if the policy
permits it for the parties as they are then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec.json import Decoder, Encoder

from contracts.visibility import Item, Part, Parties, item_of, message_place
from services.chassis.deciding.idempotency import KeyUsed
from services.chassis.index.index import Changes, IndexReader, Row, Table, Value
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded
from services.chassis.mail.postbox import LETTERS
from services.chassis.time.scheduler import DEADLINES
from services.notifications.delivery_rows import DELIVERIES, LANES, index_lane
from services.notifications.digest_rows import note_digest, note_digest_letter
from services.notifications.domain.digest import DigestAttempted, DigestBegun, DigestSent, DigestTold
from services.notifications.domain.inbox import MessageTaken, inbox_stream, parties_with
from services.notifications.domain.lane import DeliveryEvent
from services.notifications.domain.link_events import LinkEvent
from services.notifications.domain.nightly_digest import DigestMade
from services.notifications.domain.reading import CaseEventsRead, ReadingMoved
from services.notifications.domain.subscription_events import SubscriptionCounted, SubscriptionUncounted
from services.notifications.domain.waiting import OrganisationUnreached
from services.notifications.domain.warning import EndpointWarned, MailboxWarned
from services.notifications.events import Event
from services.notifications.known_cases import KNOWN_CASES, KNOWN_REFERRALS, KnownCases
from services.notifications.links.question_rows import note_invitation, note_question
from services.notifications.night_rows import NIGHTS, NightRows, index_digest, note_pairs
from services.notifications.subscription_rows import ENDED, SUBSCRIPTIONS, index_subscription
from services.notifications.waiting_rows import Taken, WaitingRows
from services.notifications.warning_rows import WARNINGS, note_warning
from services.notifications.ways import READERS, note_reader

VERSION: Final = 9

AUDIENCE: Final = Table(
    "audience",
    columns=("reader", "type", "case_id", "organisation", "referral", "is_stop", "at", "taken"),
    indexes=(("reader",), ("reader", "type")),
)
"""One row per message and reader; `seq` is the message's position in the log. `at` and `taken` are its place."""

PARTIES: Final = Table("parties", columns=("agency", "parts"))
"""One row per case, by its id: the parties, as `contracts.visibility` folds them; `parts` is a JSON array."""

TABLES: Final = (
    AUDIENCE,
    PARTIES,
    SUBSCRIPTIONS,
    ENDED,
    DELIVERIES,
    LANES,
    READERS,
    DEADLINES,
    LETTERS,
    WARNINGS,
    KNOWN_CASES,
    KNOWN_REFERRALS,
    NIGHTS,
)

EVERYBODY: Final = "everybody"
"""The reader of messages about no case."""
OVERSEERS: Final = "overseers"
"""The reader of everything."""


def organisation_reader(organisation: str) -> str:
    """The reader of what one organisation may find."""
    # The prefix keeps an organisation of any name apart from the two readers above.
    return f"organisation {organisation}"


def former_reader(organisation: str) -> str:
    """The reader of what one organisation found, and finds no more: by it is known what is withheld."""
    return f"former {organisation}"


@dataclass(frozen=True, slots=True)
class _Move:
    """The parties of a case before a message and after it."""

    before: Parties
    after: Parties


class Listing:
    """Keeps the index of the feed. `look` folds the parties of the cases of a batch, `project` writes the rows.

    `reader` is the index that the projection fills, and `log` the one that it tails.
    """

    def __init__(self, reader: IndexReader, log: EventLog, waiting: WaitingRows, *, asks: bool = False) -> None:
        """`asks`: whether letters go out by which mentor and mentee are asked."""
        self._reader = reader
        self._asks = asks
        self._log = log
        self._waiting = waiting
        self._moves: dict[int, _Move] = {}
        self._earlier: dict[str, list[_Message]] = {}
        self._known = KnownCases(reader)
        self._nights = NightRows(reader)

    async def look(self, batch: Sequence[Recorded]) -> None:
        """Folds the parties of each case, message by message."""
        taken = [
            (recorded, event, event.case) for recorded in batch if isinstance(event := recorded.event, MessageTaken)
        ]
        firsts = {case: recorded.version for recorded, _, case in reversed(taken) if case is not None}
        parties = await parties_of(self._reader, [case for case, first in firsts.items() if first > 1])
        self._moves.clear()
        about_cases = list[Taken]()
        self._earlier = {case: [] for case in firsts}
        for recorded, event, case in taken:
            if case is None:
                continue
            before = parties.get(case, Parties())
            # The stream holds nothing else, so its version is the message's number in it.
            after = parties[case] = parties_with(before, event, recorded.version)
            self._moves[recorded.position] = _Move(before, after)
            about_cases.append(Taken(recorded, event, case, after))
            if after != before and firsts[case] > 1 and not self._earlier[case]:
                self._earlier[case] = await self._earlier_messages(case, firsts[case] - 1)
        await self._waiting.look(about_cases)
        if firsts:
            await self._nights.look()
        await self._known.look([event for _, event, case in taken if firsts.get(case or "", 1) > 1], parties)

    async def _earlier_messages(self, case: str, through: int) -> list[_Message]:
        # Seldom asked, so no index is kept for it.
        records = await self._log.read(inbox_stream(case), through=through)
        return [_message(recorded, recorded.event) for recorded in records]

    def project(self, recorded: Recorded, changes: Changes) -> None:
        """Takes in one event of the log."""
        event: Event = recorded.event
        match event:
            case MessageTaken():
                self._taken(event, recorded, changes)
                self._waiting.project(recorded, changes)
                if self._asks:
                    note_question(recorded, event, changes)
            case ReadingMoved():
                note_reader(recorded, event, changes)
            case (
                SubscriptionCounted()
                | SubscriptionUncounted()
                | KeyUsed()
                | CaseEventsRead()
                | OrganisationUnreached()
                | MailboxWarned()
                | EndpointWarned()
            ):
                pass
            case LinkEvent():
                # A link itself is found by its token.
                note_invitation(event, changes)
            case DigestBegun() | DigestAttempted() | DigestSent() | DigestTold():
                note_digest_letter(recorded, event, changes)
            case DigestMade():
                index_digest(recorded, event, changes)
            case DeliveryEvent():
                index_lane(recorded, event, changes)
            case _:
                index_subscription(recorded, event, changes)
                note_digest(recorded, event, changes)
                note_warning(recorded, event, changes)

    def _taken(self, event: MessageTaken, recorded: Recorded, changes: Changes) -> None:
        key, position = str(recorded.position), recorded.position
        if event.case is None:
            for reader in (EVERYBODY, OVERSEERS):
                changes.put(AUDIENCE.name, f"{key} {reader}", position, reader=reader, type=event.type)
            return
        move = self._moves.pop(position)
        self._nights.happened(recorded, changes)
        message = _message(recorded, event)
        message.put(changes, OVERSEERS)
        after = move.after
        seeing = [organisation for organisation in after.organisations if after.sees(organisation, message.item)]
        for organisation in seeing:
            message.put(changes, organisation_reader(organisation))
        if move.after != move.before:
            self._parties_changed(event.case, move, recorded, changes)
            self._know_again(event.case, move, message, changes)
        else:
            self._known.take((position, event), event.case, after, seeing, changes)
        self._earlier[event.case].append(message)

    def _know_again(self, case: str, move: _Move, message: _Message, changes: Changes) -> None:
        before, after, earlier = move.before, move.after, self._earlier[case]
        note_pairs(message.position, before, after, changes)
        every = [(known.position, known.event) for known in (*earlier, message)]
        for organisation in after.organisations:
            if any(before.sees(organisation, known.item) != after.sees(organisation, known.item) for known in earlier):
                seen = [
                    (known.position, known.event)
                    for known in (*earlier, message)
                    if after.sees(organisation, known.item)
                ]
                self._known.make_again(case, after, organisation, seen, every, changes)
            elif after.sees(organisation, message.item):
                self._known.take(every[-1], case, after, (organisation,), changes)

    def _parties_changed(self, case: str, move: _Move, recorded: Recorded, changes: Changes) -> None:
        before, after = move.before, move.after
        parts = _encode(after.parts).decode()
        changes.put(PARTIES.name, case, recorded.position, agency=after.agency, parts=parts)
        for message in self._earlier[case]:
            for organisation in after.organisations:
                reader, former = organisation_reader(organisation), former_reader(organisation)
                saw, sees = before.sees(organisation, message.item), after.sees(organisation, message.item)
                if sees:
                    message.put(changes, reader)
                else:
                    changes.delete(AUDIENCE.name, message.key(reader))
                if saw and not sees:
                    message.put(changes, former)
                elif sees and not saw:
                    changes.delete(AUDIENCE.name, message.key(former))


@dataclass(frozen=True, slots=True)
class _Message:
    """A message about a case, by its position in the log, with what its rows say of it."""

    position: int
    event: MessageTaken
    item: Item
    columns: Mapping[str, Value]

    def key(self, reader: str) -> str:
        return f"{self.position} {reader}"

    def put(self, changes: Changes, reader: str) -> None:
        changes.put(AUDIENCE.name, self.key(reader), self.position, reader=reader, **self.columns)


def _message(recorded: Recorded, event: MessageTaken) -> _Message:
    item = item_of(event.name, event.message["data"], message_place(event.recorded_at, recorded.version))
    columns = {"type": event.type, "case_id": event.case, **_item_columns(item)}
    return _Message(recorded.position, event, item, columns)


def item_of_message(event: MessageTaken) -> Item:
    """A message as the rule about parties sees it, wherever it stands among those of the same moment."""
    return item_of(event.name, event.message["data"], message_place(event.recorded_at, 0))


def _item_columns(item: Item) -> dict[str, Value]:
    at, taken = item.place
    return {
        "organisation": item.organisation,
        "referral": item.referral,
        "is_stop": int(item.is_stop),
        "at": at,
        "taken": taken,
    }


def item_of_row(row: Row) -> Item:
    """The message of a row of AUDIENCE, as the rule about parties sees it."""
    columns: Any = row.columns
    return Item(
        place=(columns["at"], columns["taken"]),
        organisation=columns["organisation"],
        referral=columns["referral"],
        is_stop=bool(columns["is_stop"]),
    )


_encode: Final = Encoder().encode
_decode: Final = Decoder(list[Part]).decode


async def parties_of(reader: IndexReader, cases: Sequence[str]) -> dict[str, Parties]:
    """The parties of some cases; a case about which nobody was addressed yet may be missing."""
    rows = await reader.rows(PARTIES.name, cases) if cases else {}
    return {case: _parties(row) for case, row in rows.items()}


def _parties(row: Row) -> Parties:
    agency, parts = row.columns["agency"], _decode(str(row.columns["parts"]))
    return Parties.of(str(agency) if agency is not None else None, parts)
