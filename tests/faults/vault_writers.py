"""Two requests at once to each route that writes to the vault, which cannot both be taken."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, Any, Final

import httpx
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from contracts.fields import Vaulted
from services.referral.routes.requests import BulkLine, ReferralBody
from tests.casefile.acts import ACTS
from tests.casefile.cases import CaseContext
from tests.casefile.change_stories import END
from tests.casefile.gap_stories import GAP
from tests.referral.context import COMMANDS, REFERRALS
from tests.support.broadcasts import BROADCASTS, broadcast
from tests.support.people import AUDITOR, INES, LOTTE, OPERATOR, Person
from tests.support.requests import another_person, new_key
from tests.support.running import Running

Sending = Callable[[str], Awaitable[httpx.Response]]
"""A request that carries the given text in every field that goes to the vault."""


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
    """Every route whose body has a field that goes to the vault, or has no model that could say so.

    The forms of the pages that links lead to have a code and choices, and no words.
    """
    for app in services.apps.values():
        for route in iter_route_contexts(app.routes):
            method = next(iter({"POST", "PUT", "PATCH"} & (route.methods or set())), None)
            if method is None or str(route.path).startswith(("/act/", "/mail/")):
                continue
            sent = route.dependant.body_params
            kind = sent[0].field_info.annotation if sent else None
            models = [one for one in (kind, *typing.get_args(kind)) if isinstance(one, type)]
            models = [one for one in models if issubclass(one, BaseModel)]
            raw = not models and (kind is not None or "requestBody" in (route.openapi_extra or {}))
            if raw or (models and vaulted(models[0])):
                yield f"{method} {route.path}", models[0] if models else None


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


async def _reveals(context: CaseContext, _route: str, model: Any) -> list[Sending]:
    case, key = await context.accepted(), new_key()
    path = f"{case.path}/reveal"
    return [lambda text: context.running.send(AUDITOR, "POST", path, filled(model, {}, text), key=key)] * 2


async def _subscribes(context: CaseContext, _route: str, _model: Any) -> list[Sending]:
    key = new_key()
    return [lambda text: context.running.create(LOTTE, SUBSCRIPTIONS, _with_header(text), key=key)] * 2


async def _changes_subscription(context: CaseContext, _route: str, _model: Any) -> list[Sending]:
    made = await context.running.create(LOTTE, SUBSCRIPTIONS, _with_header("the first"))
    path, etag = made.headers["Location"], made.headers["ETag"]
    return [lambda text: context.running.send(LOTTE, "PUT", path, _with_header(text), etag=etag)] * 2


def _with_header(text: str) -> dict[str, Any]:
    url = "https://hooks.example.org/caserelay"
    return {"channel": "WEBHOOK", "url": url, "header": {"name": "X-Words", "value": text}}


SUBSCRIPTIONS: Final = "/v1/subscriptions"
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
    "POST /v1/cases/{case_id}/reveal": _reveals,
    "POST /v1/subscriptions": _subscribes,
    "PUT /v1/subscriptions/{subscription_id}": _changes_subscription,
}
"""Routes that are no action of a table; all others are found by the tables of actions."""


async def two_to(context: CaseContext, route: str, model: Any) -> list[Sending]:
    """Two requests to a route that cannot both be taken."""
    usual = _acts_on_referral if route.startswith("POST /v1/referrals/") else _acts_on_case
    return await SPECIAL.get(route, usual)(context, route, model)
