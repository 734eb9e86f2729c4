"""What a decision about a case rests on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from contracts.codes import CaseState
from contracts.staff import StaffSide
from services.casefile.domain.charter import Charter
from services.casefile.domain.exception_count import ExceptionCount
from services.casefile.domain.known_programme import Rules
from services.casefile.domain.mentor import Mentor
from services.casefile.domain.report_facts import Reported
from services.casefile.domain.state import Case
from services.casefile.domain.terms import ProgrammeCalendar


class EventRef(Struct, frozen=True, kw_only=True):
    """An event that a correction may name: its id as the timeline shows it, its name, and the referral it belongs to.

    Of a report, or of a correction of one: what it `reported`, as corrected last, the case `before` it, and when it was
    recorded; where it came by a message about a `referral`, the id of the event there (`source_event_id`).
    """

    event: str
    name: str
    referral: str | None = None
    reported: Reported | None = None
    before: Case | None = None
    recorded_at: datetime | None = None
    source_event_id: str | None = None


class Rule(Struct, frozen=True):
    """The side that may act, None for either, the states that allow it, and whether only a lead of the side may."""

    side: StaffSide | None
    states: frozenset[CaseState]
    leads: bool = False


class Context(Struct, frozen=True, kw_only=True):
    """Everything that a decision about a case rests on, at `at`: the time of the command, or of the reader.

    `rules` and `terms` are those of the programme version in force, which `programme_version` names; `actions` are the
    rules of which side may do what in which state. `mentor` is the one in a proposal, or else the one of the case's
    match. `named_event` is the event that a correction names, None where the case has no such event.
    `since_withdrawal` are the ids of what the organisation recorded after the withdrawal in a message.
    `other_open_case` is another open case of the person with their agency, in any programme; it is set where the case
    itself is closed. `charter` is the version that the programme version names which is valid when the thing happened,
    for the commands that rest on it (`services.casefile.context.BY_CHARTER`), and `governing` are the rules of that
    programme version. `exception_count` is that of the programme in the present month, where an exception is decided.
    `on_behalf_of` is the colleague for whom the sender of the command stands in. `substitutes` are those of the people
    (organisation, sub) of the case who are away, for the commands after which somebody may have to be told something.
    """

    at: datetime
    case: Case
    rules: Rules
    terms: ProgrammeCalendar
    actions: Mapping[str, Rule]
    mentor: Mentor | None = None
    named_event: EventRef | None = None
    since_withdrawal: tuple[str, ...] = ()
    other_open_case: str | None = None
    programme_version: str | None = None
    charter: Charter = Charter()
    governing: Rules | None = None
    exception_count: ExceptionCount | None = None
    on_behalf_of: str | None = None
    substitutes: Mapping[tuple[str, str], str] = {}

    @property
    def rules_then(self) -> Rules:
        """The rules that were in force when the thing happened."""
        return self.governing or self.rules
