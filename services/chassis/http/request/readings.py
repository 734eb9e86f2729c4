"""What is recorded of a reading before it is answered, and what it is for: `Caserelay-Purpose`.

Every route of an application that has a `state.recorder` passes here, so none has to think of it. What is known of an
answer only once it is there is recorded then, and before any of it leaves. Where what is read is part of something
larger, `state.read_with` says of what, from the parameters of the path: it is recorded as read of that too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import unquote

from fastapi import Header, Request, Response
from pydantic_core import from_json

from contracts.recorded_reads import (
    LONGEST_PURPOSE,
    MOST,
    OF_ANYBODY,
    PURPOSE,
    RECORDED,
    SAYS_WHAT_FOR,
    is_recorded,
    things_read,
)
from services.chassis.access.identity import Caller
from services.chassis.engines.store_health import Unavailable
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.mending import looks_only
from services.chassis.operating.request_notes import notes_of
from services.chassis.reads.recorder import Reading
from services.chassis.vault import national_number

_READER: Final = "caserelay.reader"
Recording = Callable[[Any], Awaitable[None]]
"""Records what a further part of an answer shows, by its JSON."""
PurposeHeader = Annotated[
    str | None,
    Header(
        alias=PURPOSE,
        description=(
            "What the reading is for, in words or as the reference of an engagement; it is recorded with the reading "
            f"of those who oversee. 1 to {LONGEST_PURPOSE} characters; a setting may require it."
        ),
    ),
]


def note_reader(request: Request, caller: Caller, purpose: str | None) -> None:
    """Notes whose reading may have to be recorded, before anything is read. Raises ProblemError for its purpose."""
    if (route := request.scope.get("route")) is None or not is_recorded(request.method, route.path_format):
        return
    if caller.role not in RECORDED and route.path_format not in OF_ANYBODY:
        return
    if purpose is not None:
        purpose = _read_purpose(purpose)
    elif caller.role in SAYS_WHAT_FOR and request.app.state.service.settings.audit_purpose:
        raise ProblemError(
            400,
            "PURPOSE_REQUIRED",
            f"say in the header {PURPOSE} what you read this for, such as the reference of your engagement, in 1 to "
            f"{LONGEST_PURPOSE} characters; it is recorded",
        )
    request.scope[_READER] = caller, purpose


def _read_purpose(sent: str) -> str:
    try:
        # A header is bytes, which the framework takes for Latin-1.
        text = sent.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        text = ""
    if not 0 < len(text) <= LONGEST_PURPOSE or not text.isprintable() or national_number.find(text):
        raise ProblemError(
            400,
            "PURPOSE_UNREADABLE",
            f"{PURPOSE} is a text of 1 to {LONGEST_PURPOSE} printable characters in UTF-8, without a national number",
        )
    return text


async def recorded(request: Request, answer: Response) -> Response:
    """The answer, once it stands in the record that it is read. Raises ProblemError where that cannot be recorded."""
    reader, recorder = request.scope.get(_READER), getattr(request.app.state, "recorder", None)
    if reader is None or recorder is None or answer.status_code >= 300 or looks_only(request):
        return answer
    try:
        await _record(request, _body_of(answer))
    except Unavailable as failure:
        notes_of(request.scope).unavailable = failure
        raise ProblemError(
            503,
            "READING_NOT_RECORDED",
            "that you read this has to be recorded first, and cannot be now; nothing is shown: try again",
            headers={"Retry-After": "5"},
        ) from None
    return answer


def recording(request: Request) -> Recording | None:
    """What records each further part of an answer that goes on for as long as it is open; None where none is recorded.

    It is given the part as JSON before that is sent. Raises Unavailable where that cannot be recorded.
    """
    if request.scope.get(_READER) is None or getattr(request.app.state, "recorder", None) is None:
        return None
    return partial(_record, request)


async def _record(request: Request, body: Any) -> None:
    caller, purpose = request.scope[_READER]
    path = request.scope["route"].path_format
    # Segments stay encoded until a route reads them, as this one has.
    named = {name: unquote(value) for name, value in request.path_params.items()}
    read_with = getattr(request.app.state, "read_with", None)
    larger = [] if read_with is None else await read_with(named)
    things = [*things_read(path, named, request.query_params.multi_items(), larger, body)]
    empty = isinstance(body, dict) and body.get("items") == []
    if empty and (not things or caller.role not in RECORDED):
        # An empty page: who follows a feed asks every few seconds, and nothing was read.
        return
    reading = Reading(
        route=f"{request.method} {path}",
        read=tuple(things[:MOST]),
        left_out=max(0, len(things) - MOST),
        purpose=purpose,
        traceparent=str(notes_of(request.scope).trace),
    )
    await request.app.state.recorder.record(caller, reading)


def _body_of(answer: Response) -> Any:
    body = getattr(answer, "body", b"")
    if not body or answer.headers.get("content-type") != "application/json":
        return None
    return from_json(body)
