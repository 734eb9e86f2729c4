"""All faults of a request at once, and no more work than what is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from services.chassis.http.problems.problem import MOST_FAULTS, ProblemError
from services.chassis.http.request.all_faults import with_all_faults
from services.chassis.modelling.decider import Fault


@pytest.mark.parametrize(("faults", "looks"), [(MOST_FAULTS - 1, 1), (MOST_FAULTS, 0)])
async def test_a_body_with_as_many_faults_as_are_told_is_not_looked_at_once_more(faults: int, looks: int) -> None:
    """A megabyte may have a hundred thousand of them, and reading it costs as much every time."""
    again: list[Any] = []

    async def first() -> None:
        errors = [Fault(f"/a{n}", "UNKNOWN_FIELD", "leave it out") for n in range(faults)]
        raise ProblemError(422, "UNKNOWN_FIELD", "leave it out", errors=errors)

    async def sent() -> Any:
        return {f"a{n}": 1 for n in range(faults)}

    async def look(body: Any, _: frozenset[str]) -> None:
        again.append(body)

    with pytest.raises(ProblemError) as refused:
        await with_all_faults(first, sent, look, lambda: {"type": "object"})
    assert (len(refused.value.errors), len(again)) == (faults, looks)
