"""What may be wrong with a document, made of one that is right: every field gone, null, or of another kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from tests.support import golden

VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    1.0,
    1.5,
    2**63,
    1_768_208_400,
    "",
    "x",
    "0",
    "1",
    "-1",
    "true",
    "yes",
    "null",
    "NO_SUCH_CODE",
    "two\nlines, \u00eb and \U0001f600",
    "2026-01-12",
    "2026-02-30",
    "20260112",
    "2026-01-12T00:00:00Z",
    "2026-01-12T09:10:11Z",
    "2026-01-12t09:10:11z",
    "2026-01-12T09:10:11.123456Z",
    "2026-01-12T09:10:11.123456789Z",
    "2026-01-12T09:10:11+02:00",
    "2026-01-12T09:10:11+0200",
    "2026-01-12T09:10:11",
    "2026-01-12T09:10Z",
    "2026-01-12 09:10:11Z",
    "2026-01-12T25:10:11Z",
    "1768208400",
    [],
    [None],
    ["x"],
    [1],
    {},
    {"x": None},
    {"x": "x"},
    {"x": 1},
    {"x": True},
)
"""What is put in the place of every value: each kind of JSON, and texts that are almost a number, a day or a time."""

_TERM: Final = {"name": "NGO_ACCESS", "dueAt": "2026-06-01T21:59:59Z", "remindAt": "2026-05-15T21:59:59Z"}
_FILLED: Final[dict[str, dict[str, Any]]] = {
    "org.caserelay.case.correction_recorded.v1": {"organisation": "vdab-gent"},
    "org.caserelay.case.deadline_missed.v1": {"deadlines": [_TERM]},
    "org.caserelay.case.handback_accepted.v1": {"access": _TERM},
    "org.caserelay.case.intake_concluded.v1": {"reason": "TERM_REACHED"},
    "org.caserelay.case.returned.v1": {"deadlines": [_TERM]},
    "org.caserelay.case.suspension_reviewed.v1": {"deadlines": [_TERM]},
    "org.caserelay.referral.declined.v1": {"access": _TERM},
    "org.caserelay.referral.entered_in_error.v1": {"access": _TERM},
    "org.caserelay.referral.expired.v1": {"access": _TERM},
    "org.caserelay.referral.withdrawn.v1": {"access": _TERM},
}
"""Optional fields that no sample of the golden corpus has, by the type of the message."""
ENVELOPE: Final = "cloudevent"


def documents() -> dict[str, dict[str, Any]]:
    """A document of every sample in the golden corpus, by its place there, with its optional fields filled.

    And the envelope of one that has all attributes, as `cloudevent`. A fresh copy each time.
    """
    samples = {
        f"{file.parent.name}/{file.stem}": json.loads(file.read_text(encoding="utf-8"))
        for file in sorted(golden.MESSAGES.glob("*/*.json"))
    }
    found = {name: {**sample["data"], **_FILLED.get(sample["type"], {})} for name, sample in samples.items()}
    for data in found.values():
        if "actor" in data:
            data["actor"] = {**data["actor"], "onBehalfOf": "samira", "onBehalfReason": "NO_ACCOUNT"}
    fullest = max(samples.values(), key=len)
    del fullest["data"]
    trace = fullest.pop("traceparent")
    cause = {"causationid": "a", "causationsequence": "7"}
    return {**found, ENVELOPE: {**fullest, **cause, "traceparent": trace, "data": {"x": 1, "y": None}}}


def mutations(document: dict[str, Any]) -> Iterator[str]:
    """Changes the document in one place after another, and says how; as the iteration goes on, it is changed back.

    First comes the document as it is. Of a list, the first element is changed, and one more put at its end.
    """
    yield "as it is"
    yield from _of_object(document, "")


def _of_object(changed: dict[str, Any], at: str) -> Iterator[str]:
    changed["notKnownToday"] = {"later": [1, "x", None]}
    yield f"{at or '/'} has a field that came later"
    del changed["notKnownToday"]
    for name in list(changed):
        # The order of the others stays as it was.
        before = dict(changed)
        del changed[name]
        yield f"{at}/{name} is gone"
        changed.clear()
        changed.update(before)
        yield from _of_value(changed, name, f"{at}/{name}")


def _of_value(parent: Any, place: str | int, at: str) -> Iterator[str]:
    was = parent[place]
    for value in VALUES:
        parent[place] = value
        yield f"{at} is {value!r}"
    parent[place] = was
    match was:
        case dict():
            yield from _of_object(was, at)
        case list():
            for value in VALUES:
                was.append(value)
                yield f"{at} has {value!r} at its end"
                was.pop()
            if was:
                yield from _of_value(was, 0, f"{at}/0")
