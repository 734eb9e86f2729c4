"""What the pages behind links take and answer: small forms, or JSON; pages for people, problems for programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

from fastapi import Query, Request, Response

from contracts.subscription_codes import MailLanguage
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.problems.translation import answer_to, as_problem
from services.chassis.http.request.json_text import read_json
from services.chassis.http.request.media import JSON
from services.chassis.modelling.decider import Fault, Refused
from services.notifications.domain.subscription import Subscription
from services.notifications.email.texts import DEFAULT
from services.notifications.links.pages import refused_page

FORM: Final = "application/x-www-form-urlencoded"
LONGEST: Final = 4096
"""Bytes of a form."""

Language = Annotated[MailLanguage | None, Query(alias="lang", description="Default: that of the subscription.")]
NameOf = Callable[[str], Awaitable[str]]
"""Gives the name by which people know an organisation, which is what pages call it by."""
Until = Annotated[int, Query(ge=0, description="Until when the link works, as it stands in the e-mail.")]


def takes(schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    """What a route says of a body that is a form or JSON, and of who may send it: anyone who has the link."""
    kinds = {kind: {"schema": schema} for kind in (FORM, JSON)}
    return {"requestBody": {"required": required, "content": kinds}, "security": []}


ANY_FORM: Final = takes({"type": "object", "title": "Nothing"}, required=False)
NO_BODY: Final[dict[str, Any]] = {"security": []}
PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}
}


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, or of a JSON object. Raises ProblemError."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST:
            raise ProblemError(413, "BODY_TOO_LARGE", f"a form has at most {LONGEST} bytes")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON:
        read = read_json(body) if body else {}
        if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
            raise Refused.input(Fault("", "INVALID_VALUE", "must be an object of texts"))
        return read
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise ProblemError(400, "UNREADABLE_JSON", "the form cannot be read") from None
    # Of several boxes all count that are ticked, of anything else the last.
    return {name: ",".join(values) if name == "reasons" else values[-1] for name, values in fields.items()}


def wants_json(request: Request) -> bool:
    """Whether a program asks, and not a person's browser."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks."""
    return "text/html" in request.headers.get("accept", "")


def refused(request: Request, error: Exception, language: str, *, person: bool = False) -> Response:
    """A page for people, whose browsers ask for HTML; a problem document for everybody else.

    `person`: to mentor or mentee.
    """
    # Its path holds the link.
    request.scope["instance"] = "/"
    answer = answer_to(error, request)
    if not wants_page(request):
        answer.headers["Cache-Control"] = "no-store"
        return answer
    problem = as_problem(error)
    made = refused_page(problem.code, language, problem.status, problem.detail, person=person)
    made.headers.update(problem.headers)
    return made


def spoken(language: MailLanguage | None, subscription: Subscription | None = None) -> str:
    """The language of a page: as asked for, or that of the subscription."""
    choices = subscription.choices if subscription is not None else None
    return language.value if language is not None else choices.language if choices is not None else DEFAULT
