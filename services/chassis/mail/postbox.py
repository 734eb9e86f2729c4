"""Posts letters that another service wrote, to addresses that this one keeps in its vault.

A letter is taken into a stream of its own, and posted from there: a slow mail server delays nothing else that is heard.
The secret in it is made here, under the vault's key, and only its hash is told. At the moment of posting the address is
looked up once more, so that nobody is written to who is not to be written to any more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import Changes, Table
from services.chassis.log.metadata import Recorded
from services.chassis.mail.post import Post
from services.chassis.mail.smtp import Result
from services.chassis.mail.writing import BLANK, Parts
from services.chassis.modelling.days import USUAL_ZONE, time_zone
from services.chassis.modelling.decider import Actor, Command, Entity, Event
from services.chassis.time.clock import Clock, machine_now
from services.chassis.time.scheduler import DEADLINES, Pending, instant, set_pending, sortable
from services.chassis.vault.tokens import Tokens, answering, hash_of
from services.chassis.vault.vault import Vault

LETTERS: Final = Table("letters", DEADLINES.columns, orders=DEADLINES.orders)
"""A row for each letter that waits, as DEADLINES has them; a table of its own, since no deadline waits for mail."""
LETTER: Final = "LETTER"
"""The kind of what is pending: a letter waits to be posted."""
AGAIN: Final = timedelta(minutes=15)
"""How long a letter waits at first that the mail server did not take; then as long as it has waited already."""
SELDOM: Final = timedelta(hours=4)
"""How long it waits at most, but for the night."""
DAY_BEGINS: Final = time(8)
DAY_ENDS: Final = time(18)
"""Between them a letter is tried again, at weekends too: its link does not stay open for longer because of them."""
TRIED_FOR: Final = timedelta(hours=72)
"""How long it is tried, by the clock that it waits by; and no longer than it is of use."""
ENGLISH: Final = "en"
_PURPOSE: Final = "act"
_CODES: Final = 10**8


class Addressee(NamedTuple):
    """Where somebody is written to, and in which language; `unwritten` is the code why nobody is to be written to."""

    address: str | None = None
    language: str | None = None
    unwritten: str | None = None


Find = Callable[[str], Awaitable[Addressee]]
"""Looks somebody up by the service's own name for them."""


class TakeLetter(Command, frozen=True, kw_only=True):
    """Take a letter to be posted. `number` 0 is one with a link, any other one with a code."""

    letter: str
    number: int
    addressee: str
    language: str
    subject: str
    text: str
    html: str
    expires_at: datetime


class RecordPosted(Command, frozen=True, kw_only=True):
    """Note what became of a letter: SENT, or a code that says why not. `now` is the machine's time."""

    letter: str
    number: int
    addressee: str
    result: str
    language: str | None
    secret: str | None
    now: datetime


class LetterTaken(Event, frozen=True, kw_only=True):
    """A letter waits to be posted to the addressee, whom the service knows by that name. The secret is not in it."""

    BYSTANDER: ClassVar[bool] = True
    letter: str
    number: int
    addressee: str
    language: str
    subject: str
    text: str
    html: str
    expires_at: datetime


class LetterPosted(Event, frozen=True, kw_only=True):
    """What became of a letter; `secret` is the hash of the token or the code that stands in it."""

    BYSTANDER: ClassVar[bool] = True
    letter: str
    number: int
    addressee: str
    result: str
    language: str | None
    secret: str | None
    at: datetime


LetterEvent = LetterTaken | LetterPosted


class _Posting(Struct, frozen=True, kw_only=True):
    taken: LetterTaken | None = None
    posted: bool = False


def _decide(command: TakeLetter | RecordPosted, posting: _Posting) -> list[LetterEvent]:
    if posting.posted:
        return []
    match command:
        case TakeLetter() if posting.taken is None:
            return [
                LetterTaken(
                    letter=command.letter,
                    number=command.number,
                    addressee=command.addressee,
                    language=command.language,
                    subject=command.subject,
                    text=command.text,
                    html=command.html,
                    expires_at=command.expires_at,
                )
            ]
        case RecordPosted():
            return [
                LetterPosted(
                    letter=command.letter,
                    number=command.number,
                    addressee=command.addressee,
                    result=command.result,
                    language=command.language,
                    secret=command.secret,
                    at=command.now,
                )
            ]
        case _:
            return []


def _evolve(posting: _Posting, event: LetterEvent) -> _Posting:
    return replace(posting, taken=event) if isinstance(event, LetterTaken) else replace(posting, posted=True)


POSTING: Entity[_Posting] = Entity(_Posting(), _evolve)


def letter_stream(letter: str, number: int) -> str:
    """The stream of one letter."""
    return f"letter-{letter}.{number}"


def note_letter(recorded: Recorded, event: LetterEvent, changes: Changes) -> None:
    """A letter waits from its taking on, until it is known what became of it."""
    waits = list[Pending]()
    if isinstance(event, LetterTaken):
        taken_at = recorded.meta.recorded_at
        # Somebody waits at a page for a code, so it goes before all letters with links; it is tried once.
        at = taken_at - TRIED_FOR if event.number else taken_at
        waits = [Pending(sortable(at), "", LETTER, sortable(taken_at))]
    set_pending(changes, recorded.stream, recorded, waits, LETTERS.name)


def _by_day(at: datetime) -> datetime:
    """That instant, or the next morning where people are left alone then."""
    there = at.astimezone(time_zone(USUAL_ZONE))
    if DAY_BEGINS <= there.time() < DAY_ENDS:
        return at
    day = there.date() if there.time() < DAY_BEGINS else there.date() + timedelta(days=1)
    return datetime.combine(day, DAY_BEGINS, there.tzinfo).astimezone(UTC)


class Postbox:
    """Takes letters, and posts them."""

    def __init__(
        self,
        streams: Streams,
        vault: Vault,
        post: Post,
        clock: Clock,
        find: Find,
        system: Actor,
        now: Callable[[], datetime] = machine_now,
    ) -> None:
        """`find` looks up who is written to; `system` is in whose name it is recorded, `now` the machine's time."""
        self._streams, self._post, self._clock, self._find = streams, post, clock, find
        self._system, self._now = system, now
        self._tokens = Tokens(vault)
        self._handler = Handler[TakeLetter | RecordPosted, _Posting](streams, OwnState(), _decide)

    async def take(
        self,
        letter: str,
        number: int,
        addressee: str,
        by_language: Mapping[str, Parts],
        expires_at: datetime,
        call: Call,
    ) -> None:
        """Takes a letter in the addressee's language, or in English; of who is not to be written to it is said so."""
        found = await self._find(addressee)
        stream = letter_stream(letter, number)
        if (reason := self._unwritten(found)) is not None:
            command = self._record(letter, number, addressee, reason)
            await self._handler.handle(command, stream, POSTING, call, must_exist=False)
            return
        language = (found.language or ENGLISH).partition("-")[0].lower()
        parts = by_language.get(language) or by_language[ENGLISH]
        taken = TakeLetter(
            at=self._clock.now(),
            by=self._system,
            letter=letter,
            number=number,
            addressee=addressee,
            language=parts.language,
            subject=parts.subject,
            text=parts.text,
            html=parts.html,
            expires_at=expires_at,
        )
        await self._handler.handle(taken, stream, POSTING, call, must_exist=False)

    async def fire(self, stream: str, due: Pending) -> Sequence[Pending]:
        """Posts a letter that waits; returns when it is tried again."""
        posting = (await self._streams.fold(stream, POSTING)).state
        if (taken := posting.taken) is None or posting.posted:
            return ()
        began = self._clock.now()
        result, secret = await self._posted(taken)
        waited = began - instant(due.due)
        if result is None and waited < TRIED_FOR:
            return [Pending(sortable(_by_day(began + min(max(AGAIN, waited), SELDOM))), "", LETTER, due.due)]
        result = result or "EXPIRED"
        command = self._record(taken.letter, taken.number, taken.addressee, result, taken.language, secret)
        await self._handler.handle(command, stream, POSTING, Call(actor=self._system))
        return ()

    async def _posted(self, taken: LetterTaken) -> tuple[str | None, str | None]:
        """What became of one attempt, None where it is tried again; and the hash of the secret in what was sent."""
        found = await self._find(taken.addressee)
        if (reason := self._unwritten(found)) is not None:
            return reason, None
        if found.address is None or self._now() >= taken.expires_at:
            return "EXPIRED", None
        shown, kept = self._secret(taken)
        parts = Parts(taken.subject, taken.text.replace(BLANK, shown), taken.html.replace(BLANK, shown), taken.language)
        answer = await self._post.send(found.address, parts, f"{taken.letter}.{taken.number}")
        if answer.result is Result.ACCEPTED:
            return "SENT", kept
        if answer.result is Result.REFUSED:
            return "REFUSED", None
        # Somebody waits for a code, and asks for another one; a link can wait.
        return ("DEFERRED" if taken.number else None), None

    def _secret(self, taken: LetterTaken) -> tuple[str, str]:
        """What stands in the letter, the same for every attempt, and what others may know of it."""
        token = self._tokens.make(_PURPOSE, taken.letter)
        if not taken.number:
            return token, hash_of(token)
        drawn = int(self._tokens.hidden("code", taken.letter, str(taken.number)), 16) % _CODES
        code = f"{drawn:08d}"
        return f"{code[:4]} {code[4:]}", answering(token, code)

    @staticmethod
    def _unwritten(found: Addressee) -> str | None:
        return found.unwritten or ("NO_ADDRESS" if found.address is None else None)

    def _record(
        self,
        letter: str,
        number: int,
        addressee: str,
        result: str,
        language: str | None = None,
        secret: str | None = None,
    ) -> RecordPosted:
        return RecordPosted(
            at=self._clock.now(),
            by=self._system,
            letter=letter,
            number=number,
            addressee=addressee,
            result=result,
            language=language,
            secret=secret,
            now=self._now(),
        )
