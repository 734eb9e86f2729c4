"""The referral service's decisions without HTTP or storage: streams in memory, the real calendar, demo parties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from contracts.codes import DeclineReason, Question, WaitlistReason
from services.chassis.modelling.decider import Actor, Command, Entity, Refused, To
from services.chassis.time.calendar import Calendar
from services.referral.actions import RULES, decide
from services.referral.context import needs_of
from services.referral.domain import (
    answering,
    case_key,
    consent_withdrawal,
    deadlines,
    drafting,
    ending,
    entered_in_error,
    information,
    organisation,
    programme,
    waiting_list,
)
from services.referral.domain.broadcast import BROADCAST
from services.referral.domain.case_key import CASE_KEY, CaseKey, case_key_of, case_key_stream
from services.referral.domain.consent_withdrawal import WithdrawLegalBasis
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.guards import blocked
from services.referral.domain.legal_basis import LEGAL_BASIS, LegalBasis, LegalBasisGiven
from services.referral.domain.legal_basis import legal_basis_stream as basis_stream
from services.referral.domain.offer import referral_stream
from services.referral.domain.organisation import ORGANISATION, Description, Organisation, organisation_stream
from services.referral.domain.packet import LanguageSkill, Occupation, Packet, ParticipationChoice
from services.referral.domain.person import Elsewhere
from services.referral.domain.programme import PROGRAMME, Parameters, Programme, programme_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import Referral
from services.referral.domain.reminders import REMINDERS, Reminders, reminders_stream
from services.referral.domain.submission import SubmitReferral
from tests.support.actors import CLOCK, INES, LOTTE, TOM
from tests.support.dates import FRIDAY, JULY, MONDAY, NEXT_TUESDAY, TUESDAY

S = TypeVar("S")

PARAMETERS = Parameters(
    kind="MENTORING_TO_WORK",
    name="Mentoring to work",
    time_zone="Europe/Brussels",
    country="BE",
    criteria=("REGISTERED_JOBSEEKER", "RIGHT_TO_WORK", "NO_CONCURRENT_PROGRAMME"),
    arrangement_id="arrangement-1",
    contact_point="privacy context",
)

SAMIRA = Packet(
    programme="mtw-be-2026",
    client_ref="CL-7F3A",
    to="brugwerk",
    contact_ref="vault-contact-1",
    contact_language="ar",
    languages=(LanguageSkill(tag="nl", level="B1", evidence="TESTED"),),
    occupations=(Occupation(isco="2411"),),
    sectors=("M",),
    region="BE234",
    goals=("SOCIAL", "CULTURAL", "INFORMATIONAL"),
    availability=("MON_AM", "THU_PM"),
    why_mentoring="ADDED_CAPITAL",
    alternative_considered="JOB_COACHING",
    recommended_mentor_kind="VOLUNTEER",
    eligibility={"REGISTERED_JOBSEEKER": True, "RIGHT_TO_WORK": True, "NO_CONCURRENT_PROGRAMME": True},
    participation_choice=ParticipationChoice(
        chosen_at=datetime(2026, 1, 12, 9, 10, tzinfo=UTC), method="IN_PERSON", language="ar"
    ),
    legal_basis=LegalBasisGiven(
        kind="CONSENT",
        recipient="brugwerk",
        text_version="v3",
        language="ar",
        given_at=datetime(2026, 1, 12, 9, 12, tzinfo=UTC),
    ),
)


def to(organisation: str, packet: Packet = SAMIRA) -> Packet:
    """The packet, addressed to another organisation with a legal basis that names it."""
    assert packet.legal_basis is not None
    return replace(packet, to=organisation, legal_basis=replace(packet.legal_basis, recipient=organisation))


@dataclass(slots=True)
class Office:
    """Every stream of the service, and the acts of its users in few words.

    `written` is the order in which events were stored, each with its stream.
    """

    streams: dict[str, list[Any]] = field(default_factory=dict)
    written: list[tuple[str, Any]] = field(default_factory=list)
    programmes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Opens with the demo programme and organisations."""
        self.publish(1, PARAMETERS)
        for name in ("brugwerk", "samenstap"):
            self.describe(name)
        self.describe("vdab-gent", kind="AGENCY", programmes=())

    def fold(self, stream: str, entity: Entity[S]) -> S:
        """The state of a stream."""
        state = entity.initial
        for event in self.streams.get(stream, ()):
            state = entity.evolve(state, event)
        return state

    def store(self, own_stream: str, decided: Sequence[Any]) -> list[Any]:
        """Appends what was decided; the bare events."""
        events = []
        for decision in decided:
            stream, event = (decision.stream, decision.event) if isinstance(decision, To) else (own_stream, decision)
            self.streams.setdefault(stream, []).append(event)
            self.written.append((stream, event))
            events.append(event)
        return events

    def publish(
        self, version: int, parameters: Parameters, since: date = date(2026, 1, 1), name: str = "mtw-be-2026"
    ) -> list[Any]:
        """Publishes a version of a programme, the demo's unless another is named."""
        command = programme.PublishVersion(
            at=MONDAY, by=CLOCK, programme=name, version=version, valid_from=since, parameters=parameters
        )
        self.programmes.add(name)
        stream = programme_stream(name)
        return self.store(stream, programme.decide(command, self.fold(stream, PROGRAMME)))

    def describe(
        self,
        name: str,
        *,
        kind: str = "MENTORING_ORG",
        programmes: tuple[str, ...] = ("mtw-be-2026",),
        capacity: int | None = None,
    ) -> list[Any]:
        """Describes an organisation."""
        description = Description(name=name, kind=kind, programmes=programmes, capacity=capacity)
        command = organisation.DescribeOrganisation(at=MONDAY, by=CLOCK, organisation=name, description=description)
        stream = organisation_stream(name)
        context = organisation.OrganisationContext(
            organisation=self.fold(stream, ORGANISATION), known_programmes=frozenset(self.programmes)
        )
        return self.store(stream, organisation.decide(command, context))

    def context(self, referral_id: str, at: datetime, command: Command | None = None) -> Context:
        """The context of a referral."""
        referral = self.referral(referral_id)
        needs = needs_of(command if isinstance(command, ReferralCommand) else None, referral)
        found: dict[str, Any] = {part: self.fold(needed.stream, needed.entity) for part, needed in needs.items()}
        if isinstance(command, WithdrawLegalBasis):
            found["legal_basis"] = self.legal_basis(command.legal_basis_id)
        governed: Programme = found.get("programme", PROGRAMME.initial)
        version = governed.in_force(at)
        terms = None
        if version is not None:
            parameters = version.parameters
            lengths: Any = {name: (term.n, term.unit) for name, term in parameters.terms.items()}
            terms = Calendar(lengths, parameters.time_zone, parameters.country)
        packet: Packet | None = getattr(command, "packet", referral.packet)
        return Context(
            at=at,
            actions=RULES,
            referral=referral,
            case_key=found.get("case_key", CASE_KEY.initial),
            case_key_id=needs["case_key"].stream.removeprefix("case-key-") if "case_key" in needs else "",
            organisation=found.get("organisation", ORGANISATION.initial),
            agency=found.get("agency", ORGANISATION.initial),
            programme=governed,
            in_force=version,
            legal_basis=found.get("legal_basis", LEGAL_BASIS.initial),
            elsewhere=tuple(
                Elsewhere(programme=other, key=self.key(replace(packet, programme=other)))
                for other in self.programmes
                if packet is not None and "person" in needs and other != packet.programme
            ),
            reminders=self.fold(reminders_stream(referral_id), REMINDERS),
            terms=terms,
            broadcast=found.get("broadcast", BROADCAST.initial),
        )

    def handle(self, command: ReferralCommand) -> list[Any]:
        """Decides a command on a referral and stores what follows; what was stored."""
        decided = decide(command, self.context(command.referral_id, command.at, command))
        return self.store(referral_stream(command.referral_id), decided)

    def blocked(
        self, action: str, referral_id: str = "R-1", by: Actor = LOTTE, at: datetime = FRIDAY
    ) -> Refused | None:
        """What stands in the way of an action."""
        return blocked(action, self.context(referral_id, at), by)

    def referral(self, referral_id: str = "R-1") -> Referral:
        """The state of a referral."""
        return self.fold(referral_stream(referral_id), REFERRAL)

    def legal_basis(self, legal_basis_id: str = "LB-R-1") -> LegalBasis:
        """The state of a legal basis."""
        return self.fold(basis_stream(legal_basis_id), LEGAL_BASIS)

    def reminders(self, referral_id: str = "R-1") -> Reminders:
        """The reminders about a referral."""
        return self.fold(reminders_stream(referral_id), REMINDERS)

    def organisation(self, name: str = "brugwerk") -> Organisation:
        """The state of an organisation."""
        return self.fold(organisation_stream(name), ORGANISATION)

    def key(self, packet: Packet = SAMIRA) -> CaseKey:
        """The state of a person's case key."""
        return self.fold(case_key_stream(case_key_of("vdab-gent", packet.client_ref, packet.programme)), CASE_KEY)

    def passed(self, name: str, at: datetime, referral_id: str = "R-1") -> deadlines.PassDeadline:
        """The scheduler's command that a deadline has passed, as the referral has the deadline now."""
        return deadlines.PassDeadline(
            at=at, by=CLOCK, referral_id=referral_id, name=name, due_at=self._due_at(name, referral_id)
        )

    def remind(self, name: str, at: datetime, referral_id: str = "R-1") -> deadlines.RemindDeadline:
        """The scheduler's command to remind of a deadline, as the referral has it now."""
        return deadlines.RemindDeadline(
            at=at, by=CLOCK, referral_id=referral_id, name=name, due_at=self._due_at(name, referral_id)
        )

    def _due_at(self, name: str, referral_id: str) -> datetime:
        return next((one.due_at for one in self.referral(referral_id).running if one.name == name), MONDAY)

    def due(self, referral_id: str = "R-1") -> dict[str, str]:
        """The running deadlines and the dates on which they end, as the referral has them."""
        return {deadline.name: deadline.due_at.date().isoformat() for deadline in self.referral(referral_id).running}

    # The acts, each with the least that has to be said.

    def draft(self, packet: Packet = SAMIRA, referral_id: str = "R-1", at: datetime = MONDAY) -> list[Any]:
        """The counsellor begins a draft."""
        return self.handle(
            drafting.CreateDraft(at=at, by=INES, referral_id=referral_id, packet=packet, new_case_id=f"C-{referral_id}")
        )

    def submit(self, packet: Packet = SAMIRA, referral_id: str = "R-1", at: datetime = MONDAY) -> list[Any]:
        """The counsellor submits a new referral."""
        return self.handle(
            SubmitReferral(
                at=at,
                by=INES,
                referral_id=referral_id,
                packet=packet,
                legal_basis_id=f"LB-{referral_id}",
                new_case_id=f"C-{referral_id}",
            )
        )

    def receive(self, referral_id: str = "R-1", at: datetime = TUESDAY, by: Actor = LOTTE) -> list[Any]:
        """The organisation acknowledges receipt."""
        return self.handle(answering.Receive(at=at, by=by, referral_id=referral_id))

    def accept(
        self,
        referral_id: str = "R-1",
        at: datetime = FRIDAY,
        by: Actor = LOTTE,
        coordinator: str = "lotte.claes",
    ) -> list[Any]:
        """The organisation accepts."""
        return self.handle(answering.Accept(at=at, by=by, referral_id=referral_id, coordinator=coordinator))

    def withdraw_basis(
        self, legal_basis_id: str = "LB-R-1", referral_id: str = "R-1", at: datetime = NEXT_TUESDAY, by: Actor = INES
    ) -> list[Any]:
        """The person withdraws the legal basis."""
        command = WithdrawLegalBasis(at=at, by=by, legal_basis_id=legal_basis_id)
        return self.store(
            basis_stream(legal_basis_id),
            consent_withdrawal.withdraw_legal_basis(command, self.context(referral_id, at, command)),
        )

    def complete(self, referral_id: str = "R-1", at: datetime = JULY) -> list[Any]:
        """Casefile tells that the handback was accepted."""
        return self.handle(ending.CompleteReferral(at=at, by=CLOCK, referral_id=referral_id, closed_at=at))

    def confirmed_error(self, referral_id: str = "R-1", at: datetime = NEXT_TUESDAY) -> list[Any]:
        """Two people of the agency agree that the referral was entered in error."""
        marked = self.handle(
            entered_in_error.MarkError(at=at, by=INES, referral_id=referral_id, justification_ref="vault-why-1")
        )
        return marked + self.handle(entered_in_error.ConfirmError(at=at, by=TOM, referral_id=referral_id))

    def case_told(self, command: case_key.CloseCase | case_key.ReopenCase, packet: Packet = SAMIRA) -> list[Any]:
        """Casefile tells something of a case."""
        stream = case_key_stream(case_key_of("vdab-gent", packet.client_ref, packet.programme))
        return self.store(stream, case_key.decide(command, self.key(packet)))


def ask(at: datetime, *codes: Question) -> information.RequestInformation:
    """The organisation asks."""
    return information.RequestInformation(at=at, by=LOTTE, referral_id="R-1", codes=codes or (Question.LANGUAGE_LEVEL,))


def tell(at: datetime, *codes: str) -> information.ProvideInformation:
    """The agency answers."""
    answers = tuple(
        information.InformationAnswer(code=code, answer_ref=f"vault-{code}")
        for code in codes or (Question.LANGUAGE_LEVEL.value,)
    )
    return information.ProvideInformation(at=at, by=INES, referral_id="R-1", answers=answers)


def waitlist(
    at: datetime, *, expected_by: date = date(2026, 3, 1), client_agreed: bool = True
) -> waiting_list.Waitlist:
    """The organisation puts the person on its list."""
    return waiting_list.Waitlist(
        at=at,
        by=LOTTE,
        referral_id="R-1",
        reason=WaitlistReason.NO_SUITABLE_MENTOR,
        expected_by=expected_by,
        client_agreed=client_agreed,
    )


def decline(at: datetime, reason: DeclineReason = DeclineReason.NO_SUITABLE_MENTOR, **refs: str) -> answering.Decline:
    """The organisation declines."""
    return answering.Decline(at=at, by=LOTTE, referral_id="R-1", reason=reason, **refs)


def refusal_of(office: Office, command: ReferralCommand) -> Refused:
    """The refusal that the command meets; nothing is stored."""
    before = list(office.written)
    with pytest.raises(Refused) as refusal:
        office.handle(command)
    assert office.written == before
    return refusal.value
