"""All faults of a request in one refusal: those of its shape, of its texts and of the rules, as far as they are known.

A request that is refused for its input is looked at once more, without what is wrong with it and without writing
anything, as often as that shows something else. So no reader of a body has to know of the others, and a fault is told
only where it would be one however the members that cannot be read had been meant (`Fault.rests_on`).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import cache
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter
from starlette.types import Message, Receive

from services.chassis.access.policy import Forbidden, Hidden
from services.chassis.deciding.handler import NotFound
from services.chassis.http.problems.problem import MOST_FAULTS, ProblemError, safe_name
from services.chassis.http.problems.translation import EXPECTED, as_problem, from_validation
from services.chassis.http.request.mending import LOOKS_ONLY, Mended, Place, place_of
from services.chassis.http.request.strict_route import StrictRequest, StrictRoute
from services.chassis.modelling.decider import Because, Fault, Refused

T = TypeVar("T")

ROUNDS: Final = 12
"""More than the readers of a body and the rules that follow on each other; each round is one reading without effect."""
_BESIDE: Final = ("/query/", "/headers/")
_REFUSALS: Final[tuple[type[Exception], ...]] = (RequestValidationError, *EXPECTED)


class WithAllFaults(StrictRoute):
    """A strict route that tells all faults of a request at once. What it does honours `looks_only`, by `asked.py`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See FastAPI."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        body: Any = self.body_field.field_info.annotation

        async def handler(request: Request) -> Response:
            async def again(body: Any, without: frozenset[str]) -> Response:
                return await handle(_mended(request, body, without))

            strict = StrictRequest(request.scope, request.receive)

            async def sent() -> Any:
                return await strict.json() if await strict.body() else {}

            return await with_all_faults(lambda: handle(strict), sent, again, lambda: schema_of(body))

        return handler


@cache
def schema_of(body: Any) -> Mapping[str, Any]:
    """The JSON Schema of a body, by its annotation; made when first asked for, since it costs milliseconds."""
    return TypeAdapter(body).json_schema()


async def with_all_faults(
    first: Callable[[], Awaitable[T]],
    sent: Callable[[], Awaitable[Any]],
    again: Callable[[Any, frozenset[str]], Awaitable[object]],
    schema: Callable[[], Mapping[str, Any]],
) -> T:
    """What `first` answers; where it refuses the input, the same refusal with all other faults that can be known.

    `sent` gives the body, newly read; `again` reads a mended one without any effect, leaving out the query parameters
    and headers whose pointers it is given; `schema` makes the JSON Schema of the body, which only a refusal needs.
    """
    try:
        return await first()
    except (RequestValidationError, ProblemError, Refused) as error:
        refused: Exception = error
    refusal = of_input(refused)
    if refusal is None or len(refusal.errors) >= MOST_FAULTS:
        # No room for another fault; and a body with so many is dear to read, once as well as often.
        raise refused
    try:
        body = await sent()
    except (ProblemError, ValueError, RecursionError):
        body = None
    others = await _others(Mended(body, schema()), _located(refused, refusal), again) if isinstance(body, dict) else []
    if not others:
        raise refused
    raise ProblemError(
        refusal.status,
        refusal.code,
        refusal.detail,
        errors=[*refusal.errors, *others][:MOST_FAULTS],
        headers=refusal.headers,
        who_can_unblock=refusal.who_can_unblock,
    )


async def _others(
    mended: Mended,
    found: list[tuple[Fault, Place | None]],
    again: Callable[[Any, frozenset[str]], Awaitable[object]],
) -> list[Fault]:
    others: list[Fault] = []
    without: frozenset[str] = frozenset()
    for _ in range(ROUNDS):
        beside = {fault.pointer for fault, _ in found if fault.pointer.startswith(_BESIDE)}
        places = [
            place if place is not None else place_of(fault.pointer, mended.body)
            for fault, place in found
            if fault.pointer not in beside
        ]
        if beside & without or not mended.mend(places):
            return others
        without |= beside
        try:
            await again(mended.body, without)
        except (Forbidden, Hidden, NotFound):
            # Anyone who may not do it at all is not told how it would be done.
            raise
        except _REFUSALS as error:
            refusal = of_input(error)
            if refusal is None:
                return others
            found = _located(error, refusal)
            others += [fault for fault, _ in found if mended.knows(fault)]
        except RecursionError:
            return others
        else:
            return others
    return others


def of_input(error: Exception) -> ProblemError | None:
    """The refusal of a request whose input has faults; None for any other."""
    match error:
        case RequestValidationError():
            refusal = from_validation(error)
        case ProblemError():
            refusal = error
        case Refused() if error.because is Because.INPUT:
            refusal = as_problem(error)
        case _:
            return None
    return refusal if refusal.status == 422 and refusal.errors else None


def _located(error: Exception, refusal: ProblemError) -> list[tuple[Fault, Place | None]]:
    """Each fault with its place in the body, where the reader of the body knows it better than the pointer says it."""
    if not isinstance(error, RequestValidationError):
        return [(fault, None) for fault in refusal.errors]
    places = [tuple(fault["loc"]) for fault in error.errors()]
    return [
        (fault, place[1:] if place[:1] == ("body",) else None)
        for fault, place in zip(refusal.errors, places, strict=False)
    ]


def _mended(request: Request, body: Any, without: frozenset[str]) -> Request:
    query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    scope = {
        **request.scope,
        LOOKS_ONLY: True,
        "query_string": urlencode(
            [(name, value) for name, value in query if f"/query/{safe_name(name)}" not in without]
        ).encode(),
        "headers": [
            (name, value)
            for name, value in request.scope["headers"]
            if f"/headers/{name.decode('latin-1')}" not in {parameter.lower() for parameter in without}
        ],
    }
    return Request(scope, _given(json.dumps(body).encode()))


def _given(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
