"""Two sides that decide on one referral at once, and what each is told of it."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from typing import Any

import httpx

from tests.faults.caller import Caller
from tests.support.people import INES, LOTTE
from tests.support.requests import another_person
from tests.support.timelines import without_tellings

Json = dict[str, Any]
SECOND = "mtw-be-second"
NAMED = {"ACCEPTED": "accept by brugwerk", "WITHDRAWN": "withdraw by vdab-gent"}
EVENT = {"ACCEPTED": "ReferralAccepted", "WITHDRAWN": "ReferralWithdrawn"}


async def received(people: Caller, how_many: int) -> list[tuple[str, str, str]]:
    """Referrals that wait for their answer: path, case and ETag of each."""

    async def one() -> tuple[str, str, str]:
        made = await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
        referral = made.json()
        path = f"/v1/referrals/{referral['id']}"
        taken = await people.done(LOTTE, f"{path}/receive", etag=made.headers["ETag"])
        return path, referral["case"], taken.headers["ETag"]

    return await asyncio.gather(*(one() for _ in range(how_many)))


async def race(ngo: Caller, agency: Caller, path: str, etag: str, *, agency_first: bool) -> list[httpx.Response]:
    """Both sides decide on what both have read; the answers to accept and to withdraw."""
    accept = ngo.send(LOTTE, "POST", f"{path}/accept", {"coordinator": LOTTE.sub}, etag=etag)
    withdraw = agency.send(INES, "POST", f"{path}/withdraw", {"reason": "OTHER_ORGANISATION_CHOSEN"}, etag=etag)
    answers = await asyncio.gather(*((withdraw, accept) if agency_first else (accept, withdraw)))
    return list(reversed(answers) if agency_first else answers)


async def one_key_decides_one_referral(here: Caller, there: Caller, how_many: int) -> None:
    """Two processes are sent one key at once, each for another referral: one accepts, and the other is 422."""
    offers = await received(here, 2 * how_many)
    for number in range(how_many):
        key, both = str(uuid.uuid4()), (here, there) if number % 2 else (there, here)
        pair = offers[2 * number : 2 * number + 2]
        answers = await asyncio.gather(
            *(
                one.send(LOTTE, "POST", f"{path}/accept", {"coordinator": LOTTE.sub}, etag=etag, key=key)
                for one, (path, _, etag) in zip(both, pair, strict=True)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 422], [answer.text for answer in answers]
        (refused,) = [answer.json() for answer in answers if answer.status_code == 422]
        assert refused["code"] == "IDEMPOTENCY_KEY_REUSED"
        states = [(await there.read(LOTTE, path))["state"] for path, _, _ in pair]
        assert sorted(states) == ["ACCEPTED", "RECEIVED"]


def winner_of(answers: list[httpx.Response]) -> str:
    """The state that the one winner brought about; the loser's refusal has to name the rule and the winner."""
    (won,) = [answer for answer in answers if answer.status_code == 200]
    (lost,) = [answer.json() for answer in answers if answer.status_code in (409, 412)]
    state: str = won.json()["state"]
    if lost["status"] == 412:
        assert lost["code"] == "STALE_VERSION"
        assert EVENT[state] in lost["detail"]
    else:
        assert lost["code"] == "STATE_DOES_NOT_ALLOW"
        assert NAMED[state] in lost["detail"]
    return state


async def the_loser_tries_again(people: Caller, path: str, state: str) -> None:
    """Having read what happened it is still refused, now by the state alone, with the winner named."""
    loser, action, body = {
        "ACCEPTED": (INES, "withdraw", {"reason": "OTHER_ORGANISATION_CHOSEN"}),
        "WITHDRAWN": (LOTTE, "accept", {"coordinator": LOTTE.sub}),
    }[state]
    read = await people.send(loser, "GET", path)
    assert read.json()["state"] == state
    again = await people.send(loser, "POST", f"{path}/{action}", body, etag=read.headers["ETag"])
    problem = again.json()
    assert (again.status_code, problem["code"]) == (409, "STATE_DOES_NOT_ALLOW")
    assert NAMED[state] in problem["detail"]


async def both_read_the_same_story(people: Caller, path: str, case: str, state: str) -> None:
    """State, timeline and responsibility are those of the winner, and the same for both sides."""
    for party in (INES, LOTTE):
        assert (await people.read(party, path))["state"] == state
    told, seen = [
        without_tellings(await people.read(party, f"/v1/cases/{case}/timeline"))["items"] for party in (INES, LOTTE)
    ]
    assert told == seen
    types = Counter(item["type"] for item in told)
    assert [types[event] for event in EVENT.values()] == [state == winner for winner in EVENT]
    here, there = [await people.read(party, f"/v1/cases/{case}/responsibility") for party in (INES, LOTTE)]
    assert here == there
    owners = {step["step"]: step["owner"]["sub"] for step in here["steps"]}
    if state == "ACCEPTED":
        assert owners == {"FIRST_CONTACT": LOTTE.sub, "INTAKE": LOTTE.sub}
    else:
        assert owners == {"NEXT_SERVICE": INES.sub}
    assert here["caseLead"]["sub"] == INES.sub
