"""Which of the kinds that a route answers in a caller accepts (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers

from services.chassis.http.problems.problem import ProblemError


def accepted(headers: Headers, kinds: Sequence[str]) -> str:
    """The one of these media types that the caller likes best, of equal ones the first. Raises ProblemError 406."""
    ranges_sent = [part for line in headers.getlist("accept") for part in line.split(",") if part.strip()]
    if not ranges_sent:
        return kinds[0]
    weights = {kind: _weight(ranges_sent, kind) for kind in kinds}
    best = max(kinds, key=lambda kind: weights[kind])
    if weights[best] <= 0:
        raise ProblemError(406, "NOT_ACCEPTABLE", f"this is answered as {' or '.join(kinds)}")
    return best


def _weight(ranges_sent: Sequence[str], kind: str) -> float:
    """The weight of the most specific range that the kind is in; 0 for one in none."""
    found: tuple[int, float] = (-1, 0.0)
    for part in ranges_sent:
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        ranges = ("*/*", f"{kind.split('/', maxsplit=1)[0]}/*", kind)
        if media in ranges:
            found = max(found, (ranges.index(media), _quality(parameters)), key=lambda range_: range_[0])
    return found[1]


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
