"""One person in one MENTORING_TO_WORK programme at a time: the tick NO_CONCURRENT_PROGRAMME is a check of our own."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest
from msgspec.structs import replace

from contracts.codes import DeclineReason, WithdrawReason
from services.chassis.log.event_log import Write
from services.chassis.log.event_types import EventTypes
from services.chassis.modelling.decider import Refused
from services.referral.domain.answering import Decline
from services.referral.domain.case_key import CloseCase, ReopenCase, case_key_of, case_key_stream
from services.referral.domain.ending import Withdraw
from services.referral.domain.packet import Packet
from services.referral.events import EVENTS
from services.sandbox.demo import PROGRAMME
from tests.referral.context import REFERRALS, ReferralContext
from tests.referral.office import PARAMETERS, SAMIRA, Office
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import FRIDAY, JULY, MONDAY
from tests.support.golden import corpus
from tests.support.people import INES as COUNSELLOR
from tests.support.people import PIETER
from tests.support.problems import assert_problem
from tests.support.programmes import offer_also
from tests.support.requests import samira

OTHER: Final = "mtw-be-second"
ELSEWHERE: Final = replace(SAMIRA, programme=OTHER)
"""The same person of the same agency, in another programme of the kind."""


@pytest.fixture
def office(office: Office) -> Office:
    """With a second programme of the kind, which brugwerk offers too."""
    office.publish(1, PARAMETERS, name=OTHER)
    office.describe("brugwerk", programmes=(PROGRAMME, OTHER))
    return office


def refusal(office: Office, packet: Packet = ELSEWHERE, *, draft: bool = False) -> Refused:
    """The refusal of a second referral of the person."""
    before = list(office.written)
    with pytest.raises(Refused) as refused:
        office.draft(packet, "R-2", FRIDAY) if draft else office.submit(packet, "R-2", FRIDAY)
    assert office.written == before
    return refused.value


@pytest.mark.parametrize("second", ["draft", "submit"])
@pytest.mark.parametrize("first", ["draft", "submit", "receive", "accept"])
def test_a_live_referral_in_one_programme_keeps_the_person_out_of_another(
    office: Office, first: str, second: str
) -> None:
    """From the draft on to the end, and a draft is refused as an offer is; the refusal names what holds."""
    if first == "draft":
        office.draft()
    else:
        office.submit()
    if first in ("receive", "accept"):
        office.receive()
    if first == "accept":
        office.accept()
    refused = refusal(office, draft=second == "draft")
    assert (refused.code, refused.because.value) == ("CONCURRENT_PROGRAMME", 409)
    assert "R-1" in refused.detail
    assert PROGRAMME in refused.detail
    assert refused.who_can_unblock is not None


def test_an_open_case_keeps_the_person_out_of_another_programme_until_it_is_closed(office: Office) -> None:
    """Declined, the case is the agency's again, and still open; closing it frees the person, opening it again not."""
    office.submit()
    office.handle(Decline(at=FRIDAY, by=LOTTE, referral_id="R-1", reason=DeclineReason.CAPACITY_FULL))
    refused = refusal(office)
    assert refused.code == "CONCURRENT_PROGRAMME"
    assert "case C-R-1" in refused.detail
    assert PROGRAMME in refused.detail
    office.case_told(CloseCase(at=FRIDAY, by=CLOCK, case_id="C-R-1"))
    office.case_told(ReopenCase(at=FRIDAY, by=CLOCK, case_id="C-R-1"))
    assert refusal(office).code == "CONCURRENT_PROGRAMME"
    office.case_told(CloseCase(at=FRIDAY, by=CLOCK, case_id="C-R-1"))
    office.submit(ELSEWHERE, "R-2", FRIDAY)
    assert office.key(ELSEWHERE).live == "R-2"


def test_a_referral_entered_in_error_leaves_a_case_that_is_still_open(office: Office) -> None:
    """It had been offered, so the agency has the case and has to close it."""
    office.submit()
    office.confirmed_error(at=FRIDAY)
    assert "case C-R-1" in refusal(office).detail


def test_a_draft_that_went_nowhere_holds_nobody(office: Office) -> None:
    """No case was ever opened for it, so there is none to close."""
    office.draft()
    office.handle(Withdraw(at=FRIDAY, by=INES, referral_id="R-1", reason=WithdrawReason.CLIENT_MOVED))
    office.submit(ELSEWHERE, "R-2", FRIDAY)
    assert office.key(ELSEWHERE).live == "R-2"


def test_the_loop_that_was_closed_frees_the_person(office: Office) -> None:
    """Completed and the case closed, as the case key does it for the programme itself."""
    office.submit()
    office.receive()
    office.accept()
    office.complete()
    office.case_told(CloseCase(at=JULY, by=CLOCK, case_id="C-R-1"))
    office.submit(ELSEWHERE, "R-2", JULY)


def test_other_people_are_not_held(office: Office) -> None:
    """Somebody else of the agency may be referred in any programme."""
    office.submit()
    office.submit(replace(ELSEWHERE, client_ref="CL-0001"), "R-2", MONDAY)


async def test_of_two_programmes_at_once_one_is_entered(context: ReferralContext) -> None:
    """Twenty people, each referred in both at the same moment: one is taken, the other refused with what holds."""
    await context.submit()
    await offer_also(context.running, OTHER)
    for number in range(20):
        turn = (PROGRAMME, OTHER) if number % 2 else (OTHER, PROGRAMME)
        bodies = [samira(client={"ref": f"CL-B{number}"}, programme=programme) for programme in turn]
        answers = await asyncio.gather(*(context.running.create(COUNSELLOR, REFERRALS, body) for body in bodies))
        (made,) = [answer.json() for answer in answers if answer.status_code == 201]
        (refused,) = [answer for answer in answers if answer.status_code != 201]
        problem = assert_problem(refused, 409, "CONCURRENT_PROGRAMME")
        assert made["id"] in problem["detail"]
        assert made["programme"] in problem["detail"]


async def test_the_same_pseudonym_of_another_agency_is_another_person(context: ReferralContext) -> None:
    """The pseudonym is the agency's own."""
    await offer_also(context.running, OTHER)
    body: dict[str, Any] = samira()
    await context.submit(body)
    await context.submit({**body, "programme": OTHER}, by=PIETER)


async def test_a_referral_that_was_live_before_programmes_were_checked_holds_too(context: ReferralContext) -> None:
    """Its log has a case key and no person's stream: bytes of old, read by the code of today."""
    await offer_also(context.running, OTHER)
    types = EventTypes(EVENTS)
    topic = "case_key.taken.v1"
    event, meta = types.decode(topic, corpus("referral").samples()[topic])
    old = case_key_stream(case_key_of("vdab-gent", "CL-OLD", PROGRAMME))
    await context.service.log.append([Write(old, 0, [(event, meta)])])
    body = samira(client={"ref": "CL-OLD"}, programme=OTHER)
    problem = assert_problem(await context.running.create(COUNSELLOR, REFERRALS, body), 409, "CONCURRENT_PROGRAMME")
    assert event.referral_id in problem["detail"]
