"""The query of a request, held against what its route knows: nothing that was asked for is passed over in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant

from services.chassis.http.problems.problem import MOST_FAULTS, ProblemError, safe_name
from services.chassis.modelling.decider import Fault

_COMPARED: Final = 80
"""Characters of an unknown name that are compared with the known ones."""


def known_parameters(dependant: Dependant) -> dict[str, bool]:
    """The query parameters of a route and of all that it depends on; True where one may be given several times."""
    known = {field.alias: _is_list(field.field_info.annotation) for field in dependant.query_params}
    for behind in dependant.dependencies:
        known |= known_parameters(behind)
    return known


def check_query(request: Request, known: Mapping[str, bool]) -> None:
    """Raises ProblemError 422 with every parameter that is not known, or is given more often than it may be."""
    if not request.scope["query_string"]:
        return
    given = Counter(name for name, _ in request.query_params.multi_items())
    looked_at = list(given.items())[:MOST_FAULTS]
    faults = [fault for name, times in looked_at for fault in _held_against(name, times, known)]
    if faults:
        raise ProblemError(422, faults[0].code, f"{faults[0].pointer}: {faults[0].detail}", errors=faults)


def _held_against(name: str, times: int, known: Mapping[str, bool]) -> list[Fault]:
    pointer = f"/query/{safe_name(name)}"
    if name not in known:
        return [Fault(pointer, "UNKNOWN_PARAMETER", _unknown(name, known))]
    if times > 1 and not known[name]:
        return [Fault(pointer, "REPEATED_PARAMETER", f"{name} is given {times} times; give it once")]
    return []


def _unknown(name: str, known: Mapping[str, bool]) -> str:
    if not known:
        return "unknown parameter; this route takes no query parameters"
    folded = {name.casefold(): name for name in known}
    near = get_close_matches(name[:_COMPARED].casefold(), folded, 1)
    listed = ", ".join(sorted(known))
    if not near:
        return f"unknown parameter; this route takes {listed}"
    return f"unknown parameter; did you mean {folded[near[0]]} (of {listed})"


def _is_list(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return any(_is_list(argument) for argument in get_args(annotation))
    return annotation is list or get_origin(annotation) is list
