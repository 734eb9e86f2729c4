"""A case of old under other terms: what would have been reminded of, missed and escalated, next to what was.

Everybody acts when they did; only what the clock brings is made again, by the rules that the service itself follows.
An offer that would have lapsed before its answer is told, and its answer stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from msgspec import UNSET, Struct
from msgspec.structs import replace

from contracts.codes import Step
from contracts.escalation_codes import DISTRESS, EscalationReason
from contracts.terms import LadderLevel
from services.casefile.actions import RULES
from services.casefile.domain.case import evolve, take_in, with_what_follows
from services.casefile.domain.changes import ChangeExpired
from services.casefile.domain.context import Context
from services.casefile.domain.deadlines import (
    CaseFinalised,
    DeadlineMissed,
    DeadlineReminded,
    NgoAccessExpired,
    PassDeadline,
    RemindDeadline,
    pass_deadline,
    remind_deadline,
    running,
)
from services.casefile.domain.escalation import EscalationResolved
from services.casefile.domain.known_programme import KnownProgramme, ProgrammeLearnt
from services.casefile.domain.ladder import DeadlineEscalated, EscalateDeadline, escalate_deadline, late_terms
from services.casefile.domain.missed_terms import due_after
from services.casefile.domain.open_escalations import EscalationJoined, EscalationRaised, is_open, raised, signalled
from services.casefile.domain.referral_entry import ESCALATIONS, ReferralEntryTaken
from services.casefile.domain.silence import SilenceNoticed, watch
from services.casefile.domain.state import Case, Escalation
from services.casefile.domain.steps import find, key_of
from services.casefile.history import moment
from services.casefile.offer_clocks import Fired, OfferClocks
from services.casefile.other_terms import OtherTerms, calendar_of
from services.casefile.retiming import retimed
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Actor, To
from services.chassis.time.calendar import Calendar

_CLOCK: Final = Actor(sub="casefile-service", role="SYSTEM", org="caserelay")
_ENTRIES: Final = {"DeadlineReminded": "REMINDED", "DeadlineMissed": "MISSED", "ReferralExpired": "EXPIRED"}

_MADE_BY_TERMS: Final = (
    DeadlineReminded,
    DeadlineMissed,
    DeadlineEscalated,
    SilenceNoticed,
    ChangeExpired,
    NgoAccessExpired,
    CaseFinalised,
    EscalationRaised,
    EscalationJoined,
)
"""What the clock brings by terms. That another charter governs, it brings by a date, which stays."""
_QUESTIONS: Final = ("InformationRequested", "InformationProvided", "ReferralWaitlisted")


class Happened(Struct, frozen=True, kw_only=True):
    """What the clock brought: REMINDED, MISSED or EXPIRED of a deadline, or ESCALATED for a reason (in `of`).

    A missed deadline comes to L2 and L3, levels at which others are told.

    `awaited` is the organisation whose act was waited for, or that sees to an escalation.
    """

    what: str
    of: str
    at: datetime
    awaited: str
    due_at: datetime | None = None
    referral: str | None = None

    @property
    def subject(self) -> tuple[str, str, str | None]:
        """By what it is set next to its counterpart: ids of escalations are counted, and may differ."""
        name, _, about = self.of.partition(":")
        return self.what, name if about.startswith("E") and about[1:].isdigit() else self.of, self.referral


def had(records: Sequence[Recorded]) -> list[Happened]:
    """What happened of this kind, as it stands in a case's stream."""
    found: list[Happened] = []
    questions: set[str] = set()
    for recorded in records:
        event = recorded.event
        if isinstance(event, ReferralEntryTaken) and event.name in _QUESTIONS:
            (questions.add if event.name == "InformationRequested" else questions.discard)(event.referral)
        for happened in _of(event, recorded.meta.recorded_at):
            # What a lapse waits for is the answer of whom it is with.
            of_agency = happened.of == "INFORMATION" or (happened.of == "EXPIRY" and happened.referral in questions)
            found.append(replace(happened, awaited=event.agency) if happened.referral and of_agency else happened)
    return found


def would_have_had(
    records: Sequence[Recorded], known: KnownProgramme, other: OtherTerms, until: datetime
) -> list[Happened]:
    """What would have happened by `until`. Raises NoCalendar where the other calendar is none."""
    return Retold(known, other).retold(records, until)


def _of(event: Any, at: datetime) -> Iterator[Happened]:
    match event:
        case DeadlineReminded() | DeadlineMissed():
            what = "REMINDED" if isinstance(event, DeadlineReminded) else "MISSED"
            yield Happened(what=what, of=event.deadline, at=at, awaited=event.awaited, due_at=event.due_at)
        case DeadlineEscalated():
            yield Happened(what=event.level, of=event.deadline, at=at, awaited=event.awaited, due_at=event.due_at)
        case SilenceNoticed():
            step = event.opens[0]
            yield Happened(what="MISSED", of="SILENCE", at=at, awaited=step.actor, due_at=step.since)
        case ChangeExpired():
            yield Happened(what="EXPIRED", of=f"CHANGE_DECISION:{event.proposal}", at=at, awaited=event.organisation)
        case EscalationRaised():
            yield Happened(
                what="ESCALATED",
                of=event.reason,
                at=at,
                awaited=event.opens[0].owner.org,
                due_at=event.opens[0].due_at,
            )
        case ReferralEntryTaken() if event.name in ESCALATIONS:
            yield Happened(
                what=event.level or LadderLevel.L2.value,
                of=event.codes[0] if event.name == "DeadlineEscalated" else "WAITLIST_ALERT",
                at=event.occurred_at,
                awaited=event.organisation,
                due_at=event.due_at,
                referral=event.referral,
            )
        case ReferralEntryTaken() if event.name in _ENTRIES:
            yield Happened(
                what=_ENTRIES[event.name],
                of=event.codes[0] if event.codes else "EXPIRY",
                at=event.occurred_at,
                awaited=event.organisation,
                due_at=event.due_at if event.codes else None,
                referral=event.referral,
            )


class Retold:
    """One case, told again under other terms."""

    def __init__(self, known: KnownProgramme, other: OtherTerms) -> None:
        self._known = known
        self._other = other
        self._calendars: dict[int, tuple[ProgrammeLearnt, Calendar]] = {}
        self._case = Case()
        self._offers = OfferClocks()
        self._done: set[tuple[str, str, datetime]] = set()
        self._ids: dict[str, str] = {}
        self._happened: list[Happened] = []

    def retold(self, records: Sequence[Recorded], until: datetime) -> list[Happened]:
        """Everything up to an instant, in order."""
        now, was = None, Case()
        for _, group in groupby(records, key=lambda recorded: (moment(recorded), recorded.meta.actor)):
            together = list(group)
            meta = together[0].meta
            now = self._pass_time(meta.recorded_at, now or meta.recorded_at)
            # What the clock brought is what is told again.
            by_clock = meta.actor.role == _CLOCK.role and meta.causation_id is None
            if not by_clock or not all(isinstance(recorded.event, _MADE_BY_TERMS) for recorded in together):
                self._take(together, was)
            for recorded in together:
                was = evolve(was, recorded.event)
        if now is not None:
            self._pass_time(until, now)
        return sorted(self._happened, key=lambda happened: happened.at)

    def _pass_time(self, until: datetime, now: datetime) -> datetime:
        """Everything falls due by `until` in its order; what is late already falls due `now`."""
        if self._case.state is None:
            return until
        learnt, terms = self._at(now)
        for fired in self._offers.fire_until(until, now, terms, learnt.rules):
            self._happened.append(_of_an_offer(fired))
        while (first := min(self._pending(until), default=None)) is not None:
            when, name, kind, due_at = first
            self._done.add((name, kind, due_at))
            now = max(now, when)
            self._happen(self._fired(name, kind, due_at, now), now)
        return until

    def _fired(self, name: str, kind: str, due_at: datetime, now: datetime) -> list[Any]:
        context = self._context(now)
        match kind:
            case "REMIND":
                return take_in(remind_deadline, RemindDeadline(at=now, by=_CLOCK, name=name, due_at=due_at), context)
            case "PASS":
                return take_in(pass_deadline, PassDeadline(at=now, by=_CLOCK, name=name, due_at=due_at), context)
            case level:
                climb = EscalateDeadline(at=now, by=_CLOCK, name=name, due_at=due_at, level=level)
                return take_in(escalate_deadline, climb, context)

    def _pending(self, until: datetime) -> Iterator[tuple[datetime, str, str, datetime]]:
        for due in running(self._case):
            ways = (("PASS", due.due_at), ("REMIND", due.remind_at))
            for kind, at in ways:
                if at is not None and at <= until and (due.name, kind, due.due_at) not in self._done:
                    yield at, due.name, kind, due.due_at
        for late in late_terms(self._case):
            for level in late.to_come:
                if level.at <= until and (late.name, level.level, late.due_at) not in self._done:
                    yield level.at, late.name, level.level, late.due_at

    def _take(self, together: Sequence[Recorded], was: Case) -> None:
        at = together[0].meta.recorded_at
        events: list[Any] = []
        after = self._case
        for recorded in together:
            event = self._made_again(recorded, replace(self._context(at), case=after), was, first=not events)
            if event is not None:
                events.append(event)
                after = evolve(after, event)
        rules, terms = self._at(at)
        self._offers.take([recorded.event for recorded in together], at, terms, rules.rules)
        followed = with_what_follows(events, self._context(at)) if events else []
        self._same_escalations([recorded.event for recorded in together], followed)
        self._happen(followed, at)

    def _made_again(self, recorded: Recorded, context: Context, was: Case, *, first: bool) -> Any:
        event, actor = recorded.event, recorded.meta.actor
        match event:
            case EscalationRaised() | EscalationJoined():
                if not first or actor.role == _CLOCK.role:
                    return None
                how = signalled if event.reason in DISTRESS else raised
                return how(context, event.reason, match=event.match or None, by=actor.org)
            case EscalationResolved():
                return self._resolved(event, context, was)
            case _:
                return retimed(event, context, recorded.meta.occurred_at)

    def _resolved(self, event: EscalationResolved, context: Context, was: Case) -> EscalationResolved | None:
        meant = next((held for held in was.escalations if held.id == event.escalation), None)
        if meant is None or not meant.own_step:
            step = find(context.case.steps, Step.ESCALATION)
            if step is None:
                return None
            again = replace(step, deadlines=(due_after(context, event.resolved_at),))
            return replace(event, escalation=UNSET, silence=UNSET, closes=(), renews=(again,))
        held = self._counterpart(meant)
        if held is None:
            return None
        silence = watch(context, event.resolved_at) if held.reason == EscalationReason.SILENCE else UNSET
        closes = (key_of(Step.ESCALATION.value, held.id),)
        return replace(event, escalation=held.id, silence=silence, closes=closes, renews=())

    def _counterpart(self, meant: Escalation) -> Escalation | None:
        open_now = [held for held in self._case.escalations if held.own_step and is_open(self._case, held)]
        ident = self._ids.get(meant.id)
        same = (held for held in open_now if held.id == ident or (ident is None and held.reason == meant.reason))
        return next(same, None)

    def _same_escalations(self, stored: Iterable[Any], followed: Iterable[Any]) -> None:
        """Which escalation is which: they are numbered as they come, and others may have come before."""
        here = [event for event in followed if isinstance(event, EscalationRaised | EscalationJoined)]
        for event in stored:
            if isinstance(event, EscalationRaised) and event.escalation is not UNSET:
                same = next((other for other in here if other.reason == event.reason), None)
                if same is not None and same.escalation is not UNSET:
                    self._ids[event.escalation] = same.escalation
                    here.remove(same)

    def _happen(self, events: Iterable[Any], at: datetime) -> None:
        for event in events:
            if not isinstance(event, To):
                self._case = evolve(self._case, event)
                if not isinstance(event, ReferralEntryTaken):
                    self._happened.extend(_of(event, at))

    def _context(self, at: datetime) -> Context:
        learnt, terms = self._at(at)
        return Context(at=at, case=self._case, rules=learnt.rules, terms=terms, actions=RULES)

    def _at(self, at: datetime) -> tuple[ProgrammeLearnt, Calendar]:
        versions = self._known.versions
        learnt = self._known.in_force(at) or min(versions.values(), key=lambda version: version.version)
        if learnt.version not in self._calendars:
            rules = self._other.over(learnt.rules)
            self._calendars[learnt.version] = replace(learnt, rules=rules), calendar_of(rules)
        return self._calendars[learnt.version]


def _of_an_offer(fired: Fired) -> Happened:
    return Happened(
        what=fired.what,
        of=fired.deadline.name,
        at=fired.at,
        awaited=fired.awaited,
        due_at=fired.deadline.due_at,
        referral=fired.referral,
    )
