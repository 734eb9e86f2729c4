"""The HTTP routes of a service's transparency log: as c2sp.org/tlog-tiles has them, and proofs for one event."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Final
from urllib.parse import unquote

from fastapi import Path, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
from pydantic_core import to_json

from contracts.audited import audit_path
from services.chassis.access.audit_policy import (
    ANY_ORGANISATION,
    AUDIT_POLICY,
    READ_ENTRIES,
    READ_PROOF,
    READ_SIGNED,
    READER_OF_EVENT,
    reads_all,
)
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Forbidden, Hidden
from services.chassis.audit.reader import AuditReader, ProvenEvent
from services.chassis.http.openapi.operations import Operation
from services.chassis.http.request.accept import accepted
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded
from services.chassis.transparency.base64_text import encoded
from services.chassis.transparency.merkle import LARGEST_TREE
from services.chassis.transparency.tiles import ENTRIES, Tile

TEXT: Final = "text/plain"
BYTES: Final = "application/octet-stream"
KEPT: Final = {"Cache-Control": "private, max-age=31536000, immutable"}
"""A tile never changes; but not everybody may read it."""

Reads = Callable[[Caller, Recorded], Awaitable[bool]]
"""Whether a caller who does not read everything reads an event; may raise Hidden or Forbidden where not."""
Size = Annotated[int, Query(ge=0, le=LARGEST_TREE)]


class ProofAnswer(BaseModel):
    """That an event is in the log: its leaf, its entry, the signed checkpoint, and the hashes between (RFC 6962)."""

    event: str
    index: int
    entry: str
    checkpoint: str
    inclusion: list[str]


class ConsistencyAnswer(BaseModel):
    """The hashes that prove that a larger tree begins with a smaller one (RFC 6962)."""

    proof: list[str]


def routes(log: EventLog, reader: AuditReader, reads: Reads) -> Router:
    """The routes under `/v1/audit/` and the name of the log."""
    router = Router(prefix=audit_path(log.name), tags=["audit"])

    @router.get("/checkpoint", response_class=PlainTextResponse, summary="The newest signed checkpoint of the log.")
    async def checkpoint(caller: Authenticated) -> Response:
        AUDIT_POLICY.require(caller, READ_SIGNED, (ANY_ORGANISATION,))
        if (signed := await reader.checkpoint()) is None:
            raise Hidden
        return PlainTextResponse(signed, headers=responses.NOT_KEPT)

    @router.get("/keys", response_class=PlainTextResponse, summary="The public keys that sign the log, newest first.")
    async def keys(caller: Authenticated) -> Response:
        AUDIT_POLICY.require(caller, READ_SIGNED, (ANY_ORGANISATION,))
        lines = "".join(f"{key}\n" for key in await reader.keys())
        return PlainTextResponse(lines, headers=responses.NOT_KEPT)

    @router.get(
        "/tile/{path:path}",
        response_class=Response,
        summary="A tile of hashes, or a bundle of entries.",
        responses={200: {"content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}}},
    )
    async def tile(
        caller: Authenticated,
        path: Annotated[
            str, Path(description="Level and number of a tile, as c2sp.org/tlog-tiles spells them: `0/x001/234.p/5`.")
        ],
    ) -> Response:
        try:
            # A generated client takes the path for one segment, and encodes its slashes.
            wanted = Tile.at(unquote(path))
        except ValueError:
            # No such place in any log, which is nobody's secret.
            raise Hidden from None
        AUDIT_POLICY.require(caller, READ_ENTRIES if wanted.level == ENTRIES else READ_SIGNED, (ANY_ORGANISATION,))
        if (content := await reader.tile(wanted)) is None:
            raise Hidden
        return Response(content, 200, KEPT, BYTES)

    _add_proofs(router, log, reader, reads)
    return router


def _add_proofs(router: Router, log: EventLog, reader: AuditReader, reads: Reads) -> None:
    @router.get(
        "/proof",
        response_model=ProofAnswer,
        summary="The proof that an event is in the log.",
        responses={200: {"content": {TEXT: {"schema": {"type": "string"}, "example": "c2sp.org/tlog-proof@v1\n…"}}}},
    )
    async def proof(
        http: Request,
        caller: Authenticated,
        event: Annotated[str, Query(pattern=r"^[A-Za-z0-9._-]{1,100}$", description="The id of the event.")],
    ) -> Response:
        kind = accepted(http.headers, (responses.JSON, TEXT))
        position = await reader.position_of(event)
        AUDIT_POLICY.require(caller, READ_PROOF, await _relations(caller, position, log, reads))
        if position is None or (proven := await reader.proof(event)) is None:
            raise Hidden
        headers = {**responses.NOT_KEPT, "Vary": "Accept"}
        if kind == TEXT:
            return PlainTextResponse(proven.proof.content, headers=headers)
        return Response(to_json(_shown(event, proven)), 200, headers, responses.JSON)

    @router.get(
        "/consistency",
        response_model=ConsistencyAnswer,
        summary="The proof that nothing was changed between two sizes.",
    )
    async def consistency(
        caller: Authenticated,
        first: Annotated[Size, Query(alias="from", description="Leaves of the smaller tree.")],
        second: Annotated[Size, Query(alias="to", description="Leaves of the larger tree.")],
    ) -> Response:
        AUDIT_POLICY.require(caller, READ_SIGNED, (ANY_ORGANISATION,))
        if (hashes := await reader.consistency(first, second)) is None:
            raise Hidden
        return responses.resource({"proof": [encoded(each) for each in hashes]})


async def _relations(caller: Caller, position: int | None, log: EventLog, reads: Reads) -> tuple[str, ...]:
    if reads_all(caller):
        return (ANY_ORGANISATION,)
    if position is None:
        return ()
    with contextlib.suppress(Hidden, Forbidden):
        (recorded,) = await log.read_all(position - 1, 1)
        if recorded.position == position and await reads(caller, recorded):
            return (READER_OF_EVENT,)
    return ()


def _shown(event: str, proven: ProvenEvent) -> dict[str, object]:
    return {
        "event": event,
        "index": proven.proof.index,
        "entry": encoded(proven.entry),
        "checkpoint": proven.proof.checkpoint.content.decode(),
        "inclusion": [encoded(each) for each in proven.proof.inclusion],
    }


def operations(log: str) -> dict[str, Operation]:
    """What the OpenAPI document says of these routes, for the log of one service."""
    place = audit_path(log)
    return {
        f"GET {place}/checkpoint": Operation(
            f"audit-read-{log}-checkpoint",
            f"The size and root of the tree of the {log} log, signed: a c2sp.org/tlog-checkpoint. It covers what was "
            "recorded before it is asked for, and bears the cosignatures of witnesses that it has by then.",
        ),
        f"GET {place}/keys": Operation(
            f"audit-list-{log}-keys",
            "A vkey of c2sp.org/signed-note a line, the newest first; keys that no longer sign are kept.",
        ),
        f"GET {place}/tile/{{path}}": Operation(
            f"audit-read-{log}-tile",
            "Hashes of the tree (`tile/<L>/<N>`), or entries (`tile/entries/<N>`) for those who oversee the record, "
            "laid out as c2sp.org/tlog-tiles has it. A tile never changes.",
        ),
        f"GET {place}/proof": Operation(
            f"audit-read-{log}-proof",
            "What proves that an event is in the log: for those who oversee the record, and for staff who read the "
            "event. `Accept: text/plain` asks for a c2sp.org/tlog-proof.",
        ),
        f"GET {place}/consistency": Operation(
            f"audit-read-{log}-consistency",
            "What proves that the tree of `to` leaves begins with the tree of `from` leaves.",
        ),
    }
