"""What happens in stories of a case when people are away: a colleague is named, stands in, and is released."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from contracts.staff import COORDINATORS, COUNSELLORS
from services.casefile.domain.absence import NameSubstitute, ReleaseSubstitute
from services.casefile.domain.people import ReassignCoordinator, ReassignCounsellor
from services.casefile.domain.state import Case
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Actor, Command, Refused
from tests.casefile.case_machine import HOURS
from tests.casefile.case_steps import CaseSteps
from tests.casefile.machine_commands import PEOPLE

PAIRS: Final = (("lotte", "an"), ("lotte", "hanne"), ("an", "lotte"), ("ines", "tom"), ("tom", "ines"))
"""Who may be away, and who then stands in."""
STAFF: Final = COORDINATORS | COUNSELLORS


class Away(NamedTuple):
    """Somebody, and who stands in for them, from when until when."""

    absent: str
    substitute: str
    begins: datetime
    ends: datetime


class AbsenceSteps(CaseSteps):
    """The stories in which people are away, and what then holds of what their substitutes do and are told."""

    def __init__(self) -> None:
        super().__init__()
        self.away: list[Away] = []

    @rule(who=st.sampled_from(PAIRS), days=st.sampled_from((2, 30, 120)), hours=HOURS)
    def somebody_is_away(self, who: tuple[str, str], days: int, hours: int) -> None:
        """From now on, for some days; a colleague stands in, unless that one is away too."""
        self.later(hours)
        absent, substitute = (PEOPLE[name] for name in who)
        ends = self.now + timedelta(days=days)
        command = NameSubstitute(
            at=self.now,
            by=absent,
            organisation=absent.org,
            absent=absent.sub,
            substitute=substitute.sub,
            begins=None,
            ends=ends,
        )
        if self._is_said(command):
            self._are_back(absent.sub)
            self.away.append(Away(absent.sub, substitute.sub, self.now, ends))

    @precondition(lambda self: any(held.ends > self.now for held in self.away))
    @rule(hours=st.sampled_from((1, 20)))
    def who_was_away_first_is_back(self, hours: int) -> None:
        """Before the time."""
        self.later(hours)
        held = next((held for held in self.away if held.ends > self.now), None)
        if held is None:
            return
        absent = next(person for person in PEOPLE.values() if person.sub == held.absent)
        command = ReleaseSubstitute(at=self.now, by=absent, organisation=absent.org, absent=absent.sub)
        if self._is_said(command):
            self._are_back(absent.sub)

    def _are_back(self, absent: str) -> None:
        self.away = [
            held._replace(ends=min(held.ends, self.now)) if held.absent == absent else held for held in self.away
        ]

    def _is_said(self, command: NameSubstitute | ReleaseSubstitute) -> bool:
        try:
            events = self.book.about_absence(command)
        except Refused as refused:
            self.say(f"refused: {refused.code}")
            return False
        self.say(", ".join(type(getattr(one, "event", one)).__name__ for one in events) or "changes nothing")
        assert self.book.about_absence(command) == [], "the same command twice changes something twice"
        self.seen.commands[type(command).__name__] += bool(events)
        return bool(events)

    def stood_in(self, substitute: str, absent: str, at: datetime) -> bool:
        """Whether one person stood in for another at that time, as the stories know it."""
        return any(
            (held.absent, held.substitute) == (absent, substitute) and held.begins <= at < held.ends
            for held in self.away
        )

    # --- what holds ---------------------------------------------------------------------------------------------------

    def only_a_substitute_acts_on_behalf_of_one_who_is_away(self, recorded: Recorded) -> None:
        """Nobody else's act stands as one of the person who is away; and nobody else is told in that one's place."""
        actor, at = recorded.meta.actor, recorded.meta.recorded_at
        if (absent := actor.stands_in_for) is not None:
            # What the referral service tells of was done when it happened there.
            moments = (at, recorded.meta.occurred_at)
            assert any(self.stood_in(actor.sub, absent, moment) for moment in moments), f"{actor.sub} for {absent}"
        for also in getattr(recorded.event, "substitutes", None) or ():
            whom = [held for held in self.away if held.substitute == also.sub and held.begins <= at < held.ends]
            assert whom, f"{also.sub} stands in for nobody, and is told"

    def what_a_substitute_does_stands_as_on_behalf(self, made: Command, before: Case, new: list[Recorded]) -> None:
        """For the lead, or the coordinator, that the case names: who stands in for that one acts in their name."""
        by = made.by
        if by.role not in STAFF or isinstance(made, ReassignCounsellor | ReassignCoordinator):
            return
        named = self._named(before, by)
        if by.sub in named:
            return
        absent = next((sub for sub in named if self.stood_in(by.sub, sub, made.at)), None)
        for recorded in new:
            assert recorded.meta.actor.stands_in_for == absent, f"{by.sub} acts for {absent}"
            self.seen.states["ON_BEHALF"] += absent is not None

    @staticmethod
    def _named(case: Case, by: Actor) -> list[str]:
        coordinator: Any = case.trajectory.coordinator if case.trajectory is not None else None
        # Who was named at the acceptance takes over by the first act, a substitute's too.
        takes_over = case.proposed_coordinator if case.takes_over_by_acting else None
        parties = (takes_over, case.lead, coordinator)
        return [party.sub for party in parties if party is not None and party.org == by.org]
