"""The casefile service's decisions without HTTP or storage: streams in memory, the real calendar, demo parties.

Every event goes through its stored bytes and back before it is folded, as it does in the log.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from contracts import referral as told
from contracts.message import Message
from contracts.terms import DEFAULT_TERMS
from services.casefile.actions import RULES as ACTION_RULES
from services.casefile.actions import decide
from services.casefile.domain.agreement import SignAgreement
from services.casefile.domain.case import CASE
from services.casefile.domain.charter import Charter, CharterWritten, TaskRule
from services.casefile.domain.charter_change import NoticeCharter
from services.casefile.domain.consent_withdrawal import TakeWithdrawal
from services.casefile.domain.context import Context, EventRef
from services.casefile.domain.exception_count import EXCEPTION_COUNT, ExceptionCount, exception_count_stream
from services.casefile.domain.exceptions import DecideException
from services.casefile.domain.handback import AcceptHandback, RequestHandback
from services.casefile.domain.intake import ConcludeIntake
from services.casefile.domain.known_programme import Rules
from services.casefile.domain.matching import ConfirmMatch, ProposeMatch
from services.casefile.domain.mentor import MENTOR, DescribeMentor, Mentor, Profile, decide_mentor, mentor_stream
from services.casefile.domain.state import Case, case_stream
from services.casefile.domain.steps import find
from services.casefile.domain.trajectory_end import CompleteTrajectory
from services.casefile.events import EVENT_TYPES
from services.casefile.history import find_event, recorded_by
from services.casefile.reactions import REACTIONS
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Command, Refused, To
from services.chassis.modelling.delivery import Delivery
from services.chassis.modelling.growing import GrowingTuple
from services.chassis.time.calendar import Calendar
from services.sandbox.charter import CHARTER
from tests.casefile.messages import CASE_ID, about, submitted
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import on

MENTOR_REF = "M-41"

RULES = Rules(
    name="Mentoring to work",
    time_zone="Europe/Brussels",
    country="BE",
    terms={},
    agreement_months_max=6,
    extension_months_max=3,
    meetings_per_month_min=2,
    charter_version="v1",
)
LENGTHS = {name: (term.n, term.unit) for name, term in DEFAULT_TERMS.items()}
TERMS = Calendar(LENGTHS, "Europe/Brussels", "BE")
READY = Profile(
    kind="VOLUNTEER",
    screened_on=date(2025, 10, 1),
    trained_on=date(2025, 11, 1),
    insurance_note_on=date(2025, 11, 1),
    charter_version="v1",
    charter_acknowledged_on=date(2025, 11, 1),
    confidentiality_on=date(2025, 11, 1),
    sectors=("M",),
)

SIGNED = Charter(
    written=CharterWritten(
        version="v1",
        valid_from=date(2026, 1, 1),
        valid_until=None,
        tasks=tuple(TaskRule(task=row["task"], roles=row["roles"], refer=row.get("refer")) for row in CHARTER["tasks"]),
    ),
    signed_by=GrowingTuple(("vdab-gent", "brugwerk", "samenstap")),
)
"""The charter that the programme names, which the parties of the tests have signed."""

_TYPES = EVENT_TYPES


class Casebook:
    """One case, its mentor, and everything recorded of them."""

    def __init__(self) -> None:
        self.records: dict[str, list[Recorded]] = defaultdict(list)
        self.case = Case()
        self.states: list[Case] = []
        self.mentors: dict[str, Mentor] = defaultdict(Mentor)
        self.terms = TERMS
        self.rules = RULES
        self.rules_then: Rules | None = None
        self.begins = "v2"
        self.charter = SIGNED
        self.counts: dict[str, ExceptionCount] = defaultdict(ExceptionCount)
        self.given: list[tuple[Command, datetime, str | None]] = []
        self._position = 0
        self._told = 0

    @property
    def history(self) -> list[Recorded]:
        """The case's own stream."""
        return self.records[case_stream(CASE_ID)]

    @property
    def names(self) -> list[str]:
        """The names of the case's events, in order."""
        return [type(recorded.event).__name__ for recorded in self.history]

    def context(self, command: Any = None, at: datetime | None = None) -> Context:
        """What a command rests on, as the service would load it."""
        match = self.case.match
        mentor = getattr(command, "mentor", None) or (match.mentor if match is not None else None)
        named: EventRef | None = None
        if (event := getattr(command, "event", None)) is not None:
            named = find_event(self.history, event)
        window: tuple[str, ...] = ()
        if isinstance(command, TakeWithdrawal):
            window = recorded_by(self.history, command.message.organisation, command.withdrawn_at)
        stream = mentor_stream(self.case.organisation or "", mentor or "")
        return Context(
            at=command.at if command is not None else at or on(12, 1),
            case=self.case,
            rules=self._rules(command),
            terms=self.terms,
            mentor=self.mentors[stream] if mentor is not None else None,
            named_event=named,
            since_withdrawal=window,
            actions=ACTION_RULES,
            charter=self.charter,
            governing=self.rules_then,
            exception_count=self._count(command) if isinstance(command, DecideException) else None,
        )

    def _rules(self, command: Command | None) -> Rules:
        # The programme version that begins names this charter.
        return replace(self.rules, charter_version=self.begins) if isinstance(command, NoticeCharter) else self.rules

    def _count(self, command: Command) -> ExceptionCount:
        stream = exception_count_stream(self.case.programme, command.at.date())
        return replace(self.counts[stream], stream=stream)

    def act(self, command: Command) -> list[Any]:
        """Decides a command and records what follows. Raises Refused."""
        occurred_at = getattr(command, "occurred_at", None) or command.at
        if decided := decide(command, self.context(command)):
            self.rules = self._rules(command)
        return self._record(command, decided, occurred_at)

    def tell(self, message: Message, at: datetime | None = None, event_id: str | None = None) -> list[Any]:
        """Takes in a message of the referral service, at its own time or later."""
        self._told += 1
        occurred_at: datetime = getattr(message, "occurred_at", on(1, 1))
        delivery = Delivery(
            at=at or occurred_at,
            by=CLOCK,
            source_event_id=event_id or f"told-{self._told}",
            source_position=self._told,
        )
        command = REACTIONS[type(message)](message, delivery)
        return self._record(command, decide(command, self.context(command)), occurred_at, delivery.source_event_id)

    def describe_mentor(
        self, profile: Profile = READY, mentor: str = MENTOR_REF, organisation: str = "brugwerk"
    ) -> list[Any]:
        """Describes a mentor of an organisation."""
        command = DescribeMentor(
            at=on(5, 1), by=LOTTE, organisation=organisation, mentor=mentor, profile=profile, today=date(2026, 1, 5)
        )
        stream = mentor_stream(organisation, mentor)
        events = decide_mentor(command, self.mentors[stream])
        return self._record(command, [To(stream, event) for event in events], command.at)

    def give_again(self, command: Command, occurred_at: datetime, cause: str | None) -> list[Any]:
        """A command that another book was given (`given`). Raises Refused."""
        return self._record(command, decide(command, self.context(command)), occurred_at, cause)

    def _record(
        self, command: Command, decided: list[Any], occurred_at: datetime, cause: str | None = None
    ) -> list[Any]:
        if not isinstance(command, DescribeMentor):
            self.given.append((command, occurred_at, cause))
        for decision in decided:
            stream, event = (
                (decision.stream, decision.event) if isinstance(decision, To) else (case_stream(CASE_ID), decision)
            )
            self._position += 1
            meta = _TYPES.metadata(
                event_id=f"event-{self._position}",
                actor=command.by,
                occurred_at=occurred_at,
                recorded_at=command.at,
                correlation_id="correlation",
                causation_id=cause,
            )
            topic, stored = _TYPES.encode(event, meta)
            read, meta_read = _TYPES.decode(topic, stored)
            assert (read, meta_read) == (event, meta)
            version = len(self.records[stream]) + 1
            self.records[stream].append(Recorded(self._position, stream, version, topic, read, meta, stored))
            if stream == case_stream(CASE_ID):
                self.case = CASE.evolve(self.case, read)
                self.states.append(self.case)
            elif stream.startswith("exceptions-"):
                self.counts[stream] = EXCEPTION_COUNT.evolve(self.counts[stream], read)
            else:
                self.mentors[stream] = MENTOR.evolve(self.mentors[stream], read)
        return [decision.event if isinstance(decision, To) else decision for decision in decided]

    # --- the happy path, as far as a test needs it ------------------------------------------------------------------

    def referred(self) -> Casebook:
        """Monday 12 January: the referral to Brugwerk is submitted."""
        self.tell(submitted(on(12, 1)))
        return self

    def accepted(self) -> Casebook:
        """Tuesday received, Friday 16 January accepted by Lotte Claes."""
        self.referred().tell(about(told.ReferralReceived, LOTTE, on(13, 1)))
        self.tell(about(told.ReferralAccepted, LOTTE, on(16, 1), coordinator=LOTTE.sub))
        return self

    def matching(self) -> Casebook:
        """Thursday 29 January: the intake is concluded."""
        self.accepted().act(
            ConcludeIntake(
                at=on(29, 1), by=LOTTE, suitable=True, goals=("SOCIAL", "CULTURAL"), expectations_ref="vault-1"
            )
        )
        return self

    def proposed(self) -> Casebook:
        """Thursday 12 February: M-41 is proposed."""
        self.matching().describe_mentor()
        self.act(PROPOSE)
        return self

    def mentoring(self) -> Casebook:
        """Thursday 19 February: both said yes, and the agreement is signed."""
        self.proposed()
        for side in ("MENTOR", "MENTEE"):
            self.act(ConfirmMatch(at=on(19, 2), by=LOTTE, side=side, on_behalf_reason="BY_PHONE"))
        self.act(SIGN)
        return self

    def handback_due(self) -> Casebook:
        """Tuesday 30 June: the trajectory is completed, with employment."""
        self.mentoring().act(CompleteTrajectory(at=on(30, 6), by=LOTTE, reason="EMPLOYMENT", closure_talk=True))
        return self

    def handback_requested(self) -> Casebook:
        """Thursday 2 July: the report is with the agency; one need is open."""
        self.handback_due().act(HAND_BACK)
        return self

    def closed(self) -> Casebook:
        """Monday 6 July: the agency accepts the handback and closes the case."""
        self.handback_requested().act(ACCEPT)
        return self


PROPOSE = ProposeMatch(
    at=on(12, 2), by=LOTTE, match="match-1", mentor=MENTOR_REF, criteria=("SECTOR", "LANGUAGE", "AVAILABILITY")
)
SIGN = SignAgreement(
    at=on(19, 2, hour=11), by=LOTTE, coordinator_attends_first_meeting=True, expectations_mentor_ref="vault-2"
)
HAND_BACK = RequestHandback(
    at=on(2, 7),
    by=LOTTE,
    outcomes={"SOCIAL": "+", "CULTURAL": "="},
    open_needs=("DIPLOMA_EQUIVALENCE",),
    recommended_next_step="DIPLOMA_DESK",
)


ACCEPT = AcceptHandback(
    at=on(6, 7), by=INES, decision="CLOSE", next_service="DIPLOMA_DESK", answers={"DIPLOMA_EQUIVALENCE": "DIPLOMA_DESK"}
)


def at_time(command: Any, at: datetime) -> Any:
    """The same command, given at another time."""
    return replace(command, at=at)


def refusal(book: Casebook, command: Command) -> Refused:
    """The refusal of a command that must not be accepted."""
    before = len(book.history)
    with pytest.raises(Refused) as refused:
        book.act(command)
    assert len(book.history) == before
    return refused.value


def codes(refused: Refused) -> list[tuple[str, str]]:
    """Pointer and code of every fault."""
    return [(fault.pointer, fault.code) for fault in refused.faults]


def find_due(book: Casebook, step: str) -> Any:
    """When an open step is due."""
    found = find(book.case.steps, step)
    assert found is not None
    return found.due_at
