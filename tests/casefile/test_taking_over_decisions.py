"""A colleague whom an acceptance names: asked then, and responsible from the first own command on the case."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from contracts import referral as told
from services.casefile.domain.case import CASE
from services.casefile.domain.correction import Correct
from services.casefile.domain.deadlines import RemindDeadline
from services.casefile.domain.intake import ConcludeIntake, LogContactAttempt
from services.casefile.domain.people import ReassignCoordinator, ReassignCounsellor
from services.casefile.domain.state import Case
from services.casefile.history import responsibility
from services.casefile.timeline import timeline
from services.chassis.modelling.decider import Actor, Command, Refused
from tests.casefile.casebook import Casebook, refusal
from tests.casefile.messages import about
from tests.support.actors import AN, CLOCK, INES, LOTTE
from tests.support.dates import on

BRAM = replace(AN, sub="bram.jans")
INTAKE = ConcludeIntake(at=on(20, 1), by=AN, suitable=True, goals=("SOCIAL",), expectations_ref="vault-1")


@pytest.fixture
def named(book: Casebook) -> Casebook:
    """Friday 16 January: Lotte Claes accepts and names An Peeters."""
    book.referred().tell(about(told.ReferralReceived, LOTTE, on(13, 1)))
    book.tell(about(told.ReferralAccepted, LOTTE, on(16, 1), coordinator=AN.sub))
    return book


def owners(book: Casebook) -> set[str]:
    """Who owns the open steps."""
    return {step.owner.sub for step in book.case.steps}


def names(events: list[Any]) -> list[str]:
    """The names of events."""
    return [type(event).__name__ for event in events]


def test_the_one_who_accepts_is_responsible_until_the_colleague_acts(named: Casebook) -> None:
    """Nobody becomes responsible by what somebody else writes: the colleague is asked."""
    assert owners(named) == {LOTTE.sub}
    assert named.case.trajectory is not None
    assert named.case.trajectory.coordinator.sub == LOTTE.sub
    assert named.case.proposed_coordinator is not None
    assert named.case.proposed_coordinator.sub == AN.sub
    assert named.names[-2:] == ["ResponsibilityTransferred", "CoordinatorProposed"]


def test_who_names_themselves_is_asked_nothing(book: Casebook) -> None:
    """As before: responsible at once, and no further event."""
    book.accepted()
    assert book.case.proposed_coordinator is None
    assert book.names[-1] == "ResponsibilityTransferred"


@pytest.mark.parametrize(
    "command",
    [
        LogContactAttempt(at=on(20, 1), by=AN),
        INTAKE,
        ReassignCoordinator(at=on(20, 1), by=AN),
        ReassignCoordinator(at=on(20, 1), by=AN, coordinator=AN.sub),
    ],
    ids=["log-contact-attempt", "conclude-intake", "reassign-coordinator", "reassign-coordinator by name"],
)
def test_any_command_of_the_colleague_takes_over_first(named: Casebook, command: Command) -> None:
    """One append: the reassignment, and then what the command itself leads to, which is the colleague's already."""
    events = named.act(command)
    assert names(events)[0] == "CoordinatorReassigned"
    assert (events[0].giver.sub, events[0].receiver.sub, events[0].since) == (LOTTE.sub, AN.sub, on(20, 1))
    assert names(events).count("CoordinatorReassigned") == 1
    assert owners(named) == {AN.sub}
    assert named.case.proposed_coordinator is None
    assert "CoordinatorReassigned" not in names(
        named.act(Correct(at=on(21, 1), by=AN, event="event-1", reason_ref="v"))
    )


def test_a_correction_by_the_colleague_is_a_command_on_the_case(named: Casebook) -> None:
    """Also what moves no step by itself takes over."""
    event = named.history[0].meta.event_id
    known = timeline(named.history)[-1].event or event
    assert names(named.act(Correct(at=on(20, 1), by=AN, event=known, reason_ref="vault-9"))) == [
        "CoordinatorReassigned",
        "CorrectionRecorded",
    ]


def test_a_refused_command_takes_nothing_over(named: Casebook) -> None:
    """What is refused leaves nothing, and so no responsibility either."""
    refusal(named, replace(INTAKE, goals=()))
    assert owners(named) == {LOTTE.sub}


@pytest.mark.parametrize(
    "by",
    [
        LOTTE,
        BRAM,
        INES,
        replace(AN, org="samenstap"),
        replace(AN, role="VOLUNTEER_MENTOR"),
        replace(AN, org="vdab-gent", role="AGENCY_COUNSELLOR"),
    ],
)
def test_nobody_else_takes_over_by_acting(named: Casebook, by: Actor) -> None:
    """Neither who accepted, nor another colleague, nor a namesake elsewhere or in another role."""
    commands: list[Command] = [
        LogContactAttempt(at=on(20, 1), by=by),
        ReassignCounsellor(at=on(20, 1), by=by, counsellor="tom.maes"),
        Correct(at=on(20, 1), by=by, event=named.history[0].meta.event_id, reason_ref=f"vault-{by.sub}"),
    ]
    taken = 0
    for command in commands:
        try:
            events = named.act(command)
        except Refused:
            continue
        taken += 1
        assert "CoordinatorReassigned" not in names(events)
    assert taken or by.org == "samenstap" or by.role == "VOLUNTEER_MENTOR"
    assert owners(named) == {LOTTE.sub}


def test_time_and_messages_take_nothing_over(named: Casebook) -> None:
    """A reminder is nobody's command, and what the colleague does elsewhere comes as a message."""
    assert names(named.act(RemindDeadline(at=on(25, 1), by=CLOCK, name="FIRST_CONTACT"))) == ["DeadlineReminded"]
    withdrawn = about(told.LegalBasisWithdrawn, AN, on(26, 1), legal_basis="LB-1", withdrawn_at=on(26, 1))
    assert "CoordinatorReassigned" not in names(named.tell(withdrawn))


def test_a_report_of_the_past_moves_responsibility_when_it_is_given(named: Casebook) -> None:
    """The attempt happened on Monday; who reports it on Tuesday is responsible from Tuesday on."""
    command = LogContactAttempt(at=on(20, 1), by=AN, occurred_at=on(19, 1))
    named.act(command)
    then = responsibility(named.history, as_of=on(19, 1, hour=12))
    assert {step.owner.sub for step in then.steps} == {LOTTE.sub}
    now = responsibility(named.history, as_of=on(20, 1, hour=12))
    assert {step.owner.sub for step in now.steps} == {AN.sub}
    items = {item.type: item for item in timeline(named.history)}
    assert items["CoordinatorReassigned"].occurred_at == on(20, 1)
    assert items["ContactAttempted"].occurred_at == on(19, 1)


def test_whom_reassign_coordinator_asks_takes_over_by_that_command_only(book: Casebook) -> None:
    """Inside an organisation a colleague may help out without being responsible, until it is taken over."""
    book.accepted().act(ReassignCoordinator(at=on(19, 1), by=LOTTE, coordinator=AN.sub))
    assert names(book.act(LogContactAttempt(at=on(20, 1), by=AN))) == ["ContactAttempted"]
    assert owners(book) == {LOTTE.sub}
    assert names(book.act(ReassignCoordinator(at=on(21, 1), by=AN))) == ["CoordinatorReassigned"]


def test_a_later_proposal_takes_the_place_of_the_one_named(named: Casebook) -> None:
    """The one who holds it may ask somebody else, who then takes over as everybody who is asked later does."""
    named.act(ReassignCoordinator(at=on(19, 1), by=LOTTE, coordinator=BRAM.sub))
    for colleague in (AN, BRAM):
        assert names(named.act(LogContactAttempt(at=on(20, 1), by=colleague, channel=colleague.sub))) in (
            ["ContactAttempted"],
            [],
        )
    assert owners(named) == {LOTTE.sub}


def test_a_case_accepted_before_keeps_what_its_log_says(book: Casebook) -> None:
    """A stored transfer to a colleague, with no proposal beside it, replays as it was: the colleague is responsible."""
    book.accepted()
    an = replace(book.case.steps[0].owner, sub=AN.sub)
    case: Case = CASE.initial
    for recorded in book.history:
        event = recorded.event
        if type(event).__name__ == "ResponsibilityTransferred":
            event = replace(event, receiver=an)
        elif getattr(event, "name", "") == "ReferralAccepted":
            event = replace(event, opens=tuple(replace(step, owner=an) for step in event.opens))
        case = CASE.evolve(case, event)
    assert {step.owner.sub for step in case.steps} == {AN.sub}
    assert case.proposed_coordinator is None
