"""The refusal that an exception stands for: those of the chassis, of the domain, and of the framework's validation."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError

from services.chassis.access.identity import Unauthenticated
from services.chassis.access.policy import Forbidden, Hidden
from services.chassis.audit.refusals import Contradicted
from services.chassis.deciding.handler import Busy, NotFound, PreconditionFailed
from services.chassis.deciding.idempotency import KeyReused, KeyRunning
from services.chassis.engines.store_health import Unavailable
from services.chassis.http.problems.plain_words import plain_words
from services.chassis.http.problems.problem import MOST_FAULTS, ProblemError, response_to, safe_name
from services.chassis.modelling.decider import Fault, Refused
from services.chassis.operating.request_notes import notes_of
from services.chassis.service import CatchingUp, NotCoveredYet, UnknownLog

_KEY = "/headers/Idempotency-Key"
_CODES = {"missing": "REQUIRED", "extra_forbidden": "UNKNOWN_FIELD"}

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
    UnknownLog,
    NotCoveredYet,
    CatchingUp,
    Unavailable,
    Contradicted,
)
"""What a route may raise: what every client may cause, and stores that cannot be used."""


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
                members=error.members,
            )
        case Unauthenticated():
            return ProblemError(401, error.code, error.detail, headers={"WWW-Authenticate": error.challenge})
        case Forbidden():
            return ProblemError(403, error.code, error.detail)
        case Hidden() | NotFound():
            return ProblemError(404, "NOT_FOUND", "no such resource, or you are not a party to it")
        case PreconditionFailed():
            return ProblemError(
                412,
                "STALE_VERSION",
                f'the current version is "{error.current}", since {error.moved_by}; read the resource again and decide '
                "on that version",
                headers={"ETag": f'"{error.current}"'},
            )
        # The statuses of both are those of the IETF's draft-ietf-httpapi-idempotency-key-header, section 2.7.
        case KeyRunning():
            running = ProblemError(
                409,
                "IDEMPOTENCY_KEY_IN_USE",
                "the first request with this Idempotency-Key is still running; retry with the same key",
                headers={"Retry-After": "1"},
            )
            running.errors = (Fault(_KEY, running.code, "the first request with this key is still running"),)
            return running
        case KeyReused():
            fault = Fault(_KEY, "IDEMPOTENCY_KEY_REUSED", "already used for a different command")
            return ProblemError(
                422,
                fault.code,
                "this Idempotency-Key was already used for a different resource, route or body; a new command needs a "
                "new key",
                errors=[fault],
            )
        case Busy():
            return ProblemError(
                503, "BUSY", "too many concurrent commands for the same resource; retry", headers={"Retry-After": "1"}
            )
        case UnknownLog():
            fault = Fault("/query/waitFor", "UNKNOWN_LOG", "this service does not follow that log")
            return ProblemError(422, fault.code, fault.detail, errors=[fault])
        case NotCoveredYet():
            return ProblemError(
                504,
                "NOT_COVERED_YET",
                "the view does not include this position yet; try again. If its log was restored from a backup since,"
                " it never will: then leave waitFor out",
                headers={"Retry-After": "1"},
            )
        case CatchingUp():
            return ProblemError(
                503, "CATCHING_UP", "the lists are being rebuilt; try again", headers={"Retry-After": "1"}
            )
        case Unavailable():
            detail = (
                f"the {error.store} is unavailable; nothing was acknowledged. Retry,"
                " with the same Idempotency-Key for a command"
            )
            return ProblemError(503, "STORE_UNAVAILABLE", detail, headers={"Retry-After": "5"})
        case Contradicted():
            return ProblemError(
                503,
                "LOG_CONTRADICTED",
                f"nothing is proven by this log at the moment, since {error}. The operator finds out where by"
                " `caserelay audit verify`; docs/audit.md, When verification fails, says what to do",
                headers={"Retry-After": "60"},
            )
        case _:
            return ProblemError(500, "INTERNAL_ERROR", "internal error; nothing was acknowledged")


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


def from_validation(error: RequestValidationError) -> ProblemError:
    """A request of the wrong shape: 400 when it cannot be read at all, else 422 with every fault's pointer."""
    found = error.errors()
    if any(error["type"] == "json_invalid" for error in found):
        return ProblemError(400, "UNREADABLE_JSON", "the body is not valid JSON (RFC 8259, UTF-8)")
    faults = [
        Fault(
            _pointer(error["loc"]), _CODES.get(error["type"], "INVALID_VALUE"), plain_words(error["type"], error["msg"])
        )
        for error in found[:MOST_FAULTS]
    ]
    first = faults[0]
    return ProblemError(422, first.code, f"{first.pointer or 'the body'}: {first.detail}", errors=faults)
