"""The HTTP routes of the charter of roles: the operator writes its versions, and the lead of each side signs them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Path, Request, Response

from contracts.fields import REFERENCE
from services.casefile.access import POLICY, relations_to_charter
from services.casefile.domain.charter import (
    CHARTER,
    Charter,
    SignCharter,
    TaskRule,
    WriteCharter,
    charter_stream,
)
from services.casefile.domain.known_organisation import KNOWN_ORGANISATION, organisation_stream
from services.casefile.projection import CHARTERS, KNOWN
from services.casefile.routes.charter_shapes import CharterAnswer, CharterBody, CharterPage
from services.casefile.views import charter_view
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.deciding.handler import Handler
from services.chassis.deciding.streams import Streams
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import Changing, putting
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import Covered, DryRun, Limit
from services.chassis.http.request.read_only import check_read_only
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.chassis.index.index import IndexReader
from services.chassis.time.clock import Clock

LOG = "casefile"
Version = Annotated[str, Path(pattern=REFERENCE, description="The name of a version, as programmes name it.")]
PLATFORM = "PLATFORM_OPERATOR"


def routes(
    streams: Streams,
    writing: Handler[WriteCharter, Charter],
    signing: Handler[SignCharter, Charter],
    index: IndexReader,
    caught_up: Callable[[], Awaitable[None]],
    clock: Clock,
) -> Router:
    """The routes under `/v1/charters`."""
    router = Router(prefix="/v1/charters", tags=["charters"])

    async def kind_of(caller: Caller) -> str | None:
        own = (await streams.fold(organisation_stream(caller.org), KNOWN_ORGANISATION)).state.kind
        if own is not None:
            return own
        # As in the referral service: the platform may set up itself, and beside one nobody is let in by being unknown.
        return None if await index.find(KNOWN.name, {"kind": PLATFORM}, after=0, limit=1) else PLATFORM

    @router.get("", response_model=CharterPage, summary="The versions of the charter.")
    async def find(caller: Authenticated, _: Covered, pages: Paged, limit: Limit = 50) -> Response:
        POLICY.require(caller, "read-charter", relations_to_charter(None))
        after = await pages.number()
        await caught_up()
        rows = await index.find(CHARTERS.name, {}, after=after, limit=limit + 1)
        shown = rows[:limit]
        folds = await asyncio.gather(*(streams.fold(row.key, CHARTER) for row in shown))
        items = [
            charter_view(folded.state, str(row.columns["version"])) for row, folded in zip(shown, folds, strict=True)
        ]
        return responses.page(items, pages.next(rows[limit - 1].seq if len(rows) > limit else None))

    @router.get("/{version}", response_model=CharterAnswer, summary="One version of the charter.")
    async def read(caller: Authenticated, version: Version, _: Covered) -> Response:
        POLICY.require(caller, "read-charter", relations_to_charter(None))
        folded = await streams.fold(charter_stream(version), CHARTER)
        if folded.state.written is None:
            raise Hidden
        return responses.resource(charter_view(folded.state, version), folded.etag)

    @router.put("/{version}", response_model=CharterAnswer, summary="Write a version of the charter.")
    async def write(
        request: Request,
        caller: Authenticated,
        version: Version,
        body: CharterBody,
        dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        check_text(await request.json())
        POLICY.require(caller, "write-charter", relations_to_charter(await kind_of(caller)))
        stream = charter_stream(version)
        folded = await streams.fold(stream, CHARTER)
        check_read_only(body, charter_view(folded.state, version))
        # A version is never replaced: no If-Match is needed.
        change = putting(request, caller, None, dry_run=dry_run)
        command = WriteCharter(
            at=clock.now(),
            by=change.actor,
            version=version,
            valid_from=body.valid_from,
            valid_until=body.valid_until,
            tasks=tuple(
                TaskRule(
                    task=task.task,
                    roles={role.value: verdict.value for role, verdict in task.roles.items()},
                    refer=task.refer,
                )
                for task in body.tasks
            ),
        )
        outcome = await writing.handle(command, stream, CHARTER, change.call(), must_exist=False)
        return responses.command_result(change, outcome, charter_view(outcome.state, version), LOG)

    @router.post("/{version}/sign", response_model=CharterAnswer, summary="Sign a version, for one's organisation.")
    async def sign(change: Changing, version: Version, _: Covered) -> Response:
        caller = change.caller
        POLICY.require(caller, "sign-charter", relations_to_charter(await kind_of(caller)))
        command = SignCharter(at=clock.now(), by=change.actor, version=version)
        outcome = await signing.handle(command, charter_stream(version), CHARTER, change.call())
        return responses.command_result(change, outcome, charter_view(outcome.state, version), LOG)

    return router
