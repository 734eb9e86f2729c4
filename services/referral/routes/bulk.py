"""Bulk intake: referrals as NDJSON, one answer line for each line, in order and as soon as it is known.

Each line is handled like a request of its own, with its own key; a bad line does not affect the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
from collections.abc import AsyncIterator
from functools import cache
from tempfile import SpooledTemporaryFile
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from pydantic_core import from_json, to_json
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from contracts.identifiers import one_person
from services.chassis.access.identity import Caller
from services.chassis.engines.store_health import Unavailable, errno_name
from services.chassis.http.problems.problem import ProblemError, problem_of
from services.chassis.http.problems.translation import as_problem, from_validation
from services.chassis.http.request.all_faults import schema_of, with_all_faults
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import CommandRequest
from services.chassis.http.request.idempotency_key import fingerprint, read_key
from services.chassis.http.request.json_text import read_json
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import DryRun
from services.chassis.http.response.responses import REPLAYED
from services.chassis.http.routing import Router
from services.chassis.operating.request_notes import notes_of
from services.referral.commands import PERSONAL, Commands
from services.referral.routes.requests import BulkLine, ReferralBody
from services.referral.routes.responses import BulkAnswer

AT_ONCE: Final = 32
"""Lines under way at the same time: enough to share commits, few enough to bound memory."""
IN_MEMORY: Final = 1_000_000
PIECE: Final = 65_536
"""Bytes of answers: kept in memory while the client does not read, and sent at once."""
PATH: Final = "/v1/referrals/bulk"
NDJSON: Final = "application/x-ndjson"
KINDS: Final = (NDJSON, "application/ndjson")
"""What lines may be sent as: one name is in use, the other is its successor."""

log = logging.getLogger(__name__)


def routes(commands: Commands) -> Router:
    """`POST /v1/referrals/bulk`."""
    router = Router(tags=["referrals"])

    @router.post(
        PATH,
        summary="Submit many referrals, a line each (NDJSON); each with its own `idempotencyKey`.",
        response_class=_Ndjson,
        status_code=200,
        response_model=BulkAnswer,
        response_description="A line for each that was sent, in their order, as soon as known; each as this schema.",
        openapi_extra={
            "requestBody": {
                "required": True,
                "description": "Lines in UTF-8, each of them as this schema.",
                "content": {kind: {"schema": copy.deepcopy(_line_schema())} for kind in KINDS},
            },
        },
    )
    async def bulk(
        request: Request,
        caller: Authenticated,
        dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        request.state.dry_run = dry_run
        await commands.prepared()
        return _Lines(_answers(request, caller, commands))

    return router


@cache
def _line_schema() -> dict[str, Any]:
    """The schema of a line. What it refers to is in the document, since a single referral refers to the same."""
    schema = BulkLine.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return schema


class _Ndjson(JSONResponse):
    """For the document alone, which takes the shape of an answer only from a class of JSON."""

    media_type = NDJSON


class _Lines(Response):
    """Lines as they become known, while the request's body is still being read.

    The framework's streaming answer listens for the client's leaving, and takes pieces of the body for it.
    """

    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        super().__init__(media_type=NDJSON)
        self._lines = lines
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        del scope, receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for line in self._lines:
            await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Spool:
    """Answers that the client has not taken yet, in order.

    Many clients send all before they read anything; if reading the request waited for them, both would wait for ever.
    What does not fit into memory waits in a file that has no name. Answers hold no personal data.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed at the end of `pieces`
        self._taken = self._added = 0
        self._moved = asyncio.Event()
        self._ended = False
        self._failure: Exception | None = None

    def add(self, line: bytes) -> None:
        """Another answer."""
        self._file.seek(self._added)
        self._added += self._file.write(line)
        self._moved.set()

    def end(self, failure: Exception | None = None) -> None:
        """There will be no further answer, since all are there or since that failed."""
        self._ended, self._failure = True, failure
        self._moved.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        """What was added, as soon as it is, until the end. Raises what the end was given."""
        try:
            while self._failure is None and (self._taken < self._added or not self._ended):
                if self._taken == self._added:
                    self._moved.clear()
                    await self._moved.wait()
                    continue
                self._file.seek(self._taken)
                piece = self._file.read(PIECE)
                self._taken += len(piece)
                if self._taken == self._added:
                    self._taken = self._added = 0
                    self._file.seek(0)
                    self._file.truncate()
                yield piece
        finally:
            with contextlib.suppress(OSError):
                # What does not fit is not written by closing either.
                self._file.close()
        if self._failure is not None:
            raise self._failure


async def _answers(request: Request, caller: Caller, commands: Commands) -> AsyncIterator[bytes]:
    spool = _Spool()
    under_way: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(AT_ONCE)
    work = [
        asyncio.create_task(_start(request, caller, commands, under_way)),
        asyncio.create_task(_collect(under_way, spool)),
    ]
    try:
        async for piece in spool.pieces():
            yield piece
    finally:
        # The client has left; lines that were begun are finished all the same.
        for task in work:
            task.cancel()


async def _start(
    request: Request, caller: Caller, commands: Commands, under_way: asyncio.Queue[asyncio.Task[bytes] | None]
) -> None:
    # A line waits for those before it that speak of the same person or have the same key: as if sent one by one.
    latest: dict[tuple[str, str], asyncio.Task[bytes]] = {}
    try:
        async for number, line in _lines(request):
            sent = _read(line)
            marks = _marks(sent)
            latest = {mark: earlier for mark, earlier in latest.items() if not earlier.done()}
            before = {latest[mark] for mark in marks if mark in latest}
            task = asyncio.create_task(_answer(request, caller, commands, number, sent, before))
            latest |= dict.fromkeys(marks, task)
            await under_way.put(task)
    except ClientDisconnect:
        pass
    finally:
        await under_way.put(None)


async def _collect(under_way: asyncio.Queue[asyncio.Task[bytes] | None], spool: _Spool) -> None:
    try:
        while (task := await under_way.get()) is not None:
            spool.add(await task)
    except OSError as failure:
        # No room for what the client does not take: the answer breaks off, and by its keys the client finds out what
        # was stored. Otherwise it would wait for ever.
        spool.end(Unavailable("room for answers", errno_name(failure)))
        return
    spool.end()


async def _lines(request: Request) -> AsyncIterator[tuple[int, bytes | None]]:
    """Numbered lines without empty ones; None for a line that is longer than a body may be."""
    limit = request.app.state.service.settings.body_limit
    rest, number, too_long = b"", 0, False
    async for chunk in request.stream():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            number += 1
            if too_long or line.strip():
                yield number, None if too_long or len(line) > limit else line
            too_long = False
        if len(rest) > limit:
            rest, too_long = b"", True
    if too_long or rest.strip():
        yield number + 1, None if too_long else rest


def _read(line: bytes | None) -> Any:
    """The JSON of a line, or the failure to read it: in any case, the lines behind it are read."""
    if line is None:
        return ProblemError(413, "BODY_TOO_LARGE", "a line is no longer than the body of a single request may be")
    try:
        return read_json(line, "the line")
    except Exception as failure:  # noqa: BLE001 - a line's failure is its own answer
        return failure


def _marks(sent: Any) -> list[tuple[str, str]]:
    if not isinstance(sent, dict):
        return []
    client = sent.get("client")
    ref = client.get("ref") if isinstance(client, dict) else None
    marks = {"key": sent.get("idempotencyKey"), "person": one_person(ref) if isinstance(ref, str) else None}
    return [(what, value) for what, value in marks.items() if isinstance(value, str)]


async def _answer(
    request: Request, caller: Caller, commands: Commands, number: int, sent: Any, before: set[asyncio.Task[bytes]]
) -> bytes:
    if before:
        await asyncio.wait(before)
    try:
        answer = await _result_of(request, caller, commands, sent)
        outcome: dict[str, Any] = {"status": answer.status_code, "referral": from_json(bytes(answer.body))}
        if REPLAYED in answer.headers:
            outcome["replayed"] = True
    except Exception as failure:  # noqa: BLE001 - a line's failure is its own answer
        error = from_validation(failure) if isinstance(failure, RequestValidationError) else as_problem(failure)
        request.app.state.count_refusal(error.code)
        if error.status >= 500:
            fields = {"trace_id": notes_of(request.scope).trace.trace_id, "failure": type(failure).__name__}
            if isinstance(failure, Unavailable):
                fields |= {"store": failure.store, "code": failure.code}
            log.error("a line failed", extra={"route": PATH, "status": error.status, **fields})  # noqa: TRY400 - a message could quote the line
        problem = problem_of(error, PATH).model_dump(by_alias=True, exclude_none=True)
        outcome = {"status": error.status, "problem": problem}
    return to_json({"line": number, **outcome}) + b"\n"


async def _result_of(request: Request, caller: Caller, commands: Commands, sent: Any) -> Response:
    # A line is a request: many in one body are no way around the rate.
    request.app.state.rates.take(caller.org)
    dry_run = request.state.dry_run

    async def copied() -> Any:
        return copy.deepcopy(sent)

    async def again(body: Any, _: frozenset[str]) -> Response:
        return await _take(request, caller, commands, body, dry_run=True)

    return await with_all_faults(
        lambda: _take(request, caller, commands, sent, dry_run=dry_run), copied, again, lambda: schema_of(BulkLine)
    )


async def _take(request: Request, caller: Caller, commands: Commands, sent: Any, *, dry_run: bool) -> Response:
    if isinstance(sent, Exception):
        raise sent
    if isinstance(sent, dict) and "idempotencyKey" not in sent:
        raise ProblemError(400, "IDEMPOTENCY_KEY_REQUIRED", "give every line an idempotencyKey of its own")
    try:
        body = BulkLine.model_validate(sent)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in faults]) from None
    check_text(sent, PERSONAL)
    key = read_key(body.idempotency_key)
    single = {name: value for name, value in sent.items() if name != "idempotencyKey"}
    # The same mark as of a single request: a line and a request with one key and body are one command.
    mark = fingerprint(request, "POST /v1/referrals", single)
    traceparent = str(notes_of(request.scope).trace.child())
    command = CommandRequest(caller, key, mark, None, dry_run=dry_run, traceparent=traceparent)
    return await commands.create(command, ReferralBody.model_validate(single))
