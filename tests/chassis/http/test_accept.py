"""Which of the kinds that a route answers in a caller is given (RFC 9110, 12.5.1)."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.accept import accepted

KINDS = ("application/json", "text/csv")


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ([], "application/json"),
        (["*/*"], "application/json"),
        (["text/csv"], "text/csv"),
        (["TEXT/CSV; charset=utf-8"], "text/csv"),
        (["text/*"], "text/csv"),
        (["text/html, text/csv;q=0.5"], "text/csv"),
        (["text/csv;q=0.5, application/json;q=0.4"], "text/csv"),
        (["text/csv", "application/json"], "application/json"),
        (["*/*;q=0.1, text/csv"], "text/csv"),
        (["*/*, application/json;q=0"], "text/csv"),
    ],
)
def test_the_kind_that_is_liked_best_is_given(sent: list[str], kind: str) -> None:
    """Of equal ones the first of the route; the most specific range counts, and 0 means not at all."""
    assert accepted(Headers(raw=[(b"accept", line.encode()) for line in sent]), KINDS) == kind


@pytest.mark.parametrize("line", ["application/pdf", "text/html", "text/csv;q=0", "csv", "*/*;q=0", "text/csv;q=much"])
def test_a_kind_that_there_is_not_is_refused_with_those_that_there_are(line: str) -> None:
    """406."""
    with pytest.raises(ProblemError) as refused:
        accepted(Headers(raw=[(b"accept", line.encode())]), KINDS)
    assert (refused.value.status, refused.value.code) == (406, "NOT_ACCEPTABLE")
    assert all(kind in refused.value.detail for kind in KINDS)
