"""Draws the states of a referral and of a case from the rows of their commands: `docs/states.md`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final

from contracts.codes import CaseState, ReferralState
from services.casefile import actions as case_actions
from services.casefile.other_commands import OTHER_COMMANDS as OF_A_CASE
from services.chassis.modelling.moves import Move
from services.referral import actions as referral_actions

START: Final = "[*]"
_HEAD: Final = """\
# States

`make contracts` draws these from the rows of the commands (`services/referral/actions.py`,
`services/casefile/actions.py` and `services/casefile/other_commands.py`). Tests run every command in every situation,
and hold the rows to what it did. [domain.md](domain.md) says who may do what, and by when.

On an arrow stands the command of a caller, or what brings the case there by itself: a message, or a term that passes.
"""


def moves_of_a_referral() -> dict[str, tuple[Move, ...]]:
    """Every way from one state of a referral to another, by the command or by its cause."""
    others = (move for other in referral_actions.OTHER_COMMANDS for move in other.leads_to)
    return _by_name(
        {row.name: row.leads_to for row in referral_actions.ACTIONS.values()}, (*others, *referral_actions.BY_OTHERS)
    )


def moves_of_a_case() -> dict[str, tuple[Move, ...]]:
    """Every way from one state of a case to another, by the command or by its cause."""
    others = (move for other in OF_A_CASE for move in other.leads_to)
    return _by_name({row.name: row.leads_to for row in case_actions.ACTIONS.values()}, others)


def _by_name(actions: Mapping[str, tuple[Move, ...]], others: Iterable[Move]) -> dict[str, tuple[Move, ...]]:
    found = {name: moves for name, moves in actions.items() if moves}
    for move in others:
        found[move.cause] = (*found.get(move.cause, ()), move)
    return found


def page() -> str:
    """`docs/states.md`."""
    of_a_referral = {row.name: row.states for row in referral_actions.ACTIONS.values()}
    of_a_case = {row.name: row.states for row in case_actions.ACTIONS.values()}
    return "\n".join(
        [
            _HEAD,
            "## A referral",
            "",
            *_diagram(ReferralState, moves_of_a_referral()),
            "",
            *_staying(ReferralState, of_a_referral, moves_of_a_referral()),
            "",
            "## A case",
            "",
            *_diagram(CaseState, moves_of_a_case()),
            "",
            *_staying(CaseState, of_a_case, moves_of_a_case()),
            "",
        ]
    )


def _diagram(states: type[StrEnum], moves: Mapping[str, tuple[Move, ...]]) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for since in (None, *states):
        for to in states:
            names = [name for name, ways in moves.items() if any(way.to == to and since in way.since for way in ways)]
            if names:
                yield f"    {since.value if since is not None else START} --> {to.value}: {', '.join(names)}"
    for state in states:
        if not any(state in way.since for ways in moves.values() for way in ways):
            yield f"    {state.value} --> {START}"
    yield "```"


def _staying(
    states: type[StrEnum], possible: Mapping[str, AbstractSet[str]], moves: Mapping[str, tuple[Move, ...]]
) -> Iterator[str]:
    yield "| State | Commands that always leave it as it is |"
    yield "|---|---|"
    for state in states:
        staying = [
            f"`{name}`"
            for name, since in possible.items()
            if state in since and not any(state in way.since for way in moves.get(name, ()))
        ]
        yield f"| `{state.value}` | {', '.join(staying) or 'none'} |"
