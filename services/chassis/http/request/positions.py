"""What a caller names in a query and cannot be read or found: a position, or a filter's value."""

from __future__ import annotations

from services.chassis.http.problems.problem import ProblemError
from services.chassis.log.position import Position
from services.chassis.modelling.decider import Fault


def read_position(token: str) -> Position:
    """The position that a caller waits for. Raises ProblemError 422 when the token was not made by a service."""
    try:
        return Position.read(token)
    except ValueError:
        raise unreadable("waitFor", "the `Position` header of an earlier answer") from None


def unreadable(parameter: str, expected: str) -> ProblemError:
    """A query parameter that cannot be read."""
    fault = Fault(f"/query/{parameter}", "UNREADABLE_TOKEN", f"this is not {expected}")
    return ProblemError(422, fault.code, f"{parameter} cannot be read; give {expected}", errors=[fault])


def unknown_filter(parameter: str, expected: str) -> ProblemError:
    """A filter value that nothing can have."""
    fault = Fault(f"/query/{parameter}", "UNKNOWN_FILTER_VALUE", f"this is not {expected}")
    return ProblemError(422, fault.code, f"{parameter} is unknown; give {expected}", errors=[fault])
