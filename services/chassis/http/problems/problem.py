"""A refusal as `application/problem+json` (RFC 9457).

Nothing that the caller sent is repeated in an answer, except the name of a field that nobody asked for, and that only
when it looks like a name: a refused body may hold personal data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request, Response
from pydantic_core import to_json

from contracts.problem import Problem, ProblemField
from contracts.refusals import title_of
from services.chassis.modelling.decider import Fault
from services.chassis.operating.request_notes import notes_of
from services.chassis.vault import national_number

MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 100
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.:~-]{1,300}")


class ProblemError(Exception):
    """A refusal with its status, a stable code and a sentence; `headers` go with the answer, `members` in it."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: dict[str, str] | None = None,
        who_can_unblock: str | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers or {}
        self.who_can_unblock = who_can_unblock
        self.members = members or {}


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
        **error.members,
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
    return path if _PLAIN_PATH.fullmatch(path) and not national_number.find(path) else "/"


def safe_name(part: str) -> str:
    """A part of a pointer as an answer may repeat it: the name of a field or a place in a list, else `(unnamed)`."""
    if part.isdigit() and len(part) < 7:
        return part
    return part if _FIELD_NAME.match(part) and not national_number.find(part) else "(unnamed)"
