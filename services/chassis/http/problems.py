"""Every refusal as `application/problem+json` (RFC 9457), the framework's own included.

Nothing that the caller sent is repeated in an answer, except the name of a field that nobody asked for, and that only
when it looks like a name: a refused body may hold personal data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from contracts.problem import Problem, ProblemField
from contracts.refusals import title_of
from services.chassis.access.identity import Unauthenticated
from services.chassis.access.policy import Forbidden, Hidden
from services.chassis.deciding.handler import Busy, NotFound, PreconditionFailed
from services.chassis.deciding.idempotency import KeyReused, KeyRunning
from services.chassis.engines.store_health import Unavailable
from services.chassis.modelling.decider import Fault, Refused
from services.chassis.operating.request_notes import notes_of
from services.chassis.vault import national_number

MEDIA_TYPE = "application/problem+json"
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")

MOST_FAULTS = 100
_KEY = "/headers/Idempotency-Key"

_CODES = {"missing": "REQUIRED", "extra_forbidden": "UNKNOWN_FIELD"}


class ProblemError(Exception):
    """A refusal with its status, a stable code and a sentence; `headers` go with the answer."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: dict[str, str] | None = None,
        who_can_unblock: str | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers or {}
        self.who_can_unblock = who_can_unblock


def last_resort(error: Exception, request: Request) -> Response:
    """The answer to what nobody expected, noted for the request's log line."""
    if not isinstance(error, Unavailable):
        notes_of(request.scope).unexpected = error
    return answer_to(error, request)


def answer_to(error: Exception, request: Request) -> Response:
    """The answer to an exception of the chassis or the domain; a store that cannot be used is noted."""
    if isinstance(error, Unavailable):
        notes_of(request.scope).unavailable = error
    return response_to(as_problem(error), request)


def problem_of(error: ProblemError, instance: str) -> Problem:
    """The body of a refusal."""
    return Problem(
        type=f"urn:caserelay:problem:{error.code.lower().replace('_', '-')}",
        title=title_of(error.code),
        status=error.status,
        detail=error.detail,
        instance=instance,
        code=error.code,
        who_can_unblock=error.who_can_unblock,
        errors=[ProblemField(pointer=f.pointer, code=f.code, detail=f.detail) for f in error.errors] or None,
    )


def response_to(error: ProblemError, request: Request) -> Response:
    """The answer that carries a refusal."""
    notes_of(request.scope).refusal = error.code
    body = problem_of(error, request.scope.get("instance") or _instance(request))
    content = to_json(body.model_dump(by_alias=True, exclude_none=True))
    return Response(content, error.status, {**error.headers}, MEDIA_TYPE)


def _instance(request: Request) -> str:
    # A path can be anything that somebody typed; one with strange characters is not repeated.
    path = request.url.path
    return path if re.fullmatch(r"[A-Za-z0-9/_.:~-]{1,300}", path) and not national_number.find(path) else "/"


def as_problem(error: Exception) -> ProblemError:
    """The refusal that an exception of the chassis or the domain stands for."""
    match error:
        case ProblemError():
            return error
        case Refused():
            return ProblemError(
                error.because.value,
                error.code,
                error.detail,
                errors=error.faults,
                who_can_unblock=error.who_can_unblock,
            )
        case Unauthenticated():
            return ProblemError(401, error.code, error.detail, headers={"WWW-Authenticate": error.challenge})
        case Forbidden():
            return ProblemError(403, error.code, error.detail)
        case Hidden() | NotFound():
            return ProblemError(404, "NOT_FOUND", "there is nothing here that you have a part in")
        case PreconditionFailed():
            return ProblemError(
                412,
                "STALE_VERSION",
                f'the current version is "{error.current}" since {error.moved_by}, and not the one that you decided '
                "on; read the resource again and decide on what it says now",
                headers={"ETag": f'"{error.current}"'},
            )
        case KeyReused() | KeyRunning():
            return _about_key(error)
        case Busy():
            return ProblemError(
                503, "BUSY", "too many commands at once for the same thing; send it again", headers={"Retry-After": "1"}
            )
        case Unavailable():
            detail = (
                f"the {error.store} cannot be used at the moment, and nothing was acknowledged; send it again,"
                " a command under the same Idempotency-Key"
            )
            return ProblemError(503, "STORE_UNAVAILABLE", detail, headers={"Retry-After": "5"})
        case _:
            return ProblemError(500, "INTERNAL_ERROR", "something went wrong here; nothing was acknowledged")


def _about_key(error: KeyReused | KeyRunning) -> ProblemError:
    # The statuses are those of the IETF's draft-ietf-httpapi-idempotency-key-header, section 2.7.
    if isinstance(error, KeyRunning):
        detail = "the first request under this Idempotency-Key still runs; send it again, under the same key"
        fault = Fault(_KEY, "IDEMPOTENCY_KEY_IN_USE", "its first request still runs")
        return ProblemError(409, fault.code, detail, errors=[fault], headers={"Retry-After": "1"})
    detail = (
        "this Idempotency-Key was used before for another command: another resource, route or body; a new command"
        " needs a new key"
    )
    fault = Fault(_KEY, "IDEMPOTENCY_KEY_REUSED", "used before for another command")
    return ProblemError(422, fault.code, detail, errors=[fault])


def _pointer(location: Sequence[int | str]) -> str:
    # "[key]" is how pydantic says that a name is wrong, and not what stands under it.
    where = [str(part) for part in location if part != "[key]"]
    match where:
        case ["body", *inside]:
            return "".join(f"/{safe_name(part)}" for part in inside)
        case ["query", name, *_]:
            # Of several values the parameter is named, not the place among them.
            return f"/query/{safe_name(name)}"
        case ["header", name]:
            # One of those that the route declares, which may have dashes.
            return f"/headers/{name}"
        case _:
            return "".join(f"/{safe_name(part)}" for part in where)


def safe_name(part: str) -> str:
    """A part of a pointer as an answer may repeat it: the name of a field or a place in a list, else `(unnamed)`."""
    if part.isdigit() and len(part) < 7:
        return part
    return part if _FIELD_NAME.match(part) and not national_number.find(part) else "(unnamed)"


def from_validation(error: RequestValidationError) -> ProblemError:
    """A request of the wrong shape: 400 when it cannot be read at all, else 422 with every fault's pointer."""
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return ProblemError(400, "UNREADABLE_JSON", "the body is no valid JSON (RFC 8259, UTF-8)")
    faults = [
        Fault(_pointer(one["loc"]), _CODES.get(one["type"], "INVALID_VALUE"), _detail(one["type"], one["msg"]))
        for one in found[:MOST_FAULTS]
    ]
    first = faults[0]
    return ProblemError(422, first.code, f"{first.pointer or 'the body'}: {first.detail}", errors=faults)


def _detail(kind: str, message: str) -> str:
    match kind:
        case "extra_forbidden":
            return "this field is not known here; leave it out"
        case "union_tag_invalid":
            # The library's own sentence quotes the value.
            return "this is none of the values that are possible here"
        case _:
            return message.removeprefix("Value error, ")[:300]


def install(app: FastAPI) -> None:
    """Makes every refusal of the app a problem."""

    async def expected(request: Request, error: Exception) -> Response:
        return answer_to(error, request)

    async def validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
        return response_to(from_validation(error), request)

    async def framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
        refusal = _from_http(error)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # The framework names the methods of one route only, and a path may have several.
            refusal.headers["Allow"] = ", ".join(sorted(_methods_at(app, request.url.path)))
        return response_to(refusal, request)

    for kind in EXPECTED:
        app.add_exception_handler(kind, expected)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, framework)


EXPECTED: tuple[type[Exception], ...] = (
    ProblemError,
    Refused,
    Unauthenticated,
    Forbidden,
    Hidden,
    NotFound,
    PreconditionFailed,
    KeyReused,
    KeyRunning,
    Busy,
    Unavailable,
)
"""What a route may raise: what every client may cause, and stores that cannot be used."""


def _methods_at(app: FastAPI, path: str) -> set[str]:
    described = app.openapi()["paths"]
    here = (
        template for template in described if re.fullmatch(re.sub(r"\\{[^/]+\\}", "[^/]+", re.escape(template)), path)
    )
    methods = {method.upper() for template in here for method in described[template]}
    return methods | ({"HEAD"} if "GET" in methods else set())


def _from_http(error: HTTPException) -> ProblemError:
    status = error.status_code
    headers = dict(error.headers or {})
    match status:
        case 400:
            return ProblemError(400, "UNREADABLE_JSON", "the body is no valid JSON (RFC 8259, UTF-8)", headers=headers)
        case 404:
            return ProblemError(404, "NOT_FOUND", "there is no such route; see /openapi.json", headers=headers)
        case 405:
            return ProblemError(405, "METHOD_NOT_ALLOWED", "this route takes other methods", headers=headers)
        case _:
            # Nothing here raises another one; should the framework, its status says what it means.
            meaning = HTTPStatus(status).description or HTTPStatus(status).phrase
            return ProblemError(status, "REQUEST_REFUSED", meaning, headers=headers)
