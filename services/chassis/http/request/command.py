"""A request for a command: who sends it, under which key, on which version, for real or as a dry run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel

from services.chassis.access.identity import Caller
from services.chassis.deciding.handler import Call
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.caller import Authenticated, authenticated
from services.chassis.http.request.idempotency_key import (
    Fingerprint,
    fingerprint,
    fingerprint_of,
    read_key,
    required_key,
)
from services.chassis.http.request.if_match import NOTHING, read_if_match
from services.chassis.http.request.json_text import read_json
from services.chassis.http.request.media import JSON, is_of_kind
from services.chassis.http.request.mending import looks_only
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import DryRun, IfMatchHeader, KeyHeader, RequiredKeyHeader
from services.chassis.modelling.decider import Actor
from services.chassis.operating.request_notes import notes_of

B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A request for a command."""

    caller: Caller
    key: str | None
    fingerprint: Fingerprint | None
    if_match: frozenset[int] | None
    dry_run: bool
    traceparent: str

    @property
    def actor(self) -> Actor:
        """The caller as events name it."""
        return self.caller.actor()

    def call(self, occurred_at: datetime | None = None) -> Call:
        """The terms on which the handler runs the command."""
        return Call(
            actor=self.actor,
            if_match=self.if_match,
            idempotency_key=self.key,
            fingerprint=self.fingerprint and self.fingerprint.mark,
            fingerprint_before=self.fingerprint and self.fingerprint.before,
            occurred_at=occurred_at,
            traceparent=self.traceparent,
            dry_run=self.dry_run,
        )


async def creating(
    request: Request,
    caller: Authenticated,
    idempotency_key: RequiredKeyHeader = None,
    dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
) -> CommandRequest:
    """A request that makes something new: its key is what tells a repeat from a second wish."""
    key = required_key(idempotency_key)
    mark = await fingerprint_of(request, key)
    return CommandRequest(caller, key, mark, None, dry_run or looks_only(request), str(notes_of(request.scope).trace))


async def changing(
    request: Request,
    caller: Authenticated,
    idempotency_key: KeyHeader = None,
    _if_match: IfMatchHeader = None,
    dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
) -> CommandRequest:
    """A command on something that is there."""
    key = read_key(idempotency_key)
    versions = read_if_match(request)
    mark = await fingerprint_of(request, key)
    return CommandRequest(
        caller, key, mark, versions, dry_run or looks_only(request), str(notes_of(request.scope).trace)
    )


async def acting(
    request: Request,
    caller: Authenticated,
    idempotency_key: KeyHeader = None,
    dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
) -> CommandRequest:
    """An act that rests on no version of what it is about."""
    key = read_key(idempotency_key)
    mark = await fingerprint_of(request, key)
    return CommandRequest(caller, key, mark, None, dry_run or looks_only(request), str(notes_of(request.scope).trace))


Creating = Annotated[CommandRequest, Depends(creating)]
Changing = Annotated[CommandRequest, Depends(changing)]


def putting(request: Request, caller: Caller, on: frozenset[int] | None, *, dry_run: bool) -> CommandRequest:
    """A PUT on one of the versions `on`; None where what is put cannot take the place of anything."""
    return CommandRequest(caller, None, None, on, dry_run or looks_only(request), str(notes_of(request.scope).trace))


def replacing(request: Request, *, exists: bool) -> frozenset[int]:
    """The versions that a PUT replaces: those of If-Match, or without it NOTHING, where nothing is.

    Raises ProblemError as `read_if_match` does.

    Asked again as the PUT is stored (`Handler`): of two who found nothing, the second would replace what it never read.
    """
    return read_if_match(request) if exists or "if-match" in request.headers else NOTHING


async def plain_creation(
    request: Request, body: bytes, model: type[B], skip: frozenset[str]
) -> tuple[CommandRequest, B] | None:
    """What `creating` and the framework make of a request without query and with a valid JSON body of that model.

    None for any other request: what is wrong with it, or special about it, is the framework's to find out; but who
    asks is looked at first. `skip` is that of `check_text`.
    """
    headers = request.headers
    caller = await authenticated(request, headers.get("authorization"))
    twice = any(len(headers.getlist(name)) > 1 for name in ("authorization", "idempotency-key"))
    if twice or "content-encoding" in headers or not is_of_kind(headers, {JSON}):
        return None
    try:
        sent = read_json(body)
        valid = model.model_validate(sent)
    except (ProblemError, ValueError, RecursionError):
        return None
    key = required_key(headers.get("idempotency-key"))
    mark = fingerprint(request, f"{request.method} {request.scope['path']}", sent)
    check_text(sent, skip, body)
    return CommandRequest(caller, key, mark, None, dry_run=False, traceparent=str(notes_of(request.scope).trace)), valid
