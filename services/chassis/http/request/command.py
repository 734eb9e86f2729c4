"""A request for a command: who sends it, under which key, on which version, for real or as a dry run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, NamedTuple, TypeVar

from fastapi import Depends, Request
from msgspec.json import Encoder
from pydantic import BaseModel

from services.chassis.access.identity import Caller
from services.chassis.deciding.handler import Call
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.caller import Authenticated, authenticated
from services.chassis.http.request.if_match import NOTHING, read_if_match
from services.chassis.http.request.json_text import read_json
from services.chassis.http.request.media import JSON, is_of_kind
from services.chassis.http.request.mending import looks_only
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import DryRun, IfMatchHeader, KeyHeader, RequiredKeyHeader
from services.chassis.modelling.decider import Actor
from services.chassis.operating.request_notes import notes_of
from services.chassis.vault import national_number
from services.chassis.vault.vault import Vault

B = TypeVar("B", bound=BaseModel)

LONGEST_KEY = 255
_CANONICAL = Encoder(order="sorted")
_CANONICAL_BEFORE = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_VERSION = "2:"
"""Begins the marks of today, so that none is compared with one that was made otherwise."""
# A structured-field string (RFC 8941), or the bare form that many clients send.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"\Z')
_BARE = re.compile(r"[!#-+\--:<-~]+\Z")


def read_key(header: str | None) -> str | None:
    """The idempotency key without its quotes. Raises ProblemError 400 when it is none."""
    if header is None:
        return None
    text = header.strip()
    if (quoted := _QUOTED.match(text)) is not None:
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    elif _BARE.match(text):
        key = text
    else:
        key = ""
    if not key or len(key) > LONGEST_KEY or (not text.isascii()) or national_number.find(key):
        raise ProblemError(
            400,
            "IDEMPOTENCY_KEY_INVALID",
            f"Idempotency-Key must be a quoted string or a bare UUID of 1 to {LONGEST_KEY} printable characters",
        )
    return key


def _required_key(header: str | None) -> str:
    key = read_key(header)
    if key is None:
        raise ProblemError(
            400,
            "IDEMPOTENCY_KEY_REQUIRED",
            "send an Idempotency-Key, so that a retry does not create a second resource",
        )
    return key


class Fingerprint(NamedTuple):
    """What tells the body of a command from another: `mark` as it is made today, `before` as it was made before."""

    mark: str
    before: Callable[[], str]


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


async def _fingerprint(request: Request, key: str | None) -> Fingerprint | None:
    if key is None:
        return None
    try:
        # Read once, whoever asks: the framework's request keeps what it has parsed.
        sent = await request.json() if await request.body() else None
        return fingerprint(request, f"{request.method} {request.scope['path']}", sent)
    except (ValueError, RecursionError):
        # Deep nesting may be read and then not be written again; a sign may be half of one.
        raise ProblemError(400, "UNREADABLE_JSON", "the body is not valid JSON (RFC 8259, UTF-8)") from None


def fingerprint(request: Request, route: str, body: Any) -> Fingerprint:
    """A comparable, irreversible mark of what was asked; the same body written differently has the same mark."""
    vault: Vault = request.app.state.service.vault
    asked = [route, body]

    def before() -> str:
        return vault.fingerprint(_CANONICAL_BEFORE.encode(asked).encode())

    try:
        return Fingerprint(_VERSION + vault.fingerprint(_CANONICAL.encode(asked)), before)
    except UnicodeEncodeError:
        # Half of a sign has no UTF-8; what is wrong with it is said where the text is looked at.
        return Fingerprint(before(), before)


async def creating(
    request: Request,
    caller: Authenticated,
    idempotency_key: RequiredKeyHeader = None,
    dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
) -> CommandRequest:
    """A request that makes something new: its key is what tells a repeat from a second wish."""
    key = _required_key(idempotency_key)
    mark = await _fingerprint(request, key)
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
    mark = await _fingerprint(request, key)
    return CommandRequest(
        caller, key, mark, versions, dry_run or looks_only(request), str(notes_of(request.scope).trace)
    )


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
    key = _required_key(headers.get("idempotency-key"))
    mark = fingerprint(request, f"{request.method} {request.scope['path']}", sent)
    check_text(sent, skip, body)
    return CommandRequest(caller, key, mark, None, dry_run=False, traceparent=str(notes_of(request.scope).trace)), valid
