"""Two parties at once: one of them wins, the other is told by whom and why, and everybody reads the same afterwards."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing

import pytest

from tests.faults.caller import Caller
from tests.faults.conftest import Start, programs
from tests.faults.evidence import streams_are_contiguous
from tests.faults.issuer import LoopbackIssuer
from tests.faults.processes import Program
from tests.faults.racing import (
    EVENT,
    SECOND,
    both_read_the_same_story,
    one_key_decides_one_referral,
    race,
    received,
    the_loser_tries_again,
    winner_of,
)
from tests.support.people import INES, PROGRAMME
from tests.support.programmes import offer_also
from tests.support.repetitions import in_full
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

RACES = in_full(200, short=50)
RACES_OF_PROCESSES = in_full(40, short=16)


@pytest.fixture(scope="module")
def issuer() -> Iterator[LoopbackIssuer]:
    """An issuer for all programs of these tests."""
    with closing(LoopbackIssuer()) as running:
        yield running


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, issuer: LoopbackIssuer) -> Iterator[tuple[Program, Program]]:
    """The referral service, which runs twice over the same data, for all tests with two processes."""
    with programs(tmp_path_factory.mktemp("both"), issuer) as program:
        first, second = program("serve", "referral"), program("serve", "referral")
        asyncio.run(_all(first.start(), second.start()))
        yield first, second
        asyncio.run(_all(first.stop(), second.stop()))
    streams_are_contiguous(first.data)


async def _all(*work: Awaitable[None]) -> None:
    await asyncio.gather(*work)


@pytest.mark.timeout(180)
async def test_of_an_accept_and_a_withdrawal_at_once_one_wins_and_both_sides_read_the_same_story(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """`RACES` of them, each on a referral of its own, ten at a time."""
    running = program("serve", "all")
    await running.start()
    async with caller(running) as people, caller(running) as agency:
        await people.set_the_scene()
        offers = await received(people, RACES)
        races = enumerate(offers)
        states: dict[str, str] = {}

        async def take_races() -> None:
            for number, (path, _, etag) in races:
                answers = await race(people, agency, path, etag, agency_first=number % 2 == 1)
                states[path] = winner_of(answers)
                await the_loser_tries_again(people, path, states[path])

        await asyncio.gather(*(take_races() for _ in range(10)))
        await people.settled()
        for path, case, _ in offers:
            await both_read_the_same_story(people, path, case, states[path])
        won = Counter(states.values())
        assert set(won) == {"ACCEPTED", "WITHDRAWN"}, won
        assert won.total() == RACES
    await running.stop()


@pytest.mark.timeout(120)
async def test_of_an_accept_and_a_withdrawal_in_two_processes_one_wins(
    both: tuple[Program, Program], caller: Callable[[Program], Caller]
) -> None:
    """Each side talks to another of the two."""
    first, second = both
    async with caller(first) as here, caller(second) as there:
        await here.set_the_scene()
        offers = await received(here, RACES_OF_PROCESSES)
        won = Counter[str]()
        for number, (path, _, etag) in enumerate(offers):
            # Turns, since the first to be asked has a head start.
            ngo, agency = (here, there) if number % 4 < 2 else (there, here)
            state = winner_of(await race(ngo, agency, path, etag, agency_first=number % 2 == 1))
            won[state] += 1
            await the_loser_tries_again(agency if state == "ACCEPTED" else ngo, path, state)
            events = [await one.listed(INES, f"{path}/events") for one in (here, there)]
            assert events[0] == events[1]
            assert [event["type"] for event in events[0]][2:] == [EVENT[state]]
        assert set(won) == {"ACCEPTED", "WITHDRAWN"}, won
        ready = await here.settled()
        assert not ready["referral"]["failing"]


@pytest.mark.timeout(120)
async def test_of_two_referrals_of_one_person_at_once_in_two_processes_one_is_taken(
    both: tuple[Program, Program], caller: Callable[[Program], Caller]
) -> None:
    """The other is refused with the one that holds, in that programme or another; one key sent twice does one thing."""
    first, second = both
    async with caller(first) as here, caller(second) as there:
        await here.set_the_scene()
        known = len(await here.listed(INES, "/v1/referrals"))
        for number in range(RACES_OF_PROCESSES):
            body, turn = another_person(), (here, there) if number % 2 else (there, here)
            answers = await asyncio.gather(
                *(one.send(INES, "POST", "/v1/referrals", body, key=str(uuid.uuid4())) for one in turn)
            )
            (made,) = [answer.json() for answer in answers if answer.status_code == 201]
            (refused,) = [answer.json() for answer in answers if answer.status_code == 409]
            assert made["id"] in refused["detail"], refused
        await offer_also(here, SECOND)
        for number in range(RACES_OF_PROCESSES):
            body, turn = another_person(), (here, there) if number % 2 else (there, here)
            answers = await asyncio.gather(
                *(
                    one.send(INES, "POST", "/v1/referrals", {**body, "programme": programme}, key=str(uuid.uuid4()))
                    for one, programme in zip(turn, (PROGRAMME, SECOND), strict=True)
                )
            )
            (made,) = [answer.json() for answer in answers if answer.status_code == 201]
            (refused,) = [answer.json() for answer in answers if answer.status_code == 409]
            assert refused["code"] == "CONCURRENT_PROGRAMME"
            assert made["id"] in refused["detail"], refused
        for _ in range(RACES_OF_PROCESSES):
            body, key = another_person(), str(uuid.uuid4())
            answers = await asyncio.gather(
                *(one.send(INES, "POST", "/v1/referrals", body, key=key) for one in (here, there))
            )
            assert [answer.status_code for answer in answers] == [201, 201]
            assert len({json.dumps(answer.json(), sort_keys=True) for answer in answers}) == 1
            assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 1
        assert (await here.settled())["referral"] == (await there.settled())["referral"]
        lists = [await one.listed(INES, "/v1/referrals") for one in (here, there)]
        assert lists[0] == lists[1]
        assert len({one["clientRef"] for one in lists[0]}) == len(lists[0]) == known + 3 * RACES_OF_PROCESSES
        await one_key_decides_one_referral(here, there, RACES_OF_PROCESSES)


@pytest.mark.timeout(120)
async def test_either_of_two_processes_shows_at_once_what_was_taken_by_the_other(
    both: tuple[Program, Program], caller: Callable[[Program], Caller]
) -> None:
    """Whichever of them brings the shared index up to date, nobody who waits for a position waits in vain."""
    first, second = both
    async with caller(first) as here, caller(second) as there:
        await here.set_the_scene()
        shown = 0
        for number in range(RACES_OF_PROCESSES):
            asked = here if number % 2 else there
            made = await asked.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
            waiting = {"case": made.json()["case"], "waitFor": made.headers["Position"]}
            lists = await asyncio.gather(*(one.read(INES, "/v1/referrals", **waiting) for one in (here, there) * 3))
            shown += sum([one["id"] for one in found["items"]] == [made.json()["id"]] for found in lists)
        assert shown == RACES_OF_PROCESSES * 6
