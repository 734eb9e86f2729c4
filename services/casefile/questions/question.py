"""What a question is: a pure function of a case's record, answered by a sentence, facts, and the events behind them.

Nobody is asked and no view is read: the same record always gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from msgspec import Struct

from services.casefile.domain.broadcast import OfferEntryTaken
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.steps import Party
from services.casefile.history import known
from services.casefile.reports.report import CASE_PREFIX, History, Moment
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.days import FIRST, in_utc

LOG: Final = "casefile"
REFERRAL_LOG: Final = "referral"
Facts = dict[str, Any]
"""What an answer rests on, as JSON has it: codes, numbers, times (RFC 3339, in UTC), and staff by their `sub`."""


class Proof(Struct, frozen=True):
    """An event that proves something: its id, and its position in the log of a service, counted from 1."""

    event: str
    log: str
    position: int


@dataclass(frozen=True)
class Answer:
    """An answer: a sentence for people who know nothing of the system, the facts behind it, and the events behind them.

    `clear`: nothing in it wants a second look. Of a question that only informs it says whether there was an answer.
    """

    text: str
    facts: Facts
    proofs: tuple[Proof, ...]
    clear: bool = True


@dataclass(frozen=True)
class Inquiry:
    """The record of one case, and the moment that is asked about.

    `stored` is the case's whole stream and `beside` that of who was told of what. `as_of`: what had happened by then;
    `known_at`: what was recorded by then; None: all of it.
    """

    stored: Sequence[Recorded]
    beside: Sequence[Recorded] = ()
    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def case(self) -> str:
        """The case's id."""
        return self.stored[0].stream.removeprefix(CASE_PREFIX)

    @cached_property
    def history(self) -> History:
        """What had happened, as it was known."""
        return History(self.stored[0].stream, list(known(self.stored, self.as_of, self.known_at)))

    @cached_property
    def tellings(self) -> Sequence[Recorded]:
        """Who had been told of what by then, as it was known."""
        return list(known(self.beside, self.as_of, self.known_at))

    @property
    def until(self) -> datetime:
        """The moment that is asked about: until then is counted what still goes on."""
        newest = max((recorded.meta.recorded_at for recorded in self.history.records), default=FIRST)
        return self.as_of or newest


@dataclass(frozen=True)
class Question:
    """A question of auditors, by its name in the domain reference (`Q4`), and how it is answered.

    `sources` are the names of the events that the answer is made of.
    """

    name: str
    asks: str
    sources: tuple[str, ...]
    find: Callable[[Inquiry], Answer]

    def answer(self, inquiry: Inquiry) -> Answer:
        """The answer; of a time before anything was recorded, that nothing was."""
        if inquiry.history.records:
            found = self.find(inquiry)
            # That something is not on record is proven by the record, up to its newest event.
            return found if found.proofs else replace(found, proofs=proofs(inquiry.history.records[-1]))
        return Answer("Nothing was on record of the case at that time.", {}, (), clear=False)

    def document(self, inquiry: Inquiry) -> dict[str, Any]:
        """The answer in its JSON shape."""
        found = self.answer(inquiry)
        return {
            "question": self.name,
            "asks": self.asks,
            "case": inquiry.case,
            "asOf": written(inquiry.as_of),
            "knownAt": written(inquiry.known_at),
            "answer": found.text,
            "clear": found.clear,
            "facts": found.facts,
            "evidence": [
                {"event": proof.event, "log": proof.log, "position": proof.position} for proof in found.proofs
            ],
        }


def proofs(*found: Recorded | Moment) -> tuple[Proof, ...]:
    """Each event once, in the order of the log; behind an entry of a referral the event that it was taken from."""
    records = {each.position: each for each in (_recorded(each) for each in found)}
    return tuple(proof for position in sorted(records) for proof in _proofs(records[position]))


def _recorded(found: Recorded | Moment) -> Recorded:
    return found.recorded if isinstance(found, Moment) else found


def _proofs(recorded: Recorded) -> Iterable[Proof]:
    yield Proof(recorded.meta.event_id, LOG, recorded.position)
    if isinstance(entry := recorded.event, ReferralEntryTaken):
        yield Proof(entry.source_event_id, REFERRAL_LOG, entry.source_position)


def entries(history: History, *names: str) -> list[tuple[Moment, ReferralEntryTaken]]:
    """What the referral service reported under these names, in order."""
    return [
        (moment, moment.recorded.event)
        for moment in history.moments
        if isinstance(moment.recorded.event, ReferralEntryTaken) and moment.recorded.event.name in names
    ]


def is_one_of_several(entry: ReferralEntryTaken) -> bool:
    """Whether an entry is about one of several offers at once."""
    return isinstance(entry, OfferEntryTaken)


def written(at: datetime | None) -> str | None:
    """An instant as facts have it, in UTC."""
    return in_utc(at) if at is not None else None


def spoken(at: datetime) -> str:
    """An instant as sentences have it, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def party(found: Any) -> Facts:
    """A person or an actor as facts have them."""
    return {"role": found.role, "org": found.org, "sub": found.sub}


def named(found: Any) -> str:
    """A person or an actor as sentences have them."""
    return f"{found.sub} ({found.role} of {found.org})"


def actor_of(recorded: Recorded) -> Party:
    """Who did it: of an entry, who did it at the referral service."""
    event = recorded.event
    if isinstance(event, ReferralEntryTaken):
        return event.actor
    actor = recorded.meta.actor
    return Party(role=actor.role, org=actor.org, sub=actor.sub)


def listed(parts: Iterable[str]) -> str:
    """Things in a sentence: `a, b and c`."""
    several = list(parts)
    return ", ".join(several[:-1]) + " and " + several[-1] if len(several) > 1 else "".join(several)


def counted(number: int, thing: str, things: str | None = None) -> str:
    """So many of something in a sentence: `no referrals`, `1 referral`, `3 referrals`."""
    return f"{number or 'no'} {thing if number == 1 else things or f'{thing}s'}"
