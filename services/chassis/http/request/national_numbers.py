"""Refuses national numbers in bodies: they must not be stored anywhere."""

from __future__ import annotations

from typing import Any

from services.chassis.http.problems.problem import MOST_FAULTS, ProblemError, safe_name
from services.chassis.modelling.decider import Fault
from services.chassis.vault import national_number


def check_text(body: Any, skip: frozenset[str] = frozenset(), written: bytes | None = None) -> None:
    """Refuses a body that has a valid Belgian national number in any text outside the top-level fields `skip`.

    Names of fields are texts too. `written` is the body as it came, where it is at hand: most have nothing in them
    that could be such a number, which is quickly seen. Raises ProblemError 422 with the pointer of each place; the
    number itself is not repeated.
    """
    if written is not None and not _may_hold_number(written):
        return
    faults = [
        Fault(pointer, "NATIONAL_NUMBER", "a national number is not allowed here; remove it")
        for pointer in _places(body, "", skip)[:MOST_FAULTS]
    ]
    if faults:
        raise ProblemError(422, "NATIONAL_NUMBER", f"{faults[0].pointer}: {faults[0].detail}", errors=faults)


def _may_hold_number(written: bytes) -> bool:
    # Behind an escape, or in UTF-16, a digit looks like something else.
    if b"\\" in written or b"\0" in written:
        return True
    try:
        return national_number.may_be_in(written.decode())
    except UnicodeDecodeError:
        return True


def _places(value: Any, pointer: str, skip: frozenset[str] = frozenset()) -> list[str]:
    match value:
        case str():
            return [pointer] if national_number.find(value) else []
        case list():
            return [place for n, item in enumerate(value) for place in _places(item, f"{pointer}/{n}")]
        case dict():
            places = []
            for name, member in value.items():
                inside = f"{pointer}/{safe_name(name)}"
                places += [inside] if national_number.find(name) else []
                places += _places(member, inside) if name not in skip else []
            return places
        case int() | float() if not isinstance(value, bool):
            return [pointer] if national_number.find(str(value)) else []
        case _:
            return []
