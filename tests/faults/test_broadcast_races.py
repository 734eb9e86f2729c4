"""Several organisations accept one offer at the same instant, and its agency takes it back: one wins, or none.

Whatever comes of it, everybody reads the same story: the broadcast, the offers, the case and what is told of it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import httpx
import pytest

from services.sandbox.demo import ORGANISATIONS, PROGRAMME, PROGRAMME_VERSION
from tests.faults.caller import Caller
from tests.faults.conftest import Start
from tests.faults.evidence import logs_in_database_are_sound, streams_are_contiguous
from tests.faults.processes import Program
from tests.faults.production import Production
from tests.support.broadcasts import BROADCASTS, broadcast, offers_of, states_of
from tests.support.people import INES, OPERATOR, Person
from tests.support.repetitions import times

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

ROUNDS: Final = times(200)
ROUNDS_OF_PROCESSES: Final = times(40)
AT_ONCE: Final = 4
NAMES: Final = ("brugwerk", "samenstap", "derde-kring", "vierde-kring", "vijfde-kring")
TAKERS: Final = {name: Person(f"coordinator.{name}", name, "NGO_COORDINATOR") for name in NAMES}
AWAY: Final = {"reason": "CLIENT_IN_TRAINING"}


async def describe_all(people: Caller) -> None:
    """The demo's programme and organisations, and as many more as accept at once."""
    more = {name: {**ORGANISATIONS["brugwerk"], "name": name} for name in NAMES[2:]}
    wanted = {
        f"/v1/programmes/{PROGRAMME}/versions/1": PROGRAMME_VERSION,
        **{f"/v1/organisations/{name}": description for name, description in {**ORGANISATIONS, **more}.items()},
    }
    for path, body in wanted.items():
        answer = await people.send(OPERATOR, "PUT", path, body)
        assert answer.is_success, answer.text


class Round:
    """One broadcast that all have received, with the version of each offer and of itself, and what came of it."""

    def __init__(self, made: dict[str, Any]) -> None:
        self.path = f"{BROADCASTS}/{made['id']}"
        self.case = str(made["case"])
        self.offers = offers_of(made)
        self.etags: dict[str, str] = {}
        self.own = ""
        self.winner: str | None = None

    async def receive(self, people: Caller) -> None:
        """All of them have it, and its agency has read that."""
        for name, offer in self.offers.items():
            read = await people.send(TAKERS[name], "GET", offer)
            taken = await people.done(TAKERS[name], f"{offer}/receive", etag=read.headers["ETag"])
            self.etags[name] = taken.headers["ETag"]
        self.own = (await people.send(INES, "GET", self.path)).headers["ETag"]

    async def race(self, callers: Sequence[Caller], *, agency_at: int) -> None:
        """All accept at once, and the agency withdraws at some place among them; the winner, if there is one."""

        def accept(number: int, name: str) -> Any:
            caller = callers[number % len(callers)]
            body = {"coordinator": TAKERS[name].sub}
            return caller.send(TAKERS[name], "POST", f"{self.offers[name]}/accept", body, etag=self.etags[name])

        wanted = [accept(number, name) for number, name in enumerate(self.offers)]
        withdraw = callers[-1].send(INES, "POST", f"{self.path}/withdraw", AWAY, etag=self.own)
        wanted.insert(agency_at % (len(wanted) + 1), withdraw)
        answers = list(await asyncio.gather(*wanted))
        agency = answers.pop(agency_at % (len(wanted)))
        won = [name for name, answer in zip(self.offers, answers, strict=True) if answer.status_code == 200]
        assert len(won) + (agency.status_code == 200) == 1, [answer.text for answer in (*answers, agency)]
        self.winner = won[0] if won else None
        for name, answer in zip(self.offers, answers, strict=True):
            if name != self.winner:
                self.was_refused(answer)
        if won:
            assert (agency.status_code, agency.json()["code"]) in (
                (409, "BROADCAST_ENDED"),
                (412, "STALE_VERSION"),
            ), agency.text

    def was_refused(self, answer: httpx.Response) -> None:
        """Too late: taken by somebody, of whom it is told nothing, or withdrawn by the agency."""
        code = "OFFER_TAKEN" if self.winner is not None else "STATE_DOES_NOT_ALLOW"
        assert (answer.status_code, answer.json()["code"]) == (409, code), answer.text
        if self.winner is not None:
            assert self.winner not in answer.text

    async def everybody_reads_the_same(self, people: Caller) -> None:
        """Broadcast, offers, case and timeline agree on who won, and on how the others ended."""
        read = await people.read(INES, self.path)
        assert (read["state"], read.get("winner")) == (("WON", self.winner) if self.winner else ("WITHDRAWN", None))
        expected = {name: "ACCEPTED" if name == self.winner else "WITHDRAWN" for name in self.offers}
        assert states_of(read) == expected
        reason = "OTHER_ORGANISATION_CHOSEN" if self.winner else AWAY["reason"]
        for name, offer in self.offers.items():
            for reader in (TAKERS[name], INES):
                referral = await people.read(reader, offer)
                assert referral["state"] == expected[name]
                if name != self.winner:
                    assert referral["reason"] == reason
        case = await people.read(INES, f"/v1/cases/{self.case}")
        assert (case["state"], case["organisation"]) == (("INTAKE", self.winner) if self.winner else ("OPENED", None))
        items = (await people.read(INES, f"/v1/cases/{self.case}/timeline"))["items"]
        told = Counter(item["type"] for item in items)
        assert told["OfferWon"] == (self.winner is not None)
        assert told["BroadcastEnded"] == (self.winner is None)
        assert told["ReferralWithdrawn"] == len(self.offers) - (self.winner is not None)
        for name, taker in TAKERS.items():
            seen = await people.send(taker, "GET", f"/v1/cases/{self.case}")
            assert seen.status_code == (200 if name == self.winner else 404)


async def opened(people: Caller, how_many: int) -> list[Round]:
    """So many broadcasts to all of the organisations, received by each."""
    rounds: list[Round] = []
    for _ in range(how_many):
        made = await people.done(INES, BROADCASTS, broadcast(*NAMES), key=str(uuid.uuid4()))
        rounds.append(Round(made.json()))
        await rounds[-1].receive(people)
    return rounds


@pytest.mark.timeout(600)
async def test_of_several_acceptances_and_a_withdrawal_at_once_one_wins_and_everybody_reads_the_same_story(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """`ROUNDS` of them, some at a time, with the agency at another place of the queue each time."""
    running = program("serve", "all")
    await running.start()
    async with caller(running) as people, caller(running) as others:
        await describe_all(people)
        rounds = await opened(people, ROUNDS)
        numbered = enumerate(rounds)

        async def take_rounds() -> None:
            for number, one in numbered:
                await one.race((people, others), agency_at=number)

        await asyncio.gather(*(take_rounds() for _ in range(AT_ONCE)))
        await people.settled()
        for one in rounds:
            await one.everybody_reads_the_same(people)
        won = Counter(one.winner is not None for one in rounds)
        assert won.total() == ROUNDS
        assert won[True], "nobody ever won"
        assert won[False], "the agency was never first"
    await running.stop()
    streams_are_contiguous(running.data)


@pytest.mark.timeout(300)
async def test_of_acceptances_in_two_processes_at_once_one_wins(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """All runs twice over the same data, and the organisations talk to either of the two."""
    first, second = program("serve", "all"), program("serve", "all")
    await asyncio.gather(first.start(), second.start())
    async with caller(first) as here, caller(second) as there:
        await describe_all(here)
        for number, one in enumerate(await opened(here, ROUNDS_OF_PROCESSES)):
            # Turns, since the first to be asked has a head start.
            await one.race((here, there) if number % 2 else (there, here), agency_at=number)
            states = [states_of(await asked.read(INES, one.path)) for asked in (here, there)]
            assert states[0] == states[1]
    for process in (first, second):
        await process.stop()
    streams_are_contiguous(first.data)


@pytest.mark.timeout(300)
async def test_of_acceptances_at_two_replicas_on_postgresql_and_kafka_one_wins(production: Production) -> None:
    """And all of it reaches the case in order, whichever replica took which answer."""
    async with production.gateway(0) as here, production.gateway(1) as there, production.gateway() as people:
        await describe_all(people)
        await people.settled()
        rounds = await opened(people, ROUNDS_OF_PROCESSES)
        for number, one in enumerate(rounds):
            await one.race((here, there) if number % 2 else (there, here), agency_at=number)
        await people.settled()
        for one in rounds:
            await one.everybody_reads_the_same(here)
            await one.everybody_reads_the_same(there)
    await production.stop()
    logs_in_database_are_sound(production.database)
