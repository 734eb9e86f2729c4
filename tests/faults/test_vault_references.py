"""Of two commands at the same moment one is refused, and what the other's event refers to is what that one sent."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import Context
from pathlib import Path
from typing import Any, Final, TypeVarTuple

import httpx
import pytest
import pytest_asyncio

from services.chassis.log.metadata import Recorded
from services.chassis.modelling.plain import members
from tests.casefile.acts import ACTS
from tests.casefile.cases import SERVICES, CaseContext
from tests.chassis.counters import everything
from tests.faults.vault_writers import SPECIAL, Sending, filled, two_to, writing_routes
from tests.referral.context import COMMANDS, REFERRALS
from tests.support.people import INES, LOTTE
from tests.support.repetitions import times
from tests.support.requests import another_person
from tests.support.running import running

pytestmark = pytest.mark.fault

Args = TypeVarTuple("Args")
NO_WORDS: Final = ("client_ref", "secret_ref")
"""What is no reference to the vault, and what refers to something that nobody sent: drawn secrets."""
_words: Final = (f"words-of-attempt-{n}" for n in itertools.count(1))


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgres"])
async def context(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[CaseContext]:
    """All services over HTTP, on files and in a database."""
    postgres = request.param == "postgres"
    settings = {"database_url": request.getfixturevalue("module_database_url")} if postgres else {}
    async with running(Path(tmp_path_factory.mktemp("two-at-once")), SERVICES, **settings) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        yield context


def references(value: Any) -> Iterator[str]:
    """Every vault reference in the plain data of an event."""
    for name in members(type(value)) or ():
        held = getattr(value, name)
        if name.endswith("_ref") and isinstance(held, str) and name not in NO_WORDS:
            yield held
        yield from references(held)
    if isinstance(value, tuple):
        for one in value:
            yield from references(one)


async def texts_since(context: CaseContext, heads: dict[str, int]) -> list[str]:
    """What the events recorded since these heads refer to."""
    found: list[str] = []
    for name, head in heads.items():
        service = context.running.service(name)
        recorded: list[Recorded] = await everything(service.log, head)
        for ref in (ref for one in recorded for ref in references(one.event)):
            assert service.vault is not None
            found.append(str(await service.vault.read(ref)))
    return found


async def race(context: CaseContext, requests: list[Sending]) -> None:
    """Sends two requests at once: one is taken, and all that its events refer to is what it sent itself."""
    heads = {name: await service.log.head() for name, service in context.running.services.items()}
    words = [next(_words), next(_words)]
    answers = await asyncio.gather(*(send(text) for send, text in zip(requests, words, strict=True)))
    taken = [text for text, answer in zip(words, answers, strict=True) if answer.status_code < 300]
    refused = [answer.status_code for answer in answers if answer.status_code >= 300]
    assert len(taken) == 1, [answer.text[:300] for answer in answers]
    assert refused[0] in (409, 412, 422)
    told = await texts_since(context, heads)
    assert told
    assert [text for text in told if taken[0] not in text] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_every_route_that_writes_to_the_vault_has_requests_to_race(context: CaseContext) -> None:
    """A route that is added has its body in a table of actions, or says here how two of it are sent."""
    routes = dict(writing_routes(context.running))
    actions = {f"POST /v1/cases/{{case_id}}/{name}" for name in ACTS}
    actions |= {f"POST /v1/referrals/{{referral_id}}/{name}" for name in COMMANDS}
    assert set(routes) - set(SPECIAL) <= actions
    assert set(routes) >= set(SPECIAL)
    assert len(routes) > len(SPECIAL)


@pytest.mark.asyncio(loop_scope="module")
async def test_what_an_event_refers_to_is_what_its_own_command_sent(context: CaseContext) -> None:
    """Two requests at once to every route that writes to the vault: the refused one leaves nothing behind."""
    for route, model in writing_routes(context.running):
        for _ in range(times(20)):
            try:
                await race(context, await two_to(context, route, model))
            except AssertionError as failure:
                failure.add_note(route)
                raise


class _AnyOrder(asyncio.SelectorEventLoop):
    """A loop that lets what is ready wait for its turn by chance, so that tasks interleave in every way there is."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    def call_soon(
        self, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.Handle:
        """See AbstractEventLoop."""
        if self._chance.random() < 0.5:
            return self.call_later(self._chance.random() / 1000, callback, *args, context=context)
        return super().call_soon(callback, *args, context=context)


@pytest.mark.parametrize("seed", range(times(40)))
def test_it_holds_under_any_interleaving_of_any_two_commands(seed: int, tmp_path: Path) -> None:
    """Of two different commands on one referral, in whatever order their parts happen, one leaves its words."""
    chance = random.Random(seed)

    async def trial() -> None:
        async with running(tmp_path, {"referral": SERVICES["referral"]}, at_work=False) as services:
            await services.set_the_scene()
            context = CaseContext(services)
            models = dict(writing_routes(services))
            for _ in range(10):
                path = (await services.create(INES, REFERRALS, another_person())).headers["Location"]
                await services.done(LOTTE, path, "receive")
                await race(context, [_words_to(context, path, action, models) for action in chance.choices(WORDS, k=2)])

    with asyncio.Runner(loop_factory=lambda: _AnyOrder(chance)) as runner:
        runner.run(trial())


WORDS: Final = ("decline", "withdraw", "mark-error")
"""Commands with words that a received referral takes."""


def _words_to(context: CaseContext, path: str, action: str, models: dict[str, Any]) -> Sending:
    by, body = COMMANDS[action]
    model = models[f"POST /v1/referrals/{{referral_id}}/{action}"]
    return lambda text: context.running.command(by, path, action, filled(model, body, text), etag='"2"')


@pytest.mark.parametrize("seed", range(times(20)))
def test_a_patch_is_merged_into_the_version_that_it_names_and_no_other(
    seed: int, tmp_path: Path, database_url: str
) -> None:
    """One that names the version which another is about to make is refused, or finds what that one has made.

    In the database alone: in files nothing happens between reading what is merged and comparing the versions.
    """
    chance = random.Random(seed)

    async def trial() -> None:
        one = {"referral": SERVICES["referral"]}
        async with running(tmp_path, one, at_work=False, database_url=database_url) as services:
            await services.set_the_scene()
            for _ in range(15):
                path = (await services.create(INES, REFERRALS, {**another_person(), "draft": True})).headers["Location"]
                name, email = {"name": "first"}, {"email": "second@voorbeeld.example"}

                async def ahead(path: str = path, email: dict[str, str] = email) -> httpx.Response:
                    await asyncio.sleep(chance.random() / 40)
                    return await services.send(INES, "PATCH", path, {"contact": email}, etag='"2"')

                first = services.send(INES, "PATCH", path, {"contact": name}, etag='"1"')
                answers = await asyncio.gather(first, ahead())
                contact = (await services.read(INES, f"{path}/contact"))["contact"]
                assert contact["name"] == "first"
                assert (contact["email"] == email["email"]) is (answers[1].status_code == 200)

    with asyncio.Runner(loop_factory=lambda: _AnyOrder(chance)) as runner:
        runner.run(trial())
