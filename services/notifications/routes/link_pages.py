"""Acting without an account: the page of a link in an e-mail, the code that is sent for it, and the act.

It takes no token of an issuer and no cookie: what the link holds and the code are all that it goes by, so no other page
can act in somebody's name. GET shows and changes nothing, whatever follows every link of a letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response
from pydantic_core import to_json

from contracts.codes import DeclineReason
from contracts.subscription_codes import MailLanguage
from services.chassis.deciding.handler import NotFound
from services.chassis.http.problems.translation import EXPECTED, answer_to, as_problem
from services.chassis.http.request.media import JSON
from services.chassis.http.routing import Router
from services.chassis.modelling.days import USUAL_ZONE
from services.chassis.modelling.decider import Fault, Refused
from services.chassis.operating.request_notes import notes_of
from services.notifications.domain.link import Link
from services.notifications.links.acting import Act, Links
from services.notifications.links.pages import HEADERS, acted_page, acting_page
from services.notifications.links.question import PULSE_REASONS, REJECT_REASONS, SCORES
from services.notifications.routes.forms import (
    ANY_FORM,
    NO_BODY,
    PAGE,
    Language,
    NameOf,
    form_of,
    refused,
    spoken,
    takes,
    wants_json,
    wants_page,
)

_ACT: Final[dict[str, Any]] = {
    "type": "object",
    "title": "ActByLink",
    "properties": {
        "code": {"type": "string", "description": "The 8 digits of the second e-mail.", "maxLength": 12},
        "action": {
            "type": "string",
            "enum": ["receive", "accept", "decline", "confirm-match", "reject-match", "record-pulse"],
            "description": "One of those that the page offers; may be left out where it offers one alone.",
        },
        "reason": {
            "type": "string",
            "enum": ["", *dict.fromkeys((*(reason.value for reason in DeclineReason), *REJECT_REASONS))],
            "description": "With decline, and with reject-match.",
        },
        "score": {"type": "string", "enum": ["", *map(str, SCORES)], "description": "With record-pulse: 5 is good."},
        "reasons": {"type": "string", "description": "With record-pulse: codes, with commas between them."},
    },
    "required": ["code"],
}


def _as_json(link: Link) -> Response:
    """The link for programs."""
    issued, used = link.issued, link.used
    refusal = link.answered.refusal if link.answered is not None else None
    shown = {
        "acts": list(issued.acts) if issued is not None else [],
        "expiresAt": issued.expires_at if issued is not None else None,
        "codeSent": link.code is not None,
        "acted": used.action if used is not None else None,
        "state": "OPEN" if used is None else "PENDING" if link.answered is None else "REFUSED" if refusal else "DONE",
        "refusal": refusal,
    }
    return Response(to_json(shown), 409 if refusal else 202 if shown["state"] == "PENDING" else 200, HEADERS, JSON)


def _act_of(fields: Mapping[str, str], link: Link) -> Act:
    """What a form gives for a link. Raises Refused for a code that is in none of the lists."""
    invitation, reason, score = link.invitation, fields.get("reason") or None, fields.get("score") or None
    reasons = tuple(filter(None, (code.strip() for code in fields.get("reasons", "").split(","))))
    known = REJECT_REASONS if invitation is not None else tuple(DeclineReason.__members__)
    faults = []
    if reason is not None and reason not in known:
        faults.append(Fault("/reason", "INVALID_VALUE", f"must be one of: {', '.join(known)}"))
    if score is not None and score not in {str(number) for number in SCORES}:
        faults.append(Fault("/score", "INVALID_VALUE", "must be 1, 2, 3, 4 or 5"))
    weighs = PULSE_REASONS[invitation.side] if invitation is not None else ()
    if not set(reasons) <= set(weighs):
        faults.append(Fault("/reasons", "INVALID_VALUE", f"must be of: {', '.join(weighs)}"))
    if faults:
        raise Refused.input(*faults)
    number = int(score) if score is not None else None
    return Act(fields.get("code", ""), fields.get("action") or None, reason, number, tuple(dict.fromkeys(reasons)))


class ActPages:
    """The answers of the page."""

    def __init__(self, links: Links, name_of: NameOf) -> None:
        self._links = links
        self._name_of = name_of

    async def show(self, request: Request, token: str, language: MailLanguage | None) -> Response:
        """What the link is good for."""
        speaks, person = spoken(language), False
        try:
            link = await self._links.find(token)
            speaks, zone = await self._reader(link, language)
            person = link.invitation is not None
            name = await self._name(link)
            await self._links.require_open(link)
        except EXPECTED as error:
            return refused(request, error, speaks, person=person)
        return _as_json(link) if wants_json(request) else acting_page(link, token, speaks, zone, name)

    async def send_code(self, request: Request, token: str, language: MailLanguage | None) -> Response:
        """Sends a code."""
        speaks = spoken(language)
        try:
            await form_of(request)
            speaks, zone = await self._reader(await self._links.find(token), language)
            link = await self._links.send_code(token, str(notes_of(request.scope).trace))
            name = await self._name(link)
        except EXPECTED as error:
            return await self._again(request, token, error, speaks, language)
        return _as_json(link) if wants_json(request) else acting_page(link, token, speaks, zone, name, "sent")

    async def act(self, request: Request, token: str, language: MailLanguage | None) -> Response:
        """Acts."""
        speaks = spoken(language)
        try:
            fields = await form_of(request)
            speaks, _ = await self._reader(await self._links.find(token), language)
            given = _act_of(fields, await self._links.find(token))
            link = await self._links.act(token, given, traceparent=str(notes_of(request.scope).trace))
        except EXPECTED as error:
            return await self._again(request, token, error, speaks, language)
        return _as_json(link) if wants_json(request) else acted_page(link, speaks)

    async def _reader(self, link: Link, language: MailLanguage | None) -> tuple[str, str]:
        """The language and the time zone of a link's reader."""
        choices = await self._links.choices_of(link)
        if choices is None:
            own = link.out.language if link.out is not None else None
            return own if language is None and own is not None else spoken(language), USUAL_ZONE
        return language.value if language is not None else choices.language, choices.time_zone

    async def _name(self, link: Link) -> str:
        return "" if link.issued is None else await self._name_of(link.issued.organisation)

    async def _again(
        self, request: Request, token: str, error: Exception, speaks: str, language: MailLanguage | None
    ) -> Response:
        """The forms once more, with what was wrong; where the link does nothing any more, only that."""
        problem = as_problem(error)
        if not wants_page(request) or isinstance(error, NotFound):
            return refused(request, error, speaks)
        link = await self._links.find(token)
        if problem.code.startswith("LINK_"):
            return refused(request, error, speaks, person=link.invitation is not None)
        _, zone = await self._reader(link, language)
        answer_to(error, request)
        name = await self._name(link)
        made = acting_page(link, token, speaks, zone, name, problem.code, problem.status)
        made.headers.update(problem.headers)
        return made


def routes(pages: ActPages) -> Router:
    """The routes of a link by which somebody acts."""
    router = Router(tags=["links"])

    @router.get(
        "/act/{token}",
        responses=PAGE,
        response_class=Response,
        openapi_extra=NO_BODY,
        summary="Show what a link in an e-mail is good for; it changes nothing.",
    )
    async def show(request: Request, token: str, language: Language = None) -> Response:
        return await pages.show(request, token, language)

    @router.post(
        "/act/{token}/code",
        responses=PAGE,
        response_class=Response,
        openapi_extra=ANY_FORM,
        summary="Send a code to the address that the link was sent to.",
    )
    async def send_code(request: Request, token: str, language: Language = None) -> Response:
        return await pages.send_code(request, token, language)

    @router.post(
        "/act/{token}",
        responses=PAGE,
        response_class=Response,
        openapi_extra=takes(_ACT),
        summary="Act by a link, with the code of the second e-mail.",
    )
    async def act(request: Request, token: str, language: Language = None) -> Response:
        return await pages.act(request, token, language)

    return router
