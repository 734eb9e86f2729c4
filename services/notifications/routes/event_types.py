"""The parameter `types`: the CloudEvents types to which a feed or a stream is limited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Query

from services.chassis.http.problems.problem import ProblemError
from services.chassis.modelling.decider import Fault
from services.notifications.catalogue import MESSAGES


async def wanted_types(
    types: Annotated[
        list[str] | None,
        Query(
            description="Return only these CloudEvents types, separated by commas or repeated. Default: all.",
            examples=[["org.caserelay.referral.submitted.v1"]],
        ),
    ] = None,
) -> tuple[str, ...] | None:
    """The CloudEvents types asked for. Raises ProblemError 422 for one that is not published here."""
    if types is None:
        return None
    wanted = tuple(dict.fromkeys(kind for several in types for kind in several.split(",")))
    if any(kind not in MESSAGES for kind in wanted):
        # The answer does not repeat the value: it may be anything that somebody typed.
        detail = f"must be one of: {', '.join(MESSAGES)}"
        raise ProblemError(
            422, "UNKNOWN_TYPE", f"types: {detail}", errors=[Fault("/query/types", "UNKNOWN_TYPE", detail)]
        )
    return wanted


Types = Annotated[Sequence[str] | None, Depends(wanted_types)]
