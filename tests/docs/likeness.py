"""Whether an answer is what a document shows: the same, but for ids and times, and for what `…` leaves out.

In JSON the text "…" stands for any value, as a member (`"…": "…"`) for any further members, and as an element for any
number of elements. In text it stands for anything within a line, and alone on a line for any number of lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

ELISION: Final = "…"

# What differs from one run to the next. Of a time the day remains: what a term ends on is part of what is shown.
_VOLATILE: Final = (
    (re.compile(r"(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)"), r"\1T<time>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
)


def differences(shown: str, kind: str, given: str) -> list[str]:
    """Where an answer differs from the block that shows it; none if they are alike."""
    if kind == "json":
        return _json(json.loads(shown), json.loads(given), "")
    lines = [line.rstrip() for line in given.replace("\r", "").splitlines()]
    expected = [line.rstrip() for line in shown.splitlines()]
    if _lines(expected, lines):
        return []
    return ["shown:", *expected, "given:", *lines]


def _json(shown: Any, given: Any, where: str) -> list[str]:
    if shown == ELISION:
        return []
    match shown, given:
        case dict(), dict():
            return _members(shown, given, where)
        case list(), list():
            return _elements(shown, given, where)
        case str(), str():
            return [] if _text(shown, given) else [f"{where}: {shown!r} is shown, {given!r} is given"]
        case _:
            alike = type(shown) is type(given) and shown == given
            return [] if alike else [f"{where}: {shown!r} is shown, {given!r} is given"]


def _members(shown: dict[str, Any], given: dict[str, Any], where: str) -> list[str]:
    named = shown.keys() - {ELISION}
    found = [f"{where}/{member} is shown, and not given" for member in sorted(named - given.keys())]
    if ELISION not in shown:
        found += [f"{where}/{member} is given, and not shown" for member in sorted(given.keys() - named)]
    for member in sorted(named & given.keys()):
        found += _json(shown[member], given[member], f"{where}/{member}")
    return found


def _elements(shown: list[Any], given: list[Any], where: str) -> list[str]:
    if _in_order(shown, given):
        return []
    if ELISION not in shown and len(shown) == len(given):
        pairs = enumerate(zip(shown, given, strict=True))
        return [fault for n, (one, other) in pairs for fault in _json(one, other, f"{where}/{n}")]
    return [f"{where}: the {len(given)} elements given are not those shown"]


def _in_order(shown: Sequence[Any], given: Sequence[Any]) -> bool:
    if not shown:
        return not given
    if shown[0] == ELISION:
        return any(_in_order(shown[1:], given[skipped:]) for skipped in range(len(given) + 1))
    return bool(given) and not _json(shown[0], given[0], "") and _in_order(shown[1:], given[1:])


def _lines(shown: Sequence[str], given: Sequence[str]) -> bool:
    if not shown:
        return not given
    if shown[0] == ELISION:
        return any(_lines(shown[1:], given[skipped:]) for skipped in range(len(given) + 1))
    return bool(given) and _text(shown[0], given[0]) and _lines(shown[1:], given[1:])


def _text(shown: str, given: str) -> bool:
    for volatile, placeholder in _VOLATILE:
        shown, given = volatile.sub(placeholder, shown), volatile.sub(placeholder, given)
    return re.fullmatch(".*".join(map(re.escape, shown.split(ELISION))), given, re.DOTALL) is not None
