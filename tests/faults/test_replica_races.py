"""Two replicas at once for one referral: one of both sides wins, and each replica tells everybody the same."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter

import pytest

from tests.faults.evidence import Evidence, logs_in_database_are_sound
from tests.faults.gateway import Gateway
from tests.faults.production import Production, told_as_in_the_feed
from tests.faults.racing import (
    both_read_the_same_story,
    one_key_decides_one_referral,
    race,
    received,
    the_loser_tries_again,
    winner_of,
)
from tests.faults.trial import READER
from tests.support.people import INES, LOTTE
from tests.support.repetitions import in_full
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

RACES = in_full(40, short=16)
AT_ONCE = 5


async def decided(here: Gateway, there: Gateway, people: Gateway) -> dict[tuple[str, str], str]:
    """Accept and withdrawal of one referral after the other, each at another replica; who won, by path and case."""
    offers = await received(here, RACES)
    # An organisation is not told of a case that was opened after its part in it had ended.
    await people.settled()
    races, states = enumerate(offers), dict[tuple[str, str], str]()

    async def take_races() -> None:
        for number, (path, case, etag) in races:
            # Turns, since the first to be asked has a head start.
            ngo, agency = (here, there) if number % 4 < 2 else (there, here)
            states[path, case] = winner_of(await race(ngo, agency, path, etag, agency_first=number % 2 == 1))
            await the_loser_tries_again(here, path, states[path, case])

    await asyncio.gather(*(take_races() for _ in range(AT_ONCE)))
    return states


async def one_key_makes_one_referral(here: Gateway, there: Gateway) -> None:
    """Sent to both replicas at once, it is answered the same by both."""
    for _ in range(AT_ONCE):
        body, key = another_person(), str(uuid.uuid4())
        answers = await asyncio.gather(
            *(one.send(INES, "POST", "/v1/referrals", body, key=key) for one in (here, there))
        )
        assert [answer.status_code for answer in answers] == [201, 201]
        assert len({json.dumps(answer.json(), sort_keys=True) for answer in answers}) == 1


@pytest.mark.timeout(300)
async def test_of_two_replicas_that_are_asked_at_once_one_wins_and_all_tell_the_same(production: Production) -> None:
    """Also on the timeline, in the feeds and on the topic: acceptance and withdrawal never both."""
    async with production.gateway(0) as here, production.gateway(1) as there, production.gateway() as people:
        await people.set_the_scene()
        async with people.subscribed(LOTTE) as listening:
            states = await decided(here, there, people)
            await one_key_makes_one_referral(here, there)
            await one_key_decides_one_referral(here, there, AT_ONCE)
            evidence = await Evidence.gathered(people)
            for (path, case), state in states.items():
                await both_read_the_same_story(here, path, case, state)
                await both_read_the_same_story(there, path, case, state)
            won = Counter(states.values())
            assert set(won) == {"ACCEPTED", "WITHDRAWN"}, won
            assert won.total() == RACES
            evidence.holds_nothing_twice()
            evidence.agrees_everywhere()
            await listening.hears(evidence.feeds[LOTTE.org])
        told_as_in_the_feed(await production.kafka.told(), (await people.feed(READER))[0])
    await production.stop()
    logs_in_database_are_sound(production.database)
