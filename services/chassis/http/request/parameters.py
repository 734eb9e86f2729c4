"""The parameters that many routes take: identifiers, page sizes, positions, and the headers of commands."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Depends, Header, Path, Query, Request
from pydantic import AfterValidator

from contracts.fields import IDENTIFIER as IDENTIFIER_PATTERN
from services.chassis.http.request.paths import identifier_in
from services.chassis.http.request.positions import read_position

DryRun = Annotated[bool, Query(alias="dryRun", description="Validate and show the outcome without storing anything.")]
KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="A quoted string or a bare UUID. A repeat with the same body gets the first answer.",
    ),
]
RequiredKeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Required. A quoted string or a bare UUID. A repeat with the same body gets the first answer.",
    ),
]
IfMatchHeader = Annotated[
    str | None,
    Header(alias="If-Match", description="Required. The ETag of your last read."),
]


async def covered(
    request: Request,
    wait_for: Annotated[
        str | None, Query(alias="waitFor", description="A Position; the answer waits until the view includes it.")
    ] = None,
) -> None:
    """Waits until the service covers the position asked for. Raises ProblemError 422 or 504."""
    if wait_for is not None:
        await request.app.state.service.cover(read_position(wait_for))


Covered = Annotated[None, Depends(covered)]

Limit = Annotated[int, Query(ge=1, le=200, description="The most items to return.")]
Expand = Annotated[
    Literal["full"] | None,
    Query(description="`full`: whole resources with their actions, as they are read one by one, and no summaries."),
]
IDENTIFIER: Final = IDENTIFIER_PATTERN
Identifier = Annotated[str, Path(json_schema_extra={"pattern": IDENTIFIER}), AfterValidator(identifier_in)]
