"""What somebody must act on in a case: its open steps, and what waits beside them for one person's act."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.change_codes import ChangeKind, ProposalState
from contracts.codes import CaseState, Role, Step
from contracts.identifiers import one_person
from contracts.staff import LEADS, MENTORS
from services.casefile.domain.ladder import late_terms, step_behind
from services.casefile.domain.open_matters import LateTerm
from services.casefile.domain.state import Case
from services.casefile.domain.steps import Awaiting, OpenStep, Party
from services.chassis.modelling.ladder import Receiver

ERROR_CONFIRMATION: Final = "ERROR_CONFIRMATION"
COUNSELLOR_HANDOVER: Final = "COUNSELLOR_HANDOVER"
COORDINATOR_HANDOVER: Final = "COORDINATOR_HANDOVER"
LEGAL_BASIS: Final = "LEGAL_BASIS"
GAP_ACTION: Final = "GAP_ACTION"
CHANGE_DECISION: Final = "CHANGE_DECISION"
MISSED_TERM: Final = "MISSED_TERM"
"""What the leads of a side were told of, because it was missed and is still not done; of one of several offers, what
the case's lead was told of, too: no organisation has it among its work."""

_LEADS: Final = frozenset(role.value for role in LEADS)
_GOES_ON: Final = frozenset({Step.MENTORING.value})
"""Steps whose owner has work in them also while somebody else's word is awaited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something to be acted on: `actor` finds it on the worklist, `person` (a `sub`) as their own.

    `actor` is an organisation, or one of a pair (`actor_of`). `step` is the open step that it is; None for what waits
    beside them, of which `referral` may be the one that it is about, or `about` the gap, proposal or missed term. A
    mentee's `person` is as persons are compared. `level` is how far a term has come that was missed; what is for those
    in one `role` alone has that in the place of a person (`those_in`).
    """

    name: str
    actor: str
    person: str | None
    owner: Party
    since: datetime | None = None
    due_at: datetime | None = None
    awaiting: Awaiting | None = None
    step: OpenStep | None = None
    referral: str | None = None
    about: str | None = None
    level: str | None = None
    role: str | None = None

    @property
    def key(self) -> str:
        """What tells it from the other work in its case."""
        about = self.about or (self.step is not None and self.step.about) or None
        return "#".join((f"{self.name}@{self.actor}", *(named for named in (self.referral, about) if named)))


def actor_of(role: Role, org: str, sub: str) -> str:
    """Under whom somebody's work is found: staff by their organisation, one of a pair by themselves."""
    if role in MENTORS:
        return f"mentor:{org}:{sub}"
    return f"mentee:{org}:{one_person(sub)}" if role is Role.MENTEE else org


def those_in(role: str) -> str:
    """In the place of a person: everybody of an organisation in a role. No person's identifier has a colon."""
    return f"role:{role}"


def work_in(case: Case) -> tuple[Work, ...]:
    """All that somebody has to act on in a case, one of the pair included."""
    return (*work_of_staff(case), *work_of_mentor(case), *work_of_mentee(case))


def work_of_staff(case: Case) -> tuple[Work, ...]:
    """What an organisation has to act on in a case."""
    return (*_steps(case), *_beside(case), *_for_receivers(case), *_late_offers(case))


def _steps(case: Case) -> Iterator[Work]:
    for step in case.steps:
        awaited = step.awaiting.org if step.awaiting is not None else step.owner.org
        orgs = {awaited, step.owner.org} if step.step in _GOES_ON else {awaited}
        for org in sorted(orgs):
            # What a mentor owes the coordinator finds too, who may pass the mentor's word on.
            own = org == step.owner.org and step.owner.role not in MENTORS
            person = step.owner.sub if own else _contact(case, org)
            yield _of_step(step, org, person, _level(case, step))


def _level(case: Case, step: OpenStep) -> str | None:
    """How far the step's missed terms have come; None where none was missed."""
    return max((late.level for late in case.late if late.key == step.key), default=None)


def _for_receivers(case: Case) -> Iterator[Work]:
    """What the leads of a side were told of: of one term that was missed several times the one that came furthest."""
    furthest: dict[tuple[str, str], tuple[LateTerm, Receiver]] = {}
    for late in sorted(late_terms(case), key=lambda late: late.level):
        for receiver in late.notified:
            if receiver.role in _LEADS and receiver.org is not None:
                furthest[receiver.org, late.name] = late, receiver
    for (actor, name), (late, receiver) in furthest.items():
        step = step_behind(case, late)
        yield Work(
            name=MISSED_TERM,
            actor=actor,
            person=those_in(receiver.role),
            owner=step.owner,
            since=step.since,
            due_at=late.due_at,
            awaiting=_awaiting(late) or step.awaiting,
            about=name,
            level=late.level,
            role=receiver.role,
        )


def _late_offers(case: Case) -> Iterator[Work]:
    """The terms that were missed of one of several offers, for the one who leads the case."""
    for late in late_terms(case):
        if late.offer is not None and case.lead is not None:
            yield Work(
                name=MISSED_TERM,
                actor=case.agency,
                person=case.lead.sub,
                owner=case.lead,
                since=step_behind(case, late).since,
                due_at=late.due_at,
                awaiting=_awaiting(late),
                referral=late.offer.referral,
                about=late.name,
                level=late.level,
            )


def _awaiting(late: LateTerm) -> Awaiting | None:
    if late.offer is None:
        return None
    return Awaiting(org=late.offer.awaited, action=late.offer.action, due_at=late.due_at)


def _of_step(step: OpenStep, actor: str, person: str | None, level: str | None = None) -> Work:
    return Work(
        name=step.step,
        actor=actor,
        person=person,
        owner=step.owner,
        since=step.since,
        due_at=step.due_at,
        awaiting=step.awaiting,
        step=step,
        level=level,
    )


def _contact(case: Case, org: str) -> str | None:
    """Whose act is awaited where an organisation's is; nobody's by name before it has named a coordinator."""
    if org == case.agency:
        return case.lead.sub if case.lead is not None else None
    coordinator = case.trajectory.coordinator if case.trajectory is not None else None
    return coordinator.sub if coordinator is not None and coordinator.org == org else None


def _beside(case: Case) -> Iterator[Work]:
    if case.proposed_lead is not None and case.lead is not None and case.state != CaseState.FINALISED:
        receiver = case.proposed_lead
        yield Work(name=COUNSELLOR_HANDOVER, actor=receiver.org, person=receiver.sub, owner=case.lead)
    if case.proposed_coordinator is not None and case.trajectory is not None:
        receiver = case.proposed_coordinator
        yield Work(
            name=COORDINATOR_HANDOVER, actor=receiver.org, person=receiver.sub, owner=case.trajectory.coordinator
        )
    for referral, reporter in case.errors_reported:
        awaits = Awaiting(org=case.agency, action="confirm-error")
        yield Work(
            name=ERROR_CONFIRMATION, actor=case.agency, person=None, owner=reporter, awaiting=awaits, referral=referral
        )
    for gap in case.gaps:
        if (due := gap.action_due) is not None and case.lead is not None and gap.answer is not None:
            since, lead = gap.answer.answered_at, case.lead
            yield Work(
                name=GAP_ACTION,
                actor=lead.org,
                person=lead.sub,
                owner=lead,
                since=since,
                due_at=due.due_at,
                about=gap.gap,
            )
    for held in case.proposals:
        # A decision on an extension is awaited in the pair's own step.
        if held.state == ProposalState.OPEN and held.change != ChangeKind.EXTEND:
            yield Work(
                name=CHANGE_DECISION,
                actor=case.agency,
                person=case.lead.sub if case.lead is not None else None,
                owner=held.proposed_by,
                since=held.proposed_at,
                due_at=held.deadline.due_at,
                awaiting=Awaiting(org=case.agency, action="decide-change", due_at=held.deadline.due_at),
                about=held.proposal,
            )


def work_of_mentor(case: Case) -> Iterator[Work]:
    """The case itself, by its present step, for the mentor who is matched, and the mentor's own steps."""
    if (step := _present(case)) is None or case.match is None or case.organisation is None:
        return
    mentor = case.match.mentor
    own = (other for other in case.steps if other.owner.role in MENTORS and other is not step)
    for shown in (step, *own):
        yield _of_step(shown, actor_of(Role.VOLUNTEER_MENTOR, case.organisation, mentor), mentor)


def work_of_mentee(case: Case) -> Iterator[Work]:
    """The case itself, by its present step, for the person, at either side.

    Where no step is open any more, the person finds it as long as there is a consent to withdraw.
    """
    person = one_person(case.client_ref)
    if (step := _present(case)) is not None:
        for org in sorted({case.agency, case.organisation or case.agency}):
            yield _of_step(step, actor_of(Role.MENTEE, org, case.client_ref), person)
    elif case.lead is not None and consents_of(case, case.agency):
        mentee = actor_of(Role.MENTEE, case.agency, case.client_ref)
        yield Work(name=LEGAL_BASIS, actor=mentee, person=person, owner=case.lead)


def _present(case: Case) -> OpenStep | None:
    return next((step for step in case.steps if step.step == case.current_step), None)


def consents_of(case: Case, org: str) -> tuple[str, ...]:
    """The legal bases that the person can withdraw now, the latest first: an organisation still reads by each.

    One whose referral has ended among them: it reads on for twelve weeks. Signed in at an organisation (`org`) the
    person withdraws what was given for that one, and at the agency all.
    """
    several = case.broadcast.consent if case.broadcast is not None and org == case.agency else None
    return (*((several,) if several is not None else ()), *_read_by(case, org))


def _read_by(case: Case, org: str) -> Iterator[str]:
    yield from (
        access.legal_basis
        for access in reversed(case.accesses)
        if access.legal_basis in case.consents and not access.closed and org in (case.agency, access.organisation)
    )


def stands_at(case: Case) -> Work | None:
    """The present step of a case, as work of the organisation that must act on it; None where none is open."""
    step = _present(case)
    return _of_step(step, step.actor, None) if step is not None else None
