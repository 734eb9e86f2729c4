"""Pseudonyms that differ in case only name one person: in every programme, in drafts, and in what was stored before."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from contracts.fields import UUID
from services.chassis.log.event_log import Write
from services.chassis.log.event_types import EventTypes
from services.referral.app import build
from services.referral.domain.answering import ReferralDeclined
from services.referral.domain.case_key import case_key_of
from services.referral.domain.person import PersonReferred
from services.referral.events import EVENTS
from services.referral.routes.bulk import _marks
from services.sandbox.demo import PROGRAMME
from tests.referral.context import REFERRALS, ReferralContext
from tests.support.golden import corpus
from tests.support.people import INES, LOTTE, PIETER, Person
from tests.support.problems import assert_problem, pointers
from tests.support.programmes import offer_also
from tests.support.requests import another_person, samira
from tests.support.running import Running, running

OTHER: Final = "mtw-be-second"
OLD_KEY: Final = case_key_of("vdab-gent", "CL-19C0", PROGRAMME)
SPELLINGS: Final = ("CL-7F3A", "cl-7f3a", "Cl-7F3a")


def named(ref: str, **changes: Any) -> dict[str, Any]:
    """A referral of the person with that pseudonym."""
    return samira(client={"ref": ref}, **changes)


@pytest.mark.parametrize("draft", [True, False])
@pytest.mark.parametrize("second", SPELLINGS)
@pytest.mark.parametrize("first", SPELLINGS)
async def test_however_it_is_written_a_person_has_one_live_referral(
    context: ReferralContext, first: str, second: str, *, draft: bool
) -> None:
    """In one programme and in two, as a draft and as an offer; of another agency it is another person."""
    await offer_also(context.running, OTHER)
    made = (await context.running.create(INES, REFERRALS, {**named(first), "draft": draft})).json()
    for body, code in ((named(second), "REFERRAL_LIVE"), (named(second, programme=OTHER), "CONCURRENT_PROGRAMME")):
        for as_draft in (True, False):
            answer = await context.running.create(INES, REFERRALS, {**body, "draft": as_draft})
            assert made["id"] in assert_problem(answer, 409, code)["detail"]
    await context.submit(named(second), by=PIETER)


@pytest.mark.parametrize("programmes", [(PROGRAMME, PROGRAMME), (PROGRAMME, OTHER)])
async def test_of_two_spellings_at_once_one_is_first(context: ReferralContext, programmes: tuple[str, str]) -> None:
    """Neither is known before, and both are sent at the same moment: one is submitted, the other refused."""
    await offer_also(context.running, OTHER)
    for round_ in range(10):
        bodies = [
            named(f"{ref}-{round_}", programme=programme) for ref, programme in zip(SPELLINGS, programmes, strict=False)
        ]
        answers = await asyncio.gather(*(context.running.create(INES, REFERRALS, body) for body in bodies))
        assert sorted(answer.status_code for answer in answers) == [201, 409], [answer.text for answer in answers]


async def test_lines_of_one_person_are_taken_in_their_order_however_it_is_written(context: ReferralContext) -> None:
    """As if they had been sent one after the other: the first wins."""
    for round_ in range(10):
        bodies = [named(f"{ref}-{round_}") for ref in SPELLINGS]
        lines = [json.dumps({**body, "idempotencyKey": f"{round_}-{n}"}) for n, body in enumerate(bodies)]
        headers = {"Content-Type": "application/x-ndjson"}
        content = "\n".join(lines).encode()
        answer = await context.running.send(INES, "POST", f"{REFERRALS}/bulk", content=content, headers=headers)
        assert [json.loads(line)["status"] for line in answer.text.splitlines()] == [201, 409, 409]
        # What a line waits for is the same; that it had to wait is seen now and then only.
        assert len({tuple(mark for mark in _marks(body) if mark[0] == "person") for body in bodies}) == 1


async def test_a_later_referral_in_another_spelling_follows_on_the_first(context: ReferralContext) -> None:
    """In the same open case, and each referral keeps the spelling that it was sent in."""
    first = await context.received(named("CL-7F3A"))
    await context.running.done(LOTTE, first, "decline", {"reason": "CAPACITY_FULL"})
    before = await context.running.read(INES, first)
    for previous in (None, before["id"]):
        answer = await context.running.create(
            INES, REFERRALS, named("cl-7f3a", previousReferral=previous), dryRun="true"
        )
        assert (answer.status_code, answer.json()["case"]) == (200, before["case"])
    made = await context.running.read(INES, await context.submit(named("cl-7f3a")))
    assert (made["case"], made["previousReferral"]) == (before["case"], before["id"])
    assert (before["client"], made["client"]) == ({"ref": "CL-7F3A"}, {"ref": "cl-7f3a"})


async def test_a_draft_may_have_its_spelling_mended(context: ReferralContext) -> None:
    """It stays the same person; another pseudonym is another one, and a draft keeps its person."""
    path = await context.draft(named("cl-7f3a"))
    mended = await context.running.send(INES, "PATCH", path, {"client": {"ref": "CL-7F3A"}}, etag='"1"')
    assert (mended.status_code, mended.json()["client"]) == (200, {"ref": "CL-7F3A"})
    other = await context.running.send(INES, "PATCH", path, {"client": {"ref": "CL-7F3B"}}, etag=mended.headers["ETag"])
    assert_problem(other, 422)
    assert pointers(other) == {"/client/ref": "FIXED_BY_DRAFT"}
    await context.running.done(INES, path, "submit")


@pytest.mark.parametrize("ref", SPELLINGS)
async def test_a_person_withdraws_a_consent_under_the_pseudonym_in_any_case(context: ReferralContext, ref: str) -> None:
    """Who signs in as the person is the person."""
    path = await context.submit(named("CL-7F3A"))
    basis = (await context.running.read(INES, path))["legalBasis"]["id"]
    mentee = Person(ref, "vdab-gent", "MENTEE")
    await context.running.done(mentee, f"/v1/legal-bases/{basis}", "withdraw")
    stranger = Person("CL-7F3B", "vdab-gent", "MENTEE")
    assert (await context.running.get(stranger, f"/v1/legal-bases/{basis}")).status_code == 404


async def stored_before(service: Running, *, through: str, ref: str = "CL-19C0") -> str:
    """Writes events into the log as they were stored before persons had streams, through the one named; the referral.

    The bytes are those of the golden corpus, whose person is CL-19C0; with another `ref`, a case and keys of its own.
    """
    types, versions, event = EventTypes(EVENTS), dict[str, int](), None
    for line in corpus("referral").lines("story-9.2"):
        told = line.decode()
        if ref != "CL-19C0":
            told = re.sub(
                rf"(?<!key-)(?<!case_key\":\"){UUID[1:-1]}", lambda drawn: f"{drawn[0][:-8]}0000{drawn[0][-4:]}", told
            )
            told = told.replace(OLD_KEY, case_key_of("vdab-gent", ref, PROGRAMME)).replace("CL-19C0", ref)
        _, stream, _, topic, state = told.split("\t")
        event, meta = types.decode(topic, state.encode())
        await service.service("referral").log.append([Write(stream, versions.get(stream, 0), [(event, meta)])])
        versions[stream] = versions.get(stream, 0) + 1
        if topic == through:
            break
    assert event is not None
    return str(event.offer.referral_id)


@pytest.mark.parametrize("ref", ["CL-19C0", "cl-19c0", "Cl-19c0"])
async def test_what_was_stored_before_is_found_in_any_spelling(tmp_path: Path, ref: str) -> None:
    """A referral that is live in a log of old keeps its person out, here and in another programme."""
    async with running(tmp_path, {"referral": build}) as service:
        await service.set_the_scene()
        context = ReferralContext(service)
        await offer_also(context.running, OTHER)
        live = await stored_before(service, through="referral.received.v1")
        for programme, code in ((PROGRAMME, "REFERRAL_LIVE"), (OTHER, "CONCURRENT_PROGRAMME")):
            answer = await service.create(INES, REFERRALS, named(ref, programme=programme))
            assert live in assert_problem(answer, 409, code)["detail"]
        assert (await service.create(INES, REFERRALS, another_person())).status_code == 201


@pytest.mark.parametrize("ref", ["CL-19C0", "cl-19c0", "Cl-19c0"])
async def test_a_case_that_was_stored_before_goes_on_in_any_spelling(tmp_path: Path, ref: str) -> None:
    """The next referral is made in the open case of old, follows on the old referral, and is in its stream of keys."""
    async with running(tmp_path, {"referral": build}) as service:
        await service.set_the_scene()
        declined = await stored_before(service, through="referral.declined.v1")
        old = corpus("referral").story("story-9.2", EventTypes(EVENTS))
        (case,) = {one.event.offer.case_id for one in old if isinstance(one.event, ReferralDeclined)}
        made = (await service.create(INES, REFERRALS, named(ref))).json()
        assert (made["case"], made["previousReferral"]) == (case, declined)
        records = await ReferralContext(service).recorded()
        (told,) = [one.event for one in records if isinstance(one.event, PersonReferred)]
        assert f"case-key-{told.case_key}" in {one.stream for one in old}


async def test_two_cases_of_one_person_from_before_are_both_seen(tmp_path: Path) -> None:
    """Of old, two spellings could each have a live referral: while either lives, there is no third."""
    async with running(tmp_path, {"referral": build}) as service:
        await service.set_the_scene()
        upper = await stored_before(service, through="referral.received.v1")
        lower = await stored_before(service, through="referral.received.v1", ref="Cl-19c0")
        for ref in ("CL-19C0", "Cl-19c0", "cl-19c0"):
            answer = await service.create(INES, REFERRALS, named(ref))
            detail = assert_problem(answer, 409, "REFERRAL_LIVE")["detail"]
            assert upper in detail or lower in detail
        await service.done(INES, f"{REFERRALS}/{upper}", "withdraw", {"reason": "CLIENT_MOVED"})
        answer = await service.create(INES, REFERRALS, named("CL-19C0"))
        assert lower in assert_problem(answer, 409, "REFERRAL_LIVE")["detail"]
