"""The clocks of the referral service under other terms, as far as a case's own history tells of them.

They start with an offer, stand still while the agency is asked, and end with the answer, as the tables of a referral in
docs/domain.md have it. Every message that moved one left an entry in the case (`domain/referral_entry.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.codes import DeadlineName, TermUnit
from contracts.terms import LEVEL_AFTER, LadderLevel, whole_ladder
from services.casefile.domain.broadcast import CaseOffered
from services.casefile.domain.known_programme import Rules
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.terms import day_of
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.ladder import LevelDue, levels_after
from services.chassis.time.calendar import Calendar

RECEIPT: Final = DeadlineName.RECEIPT.value
DECISION: Final = DeadlineName.DECISION.value
EXPIRY: Final = DeadlineName.EXPIRY.value
INFORMATION: Final = DeadlineName.INFORMATION.value
REVIEW: Final = DeadlineName.WAITLIST_REVIEW.value
ALERT: Final = "WAITLIST_ALERT"
ENDS: Final = frozenset(
    {
        "ReferralAccepted",
        "ReferralDeclined",
        "ReferralWithdrawn",
        "ReferralExpired",
        "ReferralCompleted",
        "ReferralEnteredInError",
        "LegalBasisWithdrawn",
    }
)
_ONE_DAY: Final = timedelta(days=1)


class Fired(Struct, frozen=True, kw_only=True):
    """What a clock brings at an instant: REMINDED, MISSED, the end of an offer (EXPIRED), or a level of a late term."""

    what: str
    at: datetime
    deadline: Deadline
    referral: str
    awaited: str


class Late(Struct, frozen=True, kw_only=True):
    """A missed term, or a wait, and the levels that it comes to as long as nobody does what it waits for."""

    name: str
    due_at: datetime
    to_come: tuple[LevelDue, ...]


class OfferClock:
    """What runs of one offer; the entries about it are to be taken in their order."""

    def __init__(self, referral: str, agency: str, organisation: str) -> None:
        self.referral = referral
        self._agency = agency
        self._organisation = organisation
        self._running: tuple[Deadline, ...] = ()
        self._late: list[Late] = []
        self._paused: tuple[Deadline | None, datetime, list[Late]] | None = None
        self._waits = False
        self._done: set[tuple[str, Deadline]] = set()

    def begin(self, terms: Calendar, at: datetime) -> None:
        """The offer is made."""
        self._running = tuple(terms.deadline(name, at) for name in (RECEIPT, DECISION, EXPIRY))

    def end(self) -> None:
        """The offer is answered, or over."""
        self._running = ()
        self._late = []

    def take(self, name: str, at: datetime, terms: Calendar, rules: Rules) -> None:
        """What a message of that name means for the clocks."""
        if name in ENDS:
            return self.end()
        if not self._running:
            return None
        match name:
            case "ReferralReceived":
                self._keep(DECISION, EXPIRY)
            case "InformationRequested":
                held = self._find(DECISION)
                self._paused = (held, at, [late for late in self._late if held is not None and _is_of(late, held)])
                self._keep(EXPIRY)
                self._running = (terms.deadline(INFORMATION, at), *self._running)
            case "InformationProvided":
                decision, late = self._resumed(at, terms, rules)
                self._keep(EXPIRY)
                self._running = (decision, *self._running)
                self._late += late
            case "ReferralWaitlisted":
                expiry = self._find(EXPIRY) if self._waits else None
                if expiry is None:
                    length = terms.deadline("WAITLIST_EXPIRY", at)
                    expiry = Deadline(EXPIRY, length.due_at, length.remind_at)
                self._running = (terms.deadline(REVIEW, at), expiry)
                if not self._waits:
                    alert = LevelDue(level=LadderLevel.L2.value, at=terms.deadline(ALERT, at).due_at)
                    self._late.append(Late(name=ALERT, due_at=at, to_come=(alert,)))
                self._waits = True
            case _:
                return None
        self._late = [
            late for late in self._late if late.name == ALERT or any(_is_of(late, due) for due in self._running)
        ]
        return None

    def fire_until(self, at: datetime, now: datetime, terms: Calendar, rules: Rules) -> Iterator[Fired]:
        """What falls due by `at`, in order; what is late already falls due `now`."""
        while (first := self._next(at)) is not None:
            when, kind, due = first
            self._done.add((kind, due))
            fired = Fired(
                what=kind,
                at=max(when, now),
                deadline=due,
                referral=self.referral,
                awaited=self._awaited(due.name),
            )
            if kind == "MISSED" and due.name == EXPIRY:
                self.end()
                yield Fired(what="EXPIRED", at=fired.at, deadline=due, referral=self.referral, awaited=fired.awaited)
                continue
            if kind == "MISSED":
                self._late.append(Late(name=due.name, due_at=due.due_at, to_come=_levels(due.due_at, terms, rules)))
            if kind == "MISSED" and due.name == REVIEW:
                self._review_again(due, terms)
            yield fired

    def _next(self, at: datetime) -> tuple[datetime, str, Deadline] | None:
        pending = [
            (when, kind, due)
            for due in self._running
            for when, kind in ((due.remind_at, "REMINDED"), (due.due_at, "MISSED"))
            if when <= at and (kind, due) not in self._done and ("MISSED", due) not in self._done
        ]
        pending += [
            (level.at, level.level, due)
            for late in self._late
            for level in late.to_come
            if level.at <= at and (level.level, due := Deadline(late.name, late.due_at, late.due_at)) not in self._done
        ]
        return min(pending, key=lambda due: (due[0], due[2].name, due[1]), default=None)

    def _review_again(self, missed: Deadline, terms: Calendar) -> None:
        following, expiry = terms.deadline(REVIEW, missed.due_at), self._find(EXPIRY)
        self._keep(EXPIRY)
        if expiry is None or following.due_at < expiry.due_at:
            self._running = (following, *self._running)

    def _resumed(self, at: datetime, terms: Calendar, rules: Rules) -> tuple[Deadline, list[Late]]:
        held, since, late = self._paused or (None, at, [])
        self._paused = None
        if held is None:
            return terms.deadline(DECISION, at), []
        if ("MISSED", held) in self._done:
            return held, [_standing_still(missed, since, at, terms, rules) for missed in late]
        due_at = _later(held.due_at, DECISION, since, at, terms, rules)
        return Deadline(held.name, due_at, held.remind_at + (due_at - held.due_at)), []

    def _awaited(self, name: str) -> str:
        with_agency = self._find(INFORMATION) is not None
        return self._agency if name == INFORMATION or (name == EXPIRY and with_agency) else self._organisation

    def _find(self, name: str) -> Deadline | None:
        return next((due for due in self._running if due.name == name), None)

    def _keep(self, *names: str) -> None:
        self._running = tuple(due for due in self._running if due.name in names)


def _is_of(late: Late, due: Deadline) -> bool:
    return (late.name, late.due_at) == (due.name, due.due_at)


def _standing_still(late: Late, since: datetime, at: datetime, terms: Calendar, rules: Rules) -> Late:
    def later(level: LevelDue) -> datetime:
        return _later(level.at, LEVEL_AFTER[level.level], since, at, terms, rules)

    return replace(late, to_come=tuple(replace(level, at=later(level)) for level in late.to_come))


def _levels(due_at: datetime, terms: Calendar, rules: Rules) -> tuple[LevelDue, ...]:
    ladder = whole_ladder(rules.ladder)
    return levels_after(due_at, terms, {level: term for level, term in LEVEL_AFTER.items() if ladder[level]})


def _later(due_at: datetime, term: str, since: datetime, at: datetime, terms: Calendar, rules: Rules) -> datetime:
    """The end of a term that stood still from `since` to `at`: later by so many days of its unit."""
    first, last, due = (day_of(terms, moment) for moment in (since, at, due_at))
    if rules.terms[term].unit == TermUnit.DAYS:
        return terms.end_of_day(due + (last - first))
    for _ in range(sum(terms.is_working_day(first + n * _ONE_DAY) for n in range(1, (last - first).days + 1))):
        due += _ONE_DAY
        while not terms.is_working_day(due):
            due += _ONE_DAY
    return terms.end_of_day(due)


class OfferClocks:
    """The clocks of all offers of a case."""

    def __init__(self) -> None:
        self._clocks: dict[str, OfferClock] = {}

    def fire_until(self, at: datetime, now: datetime, terms: Calendar, rules: Rules) -> Iterator[Fired]:
        """What falls due by `at` of any offer."""
        fired = [each for clock in self._clocks.values() for each in clock.fire_until(at, now, terms, rules)]
        yield from sorted(fired, key=lambda each: (each.at, each.referral))

    def take(self, events: Sequence[object], at: datetime, terms: Calendar, rules: Rules) -> None:
        """Takes in what was recorded together, at an instant, of messages of the referral service."""
        for event in events:
            match event:
                case CaseOffered():
                    # Offers say of themselves not when they were made; their entry does.
                    entries = (other.occurred_at for other in events if isinstance(other, ReferralEntryTaken))
                    since = next(entries, at)
                    for offer in event.offers:
                        self._begin(offer.referral, event.agency, offer.organisation, since, terms)
                case ReferralEntryTaken(name="ReferralSubmitted"):
                    self._begin(event.referral, event.agency, event.organisation, event.occurred_at, terms)
                case ReferralEntryTaken(name="BroadcastEnded"):
                    for clock in self._clocks.values():
                        clock.end()
                case ReferralEntryTaken():
                    if (running := self._clocks.get(event.referral)) is not None:
                        running.take(event.name, event.occurred_at, terms, rules)

    def _begin(self, referral: str, agency: str, organisation: str, at: datetime, terms: Calendar) -> None:
        clock = self._clocks[referral] = OfferClock(referral, agency, organisation)
        clock.begin(terms, at)
