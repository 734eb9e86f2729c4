"""The difference between a case at two moments, in words: what is otherwise, and what happened in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from services.casefile.domain.state import Case
from services.casefile.domain.steps import OpenStep, Party
from services.casefile.timeline import Item
from services.casefile.views import timeline_view
from services.chassis.http.response.rendering import Json


def difference(before: Case, after: Case, earlier: Sequence[Item], later: Sequence[Item]) -> Json:
    """What changed from one case to another, sentence by sentence, and the items that only the later timeline has.

    What is no more on the later timeline was there at the first moment only: a moment may lie before another.
    """
    known = {item.event for item in earlier}
    added = [item for item in later if item.event not in known]
    there = {item.event for item in later}
    gone = [item for item in earlier if item.event not in there]
    changes = [*_changes(before, after), *_counted(added, "happened"), *_counted(gone, "had not happened yet")]
    return {
        "answer": " ".join(changes) if changes else "Nothing is different.",
        "changes": changes,
        "events": [timeline_view(item) for item in added],
    }


def _changes(before: Case, after: Case) -> Iterator[str]:
    if before.state is not after.state:
        yield f"The case went from {before.state or 'not opened'} to {after.state or 'not opened'}."
    if before.lead != after.lead:
        yield f"The lead passed from {_named(before.lead)} to {_named(after.lead)}."
    if before.organisation != after.organisation:
        yield f"It was with {before.organisation or 'no organisation'}, and then with {after.organisation or 'none'}."
    yield from _steps(before, after)
    mentors = before.match.mentor if before.match else None, after.match.mentor if after.match else None
    if mentors[0] != mentors[1]:
        yield f"The mentor was {mentors[0] or 'nobody'}, and then {mentors[1] or 'nobody'}."
    if before.close_reason != after.close_reason:
        yield f"The reason to close was {before.close_reason or 'none'}, and then {after.close_reason or 'none'}."
    settled = {*before.settled}
    for point, code, source in after.settled:
        if (point, code, source) not in settled:
            yield f"The result {point} is {code} ({source})."


def _steps(before: Case, after: Case) -> Iterator[str]:
    """Which steps ended, began, passed to somebody else, or are due at another time."""
    held, now = _by_key(before), _by_key(after)
    for key, step in held.items():
        if key not in now:
            yield f"{_step(step)} of {_named(step.owner)} ended."
    for key, step in now.items():
        if key not in held:
            yield f"{_step(step)} began with {_named(step.owner)}{_due(step)}."
        elif held[key].owner != step.owner:
            yield f"{_step(step)} passed from {_named(held[key].owner)} to {_named(step.owner)}."
        elif held[key].due_at != step.due_at:
            yield f"{_step(step)} is{_due(step).removeprefix(',') or ' due at no time'}, and not as before."


def _by_key(case: Case) -> dict[str, OpenStep]:
    return {step.key: step for step in case.steps}


def _step(step: OpenStep) -> str:
    return f"{step.step} ({step.about})" if step.about else step.step


def _due(step: OpenStep) -> str:
    return f", due {step.due_at:%Y-%m-%d %H:%M} UTC" if step.due_at is not None else ""


def _named(party: Party | None) -> str:
    return f"{party.sub} ({party.role} of {party.org})" if party is not None else "nobody"


def _counted(items: Sequence[Item], what: str) -> Iterator[str]:
    """Which events, and of each type how many, in the order in which they first happened."""
    if items:
        kinds = Counter(item.type for item in items)
        yield f"In between {what}: {', '.join(f'{kind} {count}' for kind, count in kinds.items())}."
