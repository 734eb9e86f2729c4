"""A trial of the whole: people work while something is done to it, and then all that they were told is looked for."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.faults.evidence import Evidence, logs_in_database_are_sound
from tests.faults.gateway import Gateway
from tests.faults.load import Acknowledged, Clients
from tests.faults.production import SUBSCRIBES, Production, told_as_in_the_feed
from tests.support.people import LOTTE, Person

CLIENTS: Final = 4
PATIENCE_SECONDS: Final = 40.0
"""Of the check for what was done, when all is well again."""
REST_SECONDS: Final = 0.8
"""Between two referrals of one client: what is done to the system shall meet work, not a queue, also on two cores."""
READER: Final = Person("privacy.officer", SUBSCRIBES, "DPO")
"""Sees in the feed what the organisation's topic holds."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def trial(production: Production, people: Gateway, least: int = 20) -> AsyncIterator[Acknowledged]:
    """The block is what happens meanwhile.

    Afterwards every command that was acknowledged is in the log, on its timeline, in the feeds, and at the subscribers
    to the stream and the topic, once and in order, and nobody lags.
    """
    await people.set_the_scene()
    chance = random.Random(random.getrandbits(32))
    clients = Clients(people, chance, REST_SECONDS)
    async with people.subscribed(LOTTE) as listening:
        working = asyncio.create_task(clients.work(CLIENTS))
        try:
            yield clients.told
        finally:
            clients.end()
            (failed,) = await asyncio.gather(working, return_exceptions=True)
        if failed is not None:
            raise failed
        told, people.patience = clients.told, PATIENCE_SECONDS
        evidence = await Evidence.gathered(people)
        log.info("%d commands acknowledged; answers: %s", told.commands, dict(told.counted))
        assert told.commands >= least, (told.commands, told.counted)
        evidence.holds_what_was_acknowledged(told)
        evidence.holds_nothing_twice()
        evidence.agrees_everywhere()
        evidence.has_one_live_referral_per_person(told)
        await evidence.answers_a_repeat_as_before(people, told, chance)
        assert all(not any(service["parked"].values()) for service in evidence.ready.values()), evidence.ready
        await listening.hears(evidence.feeds[LOTTE.org])
    logs_in_database_are_sound(production.database)
    told_as_in_the_feed(await production.kafka.told(), (await people.feed(READER))[0])
