"""Who gets what: the one rule about parties and roles, as clients of the feed see it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import referral
from contracts.casefile.consent_withdrawal import CaseReturned, DisclosureStopped, NgoAccessRevoked
from contracts.casefile.deadlines import NgoAccessExpired
from contracts.casefile.intake import IntakeConcluded
from contracts.casefile.people import CounsellorReassigned
from contracts.codes import Role
from contracts.message import CloudEvent
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Verdict
from services.notifications.access import POLICY, READ_FEED, STREAM
from services.notifications.domain.inbox import MessageTaken
from services.notifications.lists import page
from tests.chassis.indexing import put
from tests.notifications.messages import AGENCY, BRUGWERK, OTHER_AGENCY, SAMENSTAP, START, Story, described
from tests.notifications.running import PEOPLE, Running

AUDITOR, OPERATOR = "rekenhof-demo", "caserelay-demo"


def ids(events: list[CloudEvent], *wanted: int) -> list[str]:
    """The ids of the events at these places."""
    return [events[place].id for place in wanted]


async def declined_and_referred_again(system: Running) -> tuple[Story, list[CloudEvent]]:
    """Brugwerk declines, the agency's lead changes, samenstap is asked and accepts."""
    story = Story("case-1")
    lead = {"giver": {"sub": "ines.debacker", "role": Role.AGENCY_COUNSELLOR, "org": AGENCY}}
    lead["receiver"] = {"sub": "tom.maes", "role": Role.AGENCY_COUNSELLOR, "org": AGENCY}
    sent = await system.tell(
        story.submitted(BRUGWERK),
        story.declined(BRUGWERK),
        story.of_case(CounsellorReassigned, **lead),
        story.submitted(SAMENSTAP),
        story.of_referral(referral.ReferralAccepted, SAMENSTAP, coordinator="karim.haddad"),
        story.of_case(IntakeConcluded, suitable=True, goals=["SOCIAL"], cefr={}, deadlines=[]),
    )
    return story, sent


async def test_the_agency_of_the_case_sees_all_of_it(system: Running) -> None:
    """Whichever organisation it was with, the case is the agency's."""
    _, sent = await declined_and_referred_again(system)
    assert await system.seen(AGENCY) == await system.seen(AGENCY, Role.AGENCY_TEAM_LEAD) == ids(sent, *range(6))


async def test_the_present_organisation_sees_the_case_from_its_own_addressing_on(system: Running) -> None:
    """What went to another one, and what the agency did before, is not for it."""
    _, sent = await declined_and_referred_again(system)
    assert await system.seen(SAMENSTAP) == await system.seen(SAMENSTAP, Role.NGO_LEAD) == ids(sent, 3, 4, 5)


async def test_a_former_organisation_keeps_what_came_up_to_the_end_of_its_referral(system: Running) -> None:
    """Nothing of what the next organisation does reaches it."""
    _, sent = await declined_and_referred_again(system)
    assert await system.seen(BRUGWERK) == ids(sent, 0, 1)


async def test_after_twelve_weeks_a_former_organisation_sees_nothing_of_the_case(system: Running) -> None:
    """What it could read before is gone from the feed, and its `next` goes on past it."""
    story, sent = await declined_and_referred_again(system)
    page_before = (await system.get(BRUGWERK, limit=1)).json()
    assert len(page_before["items"]) == 1
    expired = {"referral": f"{story.case}-{BRUGWERK}", "organisation": BRUGWERK}
    (end,) = await system.tell(story.of_case(NgoAccessExpired, **expired))
    page_after = (await system.get(BRUGWERK)).json()
    assert page_after["items"] == []
    assert system.place(page_after["next"]) == system.place((await system.get(AGENCY)).json()["next"])
    assert await system.items(BRUGWERK, after=page_before["next"]) == []
    assert await system.seen(SAMENSTAP) == ids(sent, 3, 4, 5)
    assert await system.seen(AGENCY) == [*ids(sent, *range(6)), end.id]


async def test_after_a_consent_withdrawal_only_the_stop_remains(system: Running) -> None:
    """It takes effect at once: the organisation gets the stop and nothing else, then or ever again."""
    story, sent = await declined_and_referred_again(system)
    own = {"referral": f"{story.case}-{SAMENSTAP}", "organisation": SAMENSTAP}
    stopped = await system.tell(
        story.of_referral(referral.LegalBasisWithdrawn, SAMENSTAP, legal_basis="LB-1", withdrawn_at=START),
        story.of_referral(
            referral.ReferralCompleted,
            SAMENSTAP,
            closure="CONSENT_WITHDRAWN",
            loop_closed_at=START + timedelta(hours=1),
        ),
        story.of_case(DisclosureStopped, legal_basis="LB-1", withdrawn_at=START),
        story.of_case(NgoAccessRevoked, **own, reason="CONSENT_WITHDRAWN"),
        story.of_case(
            CaseReturned,
            referral=f"{story.case}-{SAMENSTAP}",
            reason="CONSENT_WITHDRAWN",
            deadlines=[],
        ),
    )
    assert await system.seen(SAMENSTAP) == ids(stopped, 0, 3)
    assert await system.seen(BRUGWERK) == ids(sent, 0, 1)
    assert await system.seen(AGENCY) == [*ids(sent, *range(6)), *ids(stopped, *range(5))]


async def test_a_stop_that_casefile_tells_first_stops_as_well(system: Running) -> None:
    """Whichever of the two topics is faster, nothing more is shown once either of them has told it."""
    story, _ = await declined_and_referred_again(system)
    own = {"referral": f"{story.case}-{SAMENSTAP}", "organisation": SAMENSTAP}
    (stop,) = await system.tell(story.of_case(NgoAccessRevoked, **own, reason="CONSENT_WITHDRAWN"))
    assert await system.seen(SAMENSTAP) == [stop.id]


async def test_an_organisation_that_is_asked_a_second_time_keeps_its_second_part(system: Running) -> None:
    """The end of its access to the first referral takes nothing from the second."""
    story = Story("case-1")
    sent = await system.tell(
        story.submitted(BRUGWERK),
        story.declined(BRUGWERK),
        story.submitted(BRUGWERK, name="-again"),
        story.of_case(NgoAccessExpired, referral=f"{story.case}-{BRUGWERK}", organisation=BRUGWERK),
    )
    assert await system.seen(BRUGWERK) == ids(sent, 2)


async def test_what_comes_late_is_for_whom_it_was_when_it_was_recorded(system: Running) -> None:
    """A service that was down learns of the next referral before it learns what the former organisation did."""
    story = Story("case-1")
    first, concluded, end, second = (
        story.submitted(BRUGWERK),
        story.of_case(IntakeConcluded, suitable=False, goals=[], cefr={}, reason="NO_SHOW", deadlines=[]),
        story.of_referral(referral.ReferralCompleted, BRUGWERK, closure="HANDBACK_ACCEPTED", loop_closed_at=START),
        story.submitted(SAMENSTAP),
    )
    sent = await system.tell(first, end, second, concluded)
    assert await system.seen(SAMENSTAP) == ids(sent, 2)
    assert await system.seen(BRUGWERK) == ids(sent, 0, 1, 3)


async def test_strangers_get_nothing(system: Running) -> None:
    """Neither another agency nor an organisation that was not asked learns that there is a case."""
    await system.tell(Story("case-1").submitted(BRUGWERK))
    assert await system.seen(OTHER_AGENCY) == await system.seen(SAMENSTAP) == await system.seen(OPERATOR) == []


async def test_oversight_sees_everything(system: Running) -> None:
    """Auditors read every case, whatever has ended since."""
    _, sent = await declined_and_referred_again(system)
    notices = await system.tell(described(BRUGWERK))
    assert await system.seen(AUDITOR, Role.AUDITOR) == [*ids(sent, *range(6)), notices[0].id]


async def test_organisations_and_programmes_are_for_every_organisation(system: Running) -> None:
    """What an organisation offers is no secret; each reader gets it once."""
    (notice,) = await system.tell(described(SAMENSTAP))
    for org in PEOPLE:
        assert await system.seen(org) == [notice.id]


@pytest.mark.parametrize("route", ["/v1/feed", "/v1/stream"])
@pytest.mark.parametrize(
    ("role", "code"),
    [
        (Role.AGENCY_CONTROL, "NO_ACCESS_FOR_CONTROL"),
        (Role.MENTEE, "ROLE_NOT_ALLOWED"),
        (Role.VOLUNTEER_MENTOR, "ROLE_NOT_ALLOWED"),
        (Role.PROFESSIONAL_MENTOR, "ROLE_NOT_ALLOWED"),
    ],
)
async def test_roles_without_a_feed_are_told_so(system: Running, route: str, role: Role, code: str) -> None:
    """Control units have no access to anything, and mentors and mentees none to the feed."""
    async with system.client(BRUGWERK, role) as client:
        answer = await client.get(route)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("route", ["/v1/feed", "/v1/stream"])
async def test_nobody_is_served_without_a_token(system: Running, route: str) -> None:
    """Without a token, or with one that nobody issued, there is a 401 and nothing else."""
    async with system.client(BRUGWERK) as client:
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer forged"}):
            answer = await client.get(route, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_the_event_keeps_who_could_see_the_message_when_it_came(system: Running) -> None:
    """Later ends of access change what is shown, not what is on record about the disclosure."""
    story, _ = await declined_and_referred_again(system)
    await system.tell(story.of_case(NgoAccessExpired, referral=f"{story.case}-{BRUGWERK}", organisation=BRUGWERK))
    await system.abreast()
    recorded = [one.event for one in await system.service.log.read_all(0, 10)]
    assert all(isinstance(event, MessageTaken) for event in recorded)
    expected = [(BRUGWERK, AGENCY)] * 2 + [(AGENCY,)] + [(SAMENSTAP, AGENCY)] * 3 + [(AGENCY,)]
    assert [set(event.audience) for event in recorded] == [set(audience) for audience in expected]


async def test_the_policy_decides_even_where_the_index_would_show_more(system: Running) -> None:
    """An index that lists too much shows nothing more: each item is decided when it is read."""
    await declined_and_referred_again(system)
    await system.abreast()
    index = system.service.index
    for row in await index.find("audience", {"reader": "overseers"}, after=0, limit=10):
        await put(
            index, "audience", f"{row.seq} forged", row.seq, **{**row.columns, "reader": f"organisation {SAMENSTAP}"}
        )
    caller = Caller("karim.haddad", SAMENSTAP, Role.NGO_COORDINATOR)
    shown = await page(index, caller, "read-feed", after=0, limit=10, types=None)
    assert sorted(set(shown.positions)) == [4, 5, 6]


def test_no_role_may_see_a_case_that_its_organisation_has_no_part_in_except_oversight() -> None:
    """The whole table: which relation opens the feed and the stream for which role."""
    permitted = {
        (cell.relation, cell.role)
        for cell in POLICY.matrix()
        if cell.verdict is Verdict.PERMITTED and cell.action in (READ_FEED, STREAM)
    }
    assert permitted == {
        *(("OWNER_AGENCY", role) for role in (Role.AGENCY_COUNSELLOR, Role.AGENCY_TEAM_LEAD, Role.DPO)),
        *(
            (relation, role)
            for relation in ("ADDRESSED", "FORMER", "GONE")
            for role in (Role.NGO_COORDINATOR, Role.NGO_LEAD, Role.DPO)
        ),
        ("OVERSIGHT", Role.AUDITOR),
        *(
            ("ANY_ORGANISATION", role)
            for role in (
                Role.AGENCY_COUNSELLOR,
                Role.AGENCY_TEAM_LEAD,
                Role.NGO_COORDINATOR,
                Role.NGO_LEAD,
                Role.AUDITOR,
                Role.DPO,
                Role.OPERATOR,
            )
        ),
    }
