"""Of two commands at the same moment one is refused, and what the other's event refers to is what that one sent."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import types
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import Context
from pathlib import Path
from typing import Annotated, Any, Final, TypeVarTuple

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from contracts.fields import Vaulted
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.plain import members
from services.referral.routes.requests import BulkLine, ReferralBody
from tests.casefile.acts import ACTS
from tests.casefile.cases import SERVICES, CaseContext
from tests.casefile.change_stories import END
from tests.casefile.gap_stories import GAP
from tests.chassis.counters import everything
from tests.referral.context import COMMANDS, REFERRALS
from tests.support.broadcasts import BROADCASTS, broadcast
from tests.support.people import INES, LOTTE, OPERATOR, Person
from tests.support.repetitions import times
from tests.support.requests import another_person, new_key
from tests.support.running import Running, running

pytestmark = pytest.mark.fault

Sending = Callable[[str], Awaitable[httpx.Response]]
"""A request that carries the given text in every field that goes to the vault."""
Args = TypeVarTuple("Args")
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


# ---- which routes write to the vault, as their bodies say


def vaulted(annotation: Any) -> bool:
    """Whether anything in a field of this type goes to the vault."""
    if typing.get_origin(annotation) is Annotated:
        kind, *marks = typing.get_args(annotation)
        return any(isinstance(mark, Vaulted) for mark in marks) or vaulted(kind)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(vaulted(hint) for hint in typing.get_type_hints(annotation, include_extras=True).values())
    return any(vaulted(one) for one in typing.get_args(annotation))


def filled(annotation: Any, given: Any, text: str) -> Any:
    """The given value with the text in every place that goes to the vault, also where it was left out."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated and any(isinstance(mark, Vaulted) for mark in inner[1:]):
        return (
            {"name": text, "unreachable": "NO_DEVICE"}
            if isinstance(inner[0], type) and issubclass(inner[0], BaseModel)
            else text
        )
    if origin in (Annotated, types.UnionType, typing.Union):
        return filled(next(one for one in inner if vaulted(one)), given, text)
    if origin is list:
        return [filled(inner[0], one, text) for one in given or [None]]
    hints = typing.get_type_hints(annotation, include_extras=True)
    body = dict(given or {})
    for name, field in annotation.model_fields.items():
        if vaulted(hints[name]):
            body[field.alias or name] = filled(hints[name], body.get(field.alias or name), text)
    return body


def writing_routes(services: Running) -> Iterator[tuple[str, Any]]:
    """Every route whose body has a field that goes to the vault, or has no model that could say so."""
    for app in services.apps.values():
        for route in iter_route_contexts(app.routes):
            method = next(iter({"POST", "PUT", "PATCH"} & (route.methods or set())), None)
            if method is None:
                continue
            sent = route.dependant.body_params
            kind = sent[0].field_info.annotation if sent else None
            models = [one for one in (kind, *typing.get_args(kind)) if isinstance(one, type)]
            models = [one for one in models if issubclass(one, BaseModel)]
            raw = not models and (kind is not None or "requestBody" in (route.openapi_extra or {}))
            if raw or (models and vaulted(models[0])):
                yield f"{method} {route.path}", models[0] if models else None


# ---- two requests to each of them that cannot both be taken


async def _creates(context: CaseContext, _route: str, _model: Any) -> list[Sending]:
    key, body = new_key(), another_person()
    return [lambda text: context.running.create(INES, REFERRALS, filled(ReferralBody, body, text), key=key)] * 2


async def _bulk(context: CaseContext, _route: str, _model: Any) -> list[Sending]:
    line = {**another_person(), "idempotencyKey": new_key()}

    async def send(text: str) -> httpx.Response:
        content = json.dumps(filled(BulkLine, line, text)).encode()
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await context.running.send(INES, "POST", f"{REFERRALS}/bulk", content=content, headers=headers)
        (told,) = (json.loads(one) for one in answer.text.splitlines())
        return httpx.Response(told["status"])

    return [send, send]


async def _edits(context: CaseContext, _route: str, _model: Any) -> list[Sending]:
    path = (await context.running.create(INES, REFERRALS, {**another_person(), "draft": True})).headers["Location"]
    etag = (await context.running.get(INES, path)).headers["ETag"]
    return [lambda text: context.running.send(INES, "PATCH", path, {"contact": {"name": text}}, etag=etag)] * 2


async def _describes(context: CaseContext, _route: str, model: Any) -> list[Sending]:
    path = "/v1/organisations/samenstap"
    read = await context.running.get(OPERATOR, path)
    known = {name: value for name, value in read.json().items() if name not in ("id", "taken", "version", "links")}
    etag = read.headers["ETag"]
    return [lambda text: context.running.send(OPERATOR, "PUT", path, filled(model, known, text), etag=etag)] * 2


async def _acts_on_referral(context: CaseContext, route: str, model: Any) -> list[Sending]:
    action = route.rpartition("/")[2]
    by, body = COMMANDS[action]
    path = (await context.running.create(INES, REFERRALS, another_person())).headers["Location"]
    await context.running.done(LOTTE, path, "receive")
    if action == "provide-information":
        await context.running.done(LOTTE, path, *("request-information", COMMANDS["request-information"][1]))
    etag = (await context.running.get(by, path)).headers["ETag"]
    return [lambda text: context.running.command(by, path, action, filled(model, body, text), etag=etag)] * 2


async def _acts_on_case(context: CaseContext, route: str, model: Any) -> list[Sending]:
    action = route.rpartition("/")[2]
    act = ACTS[action]
    case = await context.brought_to(act.state)
    etag = (await context.running.get(act.by, case.path)).headers["ETag"]
    body = {**act.body, **WITH_TEXT.get(action, {})}
    return [lambda text: context.running.command(act.by, case.path, action, filled(model, body, text), etag=etag)] * 2


async def _corrects(context: CaseContext, _route: str, model: Any) -> list[Sending]:
    case = await context.accepted()
    read = await context.running.get(LOTTE, case.path)
    (*_, event) = (await context.running.read(LOTTE, f"{case.path}/timeline"))["items"]

    def by(person: Person) -> Sending:
        return lambda text: context.running.command(
            person, case.path, "correct", filled(model, {"event": event["event"]}, text), etag=read.headers["ETag"]
        )

    return [by(LOTTE), by(INES)]


async def _broadcasts(context: CaseContext, _route: str, model: Any) -> list[Sending]:
    key, body = new_key(), broadcast()
    return [lambda text: context.running.create(INES, BROADCASTS, filled(model, body, text), key=key)] * 2


async def _takes_broadcast_back(context: CaseContext, _route: str, model: Any) -> list[Sending]:
    made = await context.running.create(INES, BROADCASTS, broadcast())
    path, etag, body = made.headers["Location"], made.headers["ETag"], COMMANDS["withdraw"][1]
    return [lambda text: context.running.command(INES, path, "withdraw", filled(model, body, text), etag=etag)] * 2


async def _answers_gap(context: CaseContext, _route: str, model: Any) -> list[Sending]:
    case = await context.brought_to("MENTORING")
    await context.running.done(LOTTE, case.path, "report-gap", GAP)
    body, etag = _promise(case.id), (await context.running.get(INES, case.path)).headers["ETag"]
    return [
        lambda text: context.running.command(INES, case.path, "answer-gap", filled(model, body, text), etag=etag)
    ] * 2


async def _answers_gaps(context: CaseContext, _route: str, model: Any) -> list[Sending]:
    case = await context.brought_to("MENTORING")
    await context.running.done(LOTTE, case.path, "report-gap", GAP)
    body = _promise(case.id)
    body["gaps"] = [body.pop("gap")]

    async def send(text: str) -> httpx.Response:
        answer = await context.running.create(INES, "/v1/gaps/answers", filled(model, body, text))
        (told,) = answer.json()["items"]
        return httpx.Response(told["status"], text=answer.text)

    return [send, send]


def _promise(case: str) -> dict[str, Any]:
    return {"gap": f"{case}.g1", "accepted": True, "due": "2029-06-29"}


async def _decides_change(context: CaseContext, _route: str, model: Any) -> list[Sending]:
    case = await context.brought_to("MENTORING")
    await context.running.done(LOTTE, case.path, "propose-change", END)
    body = {"proposal": f"{case.id}.p1", "approved": False}
    etag = (await context.running.get(INES, case.path)).headers["ETag"]
    return [
        lambda text: context.running.command(INES, case.path, "decide-change", filled(model, body, text), etag=etag)
    ] * 2


WITH_TEXT: Final[dict[str, dict[str, Any]]] = {"propose-match": {"criteria": ["LANGUAGE"]}}
"""What an action's body needs for a text to be taken."""
SPECIAL: Final = {
    "POST /v1/referrals": _creates,
    "POST /v1/referrals/bulk": _bulk,
    "PATCH /v1/referrals/{referral_id}": _edits,
    "PUT /v1/organisations/{organisation_id}": _describes,
    "POST /v1/cases/{case_id}/correct": _corrects,
    "POST /v1/broadcasts": _broadcasts,
    "POST /v1/broadcasts/{broadcast_id}/withdraw": _takes_broadcast_back,
    "POST /v1/cases/{case_id}/answer-gap": _answers_gap,
    "POST /v1/gaps/answers": _answers_gaps,
    "POST /v1/cases/{case_id}/decide-change": _decides_change,
}
"""Routes that are no action of a table; all others are found by the tables of actions."""


async def two_to(context: CaseContext, route: str, model: Any) -> list[Sending]:
    """Two requests to a route that cannot both be taken."""
    usual = _acts_on_referral if route.startswith("POST /v1/referrals/") else _acts_on_case
    return await SPECIAL.get(route, usual)(context, route, model)


# ---- what must hold whichever of them is taken


def references(value: Any) -> Iterator[str]:
    """Every vault reference in the plain data of an event."""
    for name in members(type(value)) or ():
        held = getattr(value, name)
        if name.endswith("_ref") and isinstance(held, str) and name != "client_ref":
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
