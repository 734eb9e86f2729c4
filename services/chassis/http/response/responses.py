"""Answers: JSON bytes with ETag and Position, built without a second validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Response
from pydantic_core import to_json

from services.chassis.deciding.handler import Outcome
from services.chassis.http.request.command import CommandRequest
from services.chassis.log.position import Position

JSON = "application/json"
REPLAYED = "Idempotency-Replayed"
# Answers differ from caller to caller and change at any moment: nobody between keeps them.
NOT_KEPT = {"Cache-Control": "no-store"}


def resource(body: dict[str, Any], etag: int | None = None) -> Response:
    """The answer to a GET; `body` is in its JSON shape already."""
    headers = NOT_KEPT if etag is None else {**NOT_KEPT, "ETag": f'"{etag}"'}
    return Response(to_json(body), 200, headers, JSON)


def page(items: Sequence[dict[str, Any]], following: str | None) -> Response:
    """A page of a list; `following` is the cursor behind its last item, when there is more."""
    return Response(to_json({"items": items, "next": following}), 200, NOT_KEPT, JSON)


def dry_run(request: CommandRequest, events: Sequence[Any]) -> dict[str, Any]:
    """What the answer to a dry run has besides: that it is one, and which events it would write; else nothing."""
    return {"dryRun": True, "events": [type(event).__name__ for event in events]} if request.dry_run else {}


def command_result(
    request: CommandRequest, outcome: Outcome[Any], body: dict[str, Any], log: str, *, location: str | None = None
) -> Response:
    """The answer to a command: the new state with its ETag and Position; 201 with `location`; 200 for a dry run."""
    if request.dry_run:
        return Response(to_json({**body, **dry_run(request, outcome.events)}), 200, {}, JSON)
    headers = _headers(outcome, log)
    if location is not None:
        headers["Location"] = location
    return Response(to_json(body), 200 if location is None else 201, headers, JSON)


def removed(outcome: Outcome[Any], log: str) -> Response:
    """The answer to a command after which there is nothing to be read any more: 204 with its Position."""
    return Response(None, 204, _headers(outcome, log))


def _headers(outcome: Outcome[Any], log: str) -> dict[str, str]:
    headers = {"ETag": f'"{outcome.etag}"'}
    if outcome.position is not None:
        headers["Position"] = Position(log, outcome.position).token()
    if outcome.replayed:
        headers[REPLAYED] = "true"
    return headers
