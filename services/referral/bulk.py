"""Bulk intake: referrals as NDJSON, a line in, a line out, in order and as soon as each is known.

A line is taken like a request of its own, with its own key; a bad line spoils only itself.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from services.chassis.http.asked import Asked, Authenticated, check_text, fingerprint, read_key
from services.chassis.http.problems import ProblemError, as_problem, from_validation, problem_of
from services.chassis.identity import Caller
from services.chassis.traceparent import follow
from services.referral.api import PERSONAL
from services.referral.bodies import BulkLine, ReferralBody
from services.referral.intake import Intake

AT_ONCE: Final = 32
"""Lines under way at the same time: enough to share commits, few enough to bound memory."""
PATH: Final = "/v1/referrals/bulk"
NDJSON: Final = "application/x-ndjson"


def routes(intake: Intake) -> APIRouter:
    """`POST /v1/referrals/bulk`."""
    router = APIRouter(tags=["referrals"])

    @router.post(
        PATH,
        summary="Submit many referrals, a line each (NDJSON); each with its own `idempotencyKey`.",
        response_class=StreamingResponse,
        responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}}},
        openapi_extra={
            "requestBody": {"required": True, "content": {NDJSON: {"schema": {"type": "string"}}}},
        },
    )
    async def bulk(request: Request, caller: Authenticated) -> Response:
        return StreamingResponse(_answers(request, caller, intake), media_type=NDJSON)

    return router


async def _answers(request: Request, caller: Caller, intake: Intake) -> AsyncIterator[bytes]:
    under_way: deque[asyncio.Task[bytes]] = deque()
    try:
        async for number, line in _lines(request):
            under_way.append(asyncio.create_task(_answer(request, caller, intake, number, line)))
            while under_way and (len(under_way) >= AT_ONCE or under_way[0].done()):
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()


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


async def _answer(request: Request, caller: Caller, intake: Intake, number: int, line: bytes | None) -> bytes:
    try:
        answer = await _take(request, caller, intake, line)
        outcome: dict[str, Any] = {"status": answer.status_code, "referral": from_json(bytes(answer.body))}
    except Exception as failure:  # noqa: BLE001 - a line's failure is its own answer
        error = from_validation(failure) if isinstance(failure, RequestValidationError) else as_problem(failure)
        problem = problem_of(error, PATH).model_dump(by_alias=True, exclude_none=True)
        outcome = {"status": error.status, "problem": problem}
    return to_json({"line": number, **outcome}) + b"\n"


async def _take(request: Request, caller: Caller, intake: Intake, line: bytes | None) -> Response:
    if line is None:
        raise ProblemError(413, "BODY_TOO_LARGE", "a line has at most as many bytes as the body of a single request")
    try:
        sent = json.loads(line)
    except (ValueError, RecursionError):
        raise ProblemError(400, "UNREADABLE_JSON", "the line is no valid JSON (RFC 8259, UTF-8)") from None
    if isinstance(sent, dict) and "idempotencyKey" not in sent:
        raise ProblemError(400, "IDEMPOTENCY_KEY_REQUIRED", "every line needs an idempotencyKey of its own")
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
    asked = Asked(caller, key, mark, None, dry_run=False, traceparent=str(follow(request.headers.get("traceparent"))))
    return await intake.create(asked, ReferralBody.model_validate(single))
