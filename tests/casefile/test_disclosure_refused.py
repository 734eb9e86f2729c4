"""What an organisation tries after the person withdrew: refused, and on record for the agency and its auditors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.casefile.cases import CaseContext, Told
from tests.support.people import AUDITOR, HANNE, INES, KARIM, LOTTE, PIETER, VOLUNTEER, Person
from tests.support.problems import assert_problem
from tests.support.requests import new_key

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOG = {"channel": "PHONE"}
DPO_OF_ORGANISATION = Person("privacy.context", "brugwerk", "DPO")


async def withdrawn(context: CaseContext, case: Told) -> None:
    """The person withdraws, and casefile has been told."""
    basis = (await context.running.read(INES, case.offer))["legalBasis"]["id"]
    done = await context.running.done(INES, f"/v1/legal-bases/{basis}", "withdraw")
    await context.running.read(INES, case.path, waitFor=done.headers["Position"])


async def stopped(context: CaseContext, state: str = "INTAKE") -> Told:
    """A case of which the person has withdrawn the legal basis, as casefile has been told."""
    case = await context.brought_to(state)
    await withdrawn(context, case)
    return case


async def feed(context: CaseContext, person: Person) -> list[dict[str, Any]]:
    """All that somebody is sent."""
    items: list[dict[str, Any]] = (await context.running.read(person, "/v1/feed", limit=200))["items"]
    return items


async def refused(context: CaseContext, case: Told, person: Person = INES) -> list[tuple[str, str, Any]]:
    """The refusals on the timeline: who tried, what the sentence says of it, and how often within an hour."""
    told = await context.running.read(person, f"{case.path}/timeline")
    items = [item for item in told["items"] if item["type"] == "DisclosureRefused"]
    return [(item["actor"]["sub"], item["text"].rpartition(": ")[2], item.get("count")) for item in items]


async def test_a_command_after_the_withdrawal_stands_in_the_record_and_moves_no_etag(shared: CaseContext) -> None:
    """Whether its sender has seen the stop or not; agency and auditor read of it, the organisation does not."""
    case = await shared.brought_to("INTAKE")
    old = (await shared.running.get(LOTTE, case.path)).headers["ETag"]
    await withdrawn(shared, case)
    before = (await shared.running.get(INES, case.path)).headers["ETag"]
    now = (await shared.running.get(LOTTE, case.path)).headers["ETag"]
    for etag in (old, now):
        answer = await shared.running.command(LOTTE, case.path, "log-contact-attempt", LOG, etag=etag)
        assert_problem(answer, 403, "LEGAL_BASIS_WITHDRAWN")
    assert (await shared.running.get(INES, case.path)).headers["ETag"] == before
    assert (await shared.running.get(LOTTE, case.path)).headers["ETag"] == now
    for reader in (INES, AUDITOR):
        assert await refused(shared, case, reader) == [("lotte.claes", "log-contact-attempt.", 2)]
    assert set(await shared.kinds(case, LOTTE)) == {"LegalBasisWithdrawn", "NgoAccessRevoked"}


async def test_a_read_of_what_is_shared_no_more_stands_in_the_record(shared: CaseContext) -> None:
    """It is refused by the rule, and the agency reads who tried."""
    case = await stopped(shared)
    assert_problem(await shared.running.get(LOTTE, f"{case.path}/texts"), 403, "LEGAL_BASIS_WITHDRAWN")
    assert await refused(shared, case) == [("lotte.claes", "read-corrections.", None)]


async def test_each_service_tells_the_other_what_it_refused(shared: CaseContext) -> None:
    """Timeline and disclosures have all of it, with the same actor, basis and time, each message taken in once."""
    case = await stopped(shared)
    basis = (await shared.running.read(INES, case.offer))["legalBasis"]["id"]
    etags = [(await shared.running.get(INES, path)).headers["ETag"] for path in (case.path, case.offer)]
    for what in (f"{case.offer}/contact", f"{case.offer}/contact", *[f"{case.path}/texts"] * 3):
        assert_problem(await shared.running.get(LOTTE, what), 403, "LEGAL_BASIS_WITHDRAWN")
    assert_problem(await shared.running.command(HANNE, case.offer, "receive"), 403, "LEGAL_BASIS_WITHDRAWN")
    await shared.running.settle()
    expected = [(HANNE.sub, "receive", 1), ("lotte.claes", "read-contact", 2), ("lotte.claes", "read-corrections", 3)]
    told = [(sub, what.rstrip("."), count or 1) for sub, what, count in await refused(shared, case)]
    assert sorted(told) == expected
    page = await shared.running.read(AUDITOR, f"{case.offer}/disclosures", refused="true")
    assert sorted((item["to"]["sub"], item["attempt"], item["count"]) for item in page["items"]) == expected
    assert {(item["at"], item["legalBasis"]) for item in page["items"]} == {("2026-01-12T09:30:00Z", basis)}
    assert [(await shared.running.get(INES, path)).headers["ETag"] for path in (case.path, case.offer)] == etags


async def test_a_gap_that_the_organisation_reported_is_shared_no_more(shared: CaseContext) -> None:
    """Reading it goes through the same door as the case."""
    case = await shared.brought_to("MENTORING")
    gap = {"serviceKind": "CHILDCARE", "gapType": "ABSENT"}
    await shared.running.done(LOTTE, case.path, "report-gap", gap)
    (reported,) = (await shared.running.read(INES, case.path))["gaps"]
    await withdrawn(shared, case)
    answer = await shared.running.get(LOTTE, f"/v1/gaps/{reported['id']}")
    assert_problem(answer, 403, "LEGAL_BASIS_WITHDRAWN")
    assert await refused(shared, case) == [("lotte.claes", "read-gap.", None)]


async def test_the_mentor_whose_match_ended_with_it_is_stopped_on_record_too(shared: CaseContext) -> None:
    """What they could read and do as the mentor: 403 with the rule, once for each key. Other mentors find nothing."""
    case = await shared.brought_to("MENTORING")
    etag = (await shared.running.get(VOLUNTEER, case.path)).headers["ETag"]
    await withdrawn(shared, case)
    before, key = (await shared.running.get(INES, case.path)).headers["ETag"], new_key()
    assert_problem(await shared.running.get(VOLUNTEER, case.path), 403, "LEGAL_BASIS_WITHDRAWN")
    met = {"minutes": 60, "mode": "IN_PERSON"}
    for _ in range(2):
        answer = await shared.running.command(VOLUNTEER, case.path, "record-meeting", met, etag=etag, key=key)
        assert_problem(answer, 403, "LEGAL_BASIS_WITHDRAWN")
    tried = [("M-41", "read.", None), ("M-41", "record-meeting.", None)]
    assert await refused(shared, case) == tried
    dry = await shared.running.command(VOLUNTEER, case.path, "record-meeting", met, etag=etag, dryRun="true")
    assert_problem(dry, 403, "LEGAL_BASIS_WITHDRAWN")
    assert_problem(await shared.running.get(VOLUNTEER, f"{case.path}/texts"), 403, "PARTY_NOT_ALLOWED")
    other = Person("M-42", "brugwerk", "VOLUNTEER_MENTOR")
    assert_problem(await shared.running.get(other, case.path), 404)
    assert_problem(await shared.running.command(other, case.path, "record-meeting", met, etag=etag), 404)
    assert case.id not in str(await shared.running.read(VOLUNTEER, "/v1/worklist"))
    assert await refused(shared, case) == tried
    assert (await shared.running.get(INES, case.path)).headers["ETag"] == before


@pytest.mark.asyncio(loop_scope="function")
async def test_a_mentor_of_before_is_stopped_as_long_as_they_could_have_read_on(context: CaseContext) -> None:
    """Twelve weeks after the own match, from 12 January to 6 April; from then on the case is hidden from them."""
    case = await context.brought_to("MENTORING")
    rematch = {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True}
    await context.running.done(LOTTE, case.path, "end-match", rematch)
    assert (await context.running.get(VOLUNTEER, case.path)).status_code == 200
    await withdrawn(context, case)
    assert_problem(await context.running.get(VOLUNTEER, case.path), 403, "LEGAL_BASIS_WITHDRAWN")
    tried = [("M-41", "read.", None)]
    assert await refused(context, case) == tried
    await context.running.at(datetime(2026, 4, 6, 21, 59, 59, tzinfo=UTC))
    assert_problem(await context.running.get(VOLUNTEER, case.path), 404)
    assert await refused(context, case) == tried


async def test_what_the_organisation_may_still_read_is_no_attempt(shared: CaseContext) -> None:
    """The stop itself: the case, its timeline, its record and who is responsible, each without anything of the case."""
    case = await stopped(shared)
    for what in ("", "/timeline", "/events", "/responsibility"):
        assert (await shared.running.get(LOTTE, case.path + what)).status_code == 200
    assert await refused(shared, case) == []


async def test_who_never_had_a_right_learns_nothing_and_leaves_nothing(shared: CaseContext) -> None:
    """Strangers get 404 as ever; a role that gives no such command, 403 as ever. Nothing is written."""
    case = await stopped(shared)
    before = await shared.snapshot()
    for stranger in (KARIM, PIETER):
        assert_problem(await shared.running.get(stranger, f"{case.path}/texts"), 404)
        tried = await shared.running.command(stranger, case.path, "log-contact-attempt", LOG, etag='"1"')
        assert_problem(tried, 404)
    tried = await shared.running.command(DPO_OF_ORGANISATION, case.path, "log-contact-attempt", LOG, etag='"1"')
    assert_problem(tried, 403, "ROLE_NOT_ALLOWED")
    assert await shared.snapshot() == before


async def test_a_dry_run_after_the_withdrawal_leaves_nothing(shared: CaseContext) -> None:
    """A question is no attempt."""
    case = await stopped(shared)
    before = await shared.snapshot()
    tried = await shared.running.command(LOTTE, case.path, "log-contact-attempt", LOG, dryRun="true")
    assert_problem(tried, 403, "LEGAL_BASIS_WITHDRAWN")
    assert await shared.snapshot() == before


async def test_a_command_that_is_repeated_under_its_key_is_one_attempt(shared: CaseContext) -> None:
    """Also that which went well before the withdrawal, whose answer is not given again."""
    case = await shared.brought_to("INTAKE")
    etag, done_before = (await shared.running.get(LOTTE, case.path)).headers["ETag"], new_key()
    await shared.running.done(LOTTE, case.path, "log-contact-attempt", LOG, etag=etag, key=done_before)
    await withdrawn(shared, case)
    for key in (done_before, new_key()):
        for _ in range(3):
            again = await shared.running.command(LOTTE, case.path, "log-contact-attempt", LOG, etag=etag, key=key)
            assert_problem(again, 403, "LEGAL_BASIS_WITHDRAWN")
    assert await refused(shared, case) == [("lotte.claes", "log-contact-attempt.", 2)]


async def test_an_attempt_is_published_to_the_agency_and_names_nobody_but_its_actor(shared: CaseContext) -> None:
    """Codes and ids alone; the organisation is not told of its own attempt."""
    case = await stopped(shared)
    await shared.running.get(LOTTE, f"{case.path}/texts")
    await shared.running.settle()
    kind = "org.caserelay.case.disclosure_refused.v1"
    (told,) = [one for one in await feed(shared, INES) if one["subject"] == case.id and one["type"] == kind]
    data = told["data"]
    assert (data["attempt"], data["organisation"]) == ("read-corrections", "brugwerk")
    assert (data["referral"], data["actor"]["sub"]) == (case.offer.rpartition("/")[2], "lotte.claes")
    assert kind not in {one["type"] for one in await feed(shared, LOTTE) if one["subject"] == case.id}


async def test_the_same_attempt_of_the_same_person_within_an_hour_is_one_item(shared: CaseContext) -> None:
    """Another person, another attempt, and one after an hour are items of their own."""
    case = await stopped(shared)
    for person in (LOTTE, LOTTE, HANNE, LOTTE):
        await shared.running.get(person, f"{case.path}/texts")
    await shared.running.command(LOTTE, case.path, "log-contact-attempt", LOG)
    tried = [("lotte.claes", "read-corrections.", 3), (HANNE.sub, "read-corrections.", None)]
    tried.append(("lotte.claes", "log-contact-attempt.", None))
    assert await refused(shared, case) == tried
    await shared.running.at(shared.running.clock.now() + timedelta(hours=1))
    await shared.running.get(LOTTE, f"{case.path}/texts")
    assert await refused(shared, case) == [*tried, ("lotte.claes", "read-corrections.", None)]


async def test_a_command_that_races_the_withdrawal_is_marked_or_refused_and_never_lost(shared: CaseContext) -> None:
    """What reaches casefile before it was told stands, marked; what comes after is refused, on record."""
    outcomes = set[int]()
    for n in range(12):
        case = await shared.brought_to("INTAKE")
        etag = (await shared.running.get(LOTTE, case.path)).headers["ETag"]
        basis = (await shared.running.read(INES, case.offer))["legalBasis"]["id"]
        withdrawn = await shared.running.done(INES, f"/v1/legal-bases/{basis}", "withdraw")
        shared.running.clock.move(shared.running.clock.now() + timedelta(seconds=1))
        if n % 2:
            await shared.running.read(INES, case.path, waitFor=withdrawn.headers["Position"])
        answer = await shared.running.command(LOTTE, case.path, "log-contact-attempt", LOG, etag=etag)
        await shared.running.settle()
        told = (await shared.running.read(AUDITOR, f"{case.path}/events", limit=200))["items"]
        made = [one["event"] for one in told if one["type"] == "ContactAttempted"]
        marked = [event for one in told if one["type"] == "RecordedAfterWithdrawal" for event in one["data"]["events"]]
        tried = await refused(shared, case)
        outcomes.add(answer.status_code)
        if answer.status_code == 200:
            assert (made, tried) == (marked, [])
            assert len(made) == 1
        else:
            assert_problem(answer, 403, "LEGAL_BASIS_WITHDRAWN")
            assert (made, marked, tried) == ([], [], [("lotte.claes", "log-contact-attempt.", None)])
    assert 403 in outcomes


@pytest.mark.asyncio(loop_scope="function")
async def test_attempts_are_read_in_the_order_in_which_they_were_made(context: CaseContext) -> None:
    """Also where the other service tells of one later than of those that came after it, page by page."""
    case, running = await stopped(context), context.running
    for minutes, what in enumerate((f"{case.path}/texts", f"{case.offer}/contact", f"{case.offer}/texts")):
        # The clock alone: no message is taken in meanwhile.
        running.clock.move(running.clock.now() + timedelta(minutes=minutes))
        assert_problem(await running.get(LOTTE, what), 403, "LEGAL_BASIS_WITHDRAWN")
    await running.settle()
    items: list[dict[str, Any]] = []
    asked: dict[str, Any] = {}
    while asked or not items:
        page = await running.read(INES, f"{case.offer}/disclosures", refused="true", limit=1, **asked)
        items += page["items"]
        if page["next"] is None:
            break
        asked = {"cursor": page["next"]}
    assert [item["attempt"] for item in items] == ["read-corrections", "read-contact", "read-texts"]
    assert [item["at"] for item in items] == sorted(item["at"] for item in items)


async def test_reading_again_and_again_does_not_fill_the_case(shared: CaseContext) -> None:
    """Ten of the same within the hour are kept, and shown as one item."""
    case = await stopped(shared)
    for _ in range(15):
        assert_problem(await shared.running.get(LOTTE, f"{case.path}/texts"), 403, "LEGAL_BASIS_WITHDRAWN")
    assert await refused(shared, case) == [("lotte.claes", "read-corrections.", 10)]


async def test_nothing_moves_what_the_organisation_reads_after_the_stop(shared: CaseContext) -> None:
    """Neither what it tries itself, in whichever service, nor what the agency does next with the case."""
    case = await stopped(shared)
    basis = f"/v1/legal-bases/{(await shared.running.read(INES, case.offer))['legalBasis']['id']}"
    paths = [case.path, f"{case.path}/timeline", f"{case.path}/responsibility", case.offer, basis]

    async def versions() -> list[object]:
        listed = (await shared.running.read(LOTTE, "/v1/cases", limit=200))["items"]
        tags = [(await shared.running.get(LOTTE, path)).headers["ETag"] for path in paths]
        return [*tags, *[item["version"] for item in listed if item["id"] == case.id]]

    await shared.running.settle()
    before = await versions()
    assert len(before) == len(paths) + 1
    for what in (f"{case.offer}/contact", f"{case.offer}/texts", f"{case.path}/texts"):
        assert_problem(await shared.running.get(LOTTE, what), 403, "LEGAL_BASIS_WITHDRAWN")
    tried = await shared.running.command(LOTTE, case.path, "log-contact-attempt", LOG, etag=str(before[0]))
    assert_problem(tried, 403, "LEGAL_BASIS_WITHDRAWN")
    await shared.running.settle()
    assert await versions() == before
    await shared.running.done(INES, case.path, "close", {"reason": "MOVED"})
    await shared.running.settle()
    assert await versions() == before
