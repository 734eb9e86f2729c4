"""Who was responsible in a case, read from its record: when nobody was, and when two were at once.

What decisions record never leaves such a time. So it is read from what events say that they begin and end, and not
from the rule that a step has one owner, which would hide it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.codes import CaseState
from services.casefile.domain.organisation_part import ResponsibilityTransferred
from services.casefile.domain.people import CoordinatorReassigned, CounsellorReassigned
from services.casefile.domain.state import Case
from services.casefile.domain.steps import BESIDE, Moves, OpenStep, Party
from services.casefile.reports.report import History, Moment, referral_in

NOBODY: Final = "NOBODY"
TWO_PARTIES: Final = "TWO_PARTIES"
_OVER: Final = (CaseState.CLOSED, CaseState.FINALISED)


class Lapse(Struct, frozen=True, array_like=True):
    """A time in which nobody was responsible, or two parties for one step; `end` is None as long as it goes on.

    `step` is the one that two parties had, or the last one that somebody had. `parties` are roles with organisations.
    `withheld`: the organisation does not read it, for its part is closed, another one was a party, or the case left it
    before the end.
    """

    kind: str
    begin: datetime
    end: datetime | None
    step: str | None
    organisation: str | None
    parties: tuple[str, ...] = ()
    withheld: bool = False


def lapses(history: History) -> Iterator[Lapse]:
    """Every such time in a case, in order. What one moment ends and another begins at once is none."""
    yield from _ended(_nobody(history))
    yield from _ended(_two_parties(history))


def _ended(found: Iterator[Lapse]) -> Iterator[Lapse]:
    return (lapse for lapse in found if lapse.end is None or lapse.end > lapse.begin)


def is_open(case: Case) -> bool:
    """Whether somebody has to be responsible: from the case's opening until it is closed."""
    return case.state is not None and case.state not in _OVER


def has_owner(case: Case) -> bool:
    """Whether a step of the case's way is open; what runs beside it, such as an escalation, leads nowhere."""
    return any(step.step not in BESIDE for step in case.steps)


def _nobody(history: History) -> Iterator[Lapse]:
    lapse: Lapse | None = None
    for moment in history.moments:
        at, case = moment.recorded.meta.recorded_at, moment.after
        void = is_open(case) and not has_owner(case)
        if void and lapse is None:
            closed = history.is_over(referral_in(case))
            lapse = Lapse(NOBODY, at, None, moment.before.current_step, case.organisation, withheld=closed)
        elif not void and lapse is not None:
            yield replace(lapse, end=at)
            lapse = None
        elif lapse is not None and case.organisation != lapse.organisation:
            lapse = replace(lapse, withheld=True)
    if lapse is not None:
        yield lapse


def _two_parties(history: History) -> Iterator[Lapse]:
    """What several have at once, by the step's key; a step that opens again with its owner is the same one."""
    held: dict[str, list[Party]] = {}
    since: dict[str, Lapse] = {}
    for moment in history.moments:
        at, event = moment.recorded.meta.recorded_at, moment.recorded.event
        _hand_over(event, held)
        if isinstance(event, Moves):
            for key in event.closes:
                held.pop(key, None)
            for step in event.opens:
                _take(step, held)
        else:
            # Such an event does not say what it opens: the case does.
            held = {
                key: parties for key, parties in held.items() if any(key == step.key for step in moment.after.steps)
            }
            for step in moment.after.steps:
                if step.key not in held or step.owner not in held[step.key]:
                    held[step.key] = [step.owner]
        for key in [key for key in since if len(held.get(key, ())) < 2]:
            yield replace(since.pop(key), end=at)
        since |= {key: _of_two(history, moment, key, held[key], lapse) for key, lapse in _begun(held, since)}
    yield from since.values()


def _begun(held: Mapping[str, Sequence[Party]], since: Mapping[str, Lapse]) -> list[tuple[str, Lapse | None]]:
    """The steps that two parties have now, each with the time that goes on, None where it begins."""
    return [(key, since.get(key)) for key, parties in held.items() if len(parties) > 1]


def _of_two(history: History, moment: Moment, key: str, parties: Sequence[Party], known: Lapse | None) -> Lapse:
    case, at = moment.after, moment.recorded.meta.recorded_at
    if known is not None:
        return known if case.organisation == known.organisation else replace(known, withheld=True)
    others = {party.org for party in parties} - {case.agency, case.organisation}
    withheld = bool(others) or history.is_over(referral_in(case))
    return Lapse(TWO_PARTIES, at, None, key, case.organisation, tuple(map(_named, parties)), withheld)


def _named(party: Party) -> str:
    return f"{party.role} of {party.org}"


def _hand_over(event: object, held: dict[str, list[Party]]) -> None:
    if isinstance(event, CounsellorReassigned | CoordinatorReassigned | ResponsibilityTransferred):
        for parties in held.values():
            parties[:] = dict.fromkeys(event.receiver if party == event.giver else party for party in parties)


def _take(step: OpenStep, held: dict[str, list[Party]]) -> None:
    parties = held.setdefault(step.key, [])
    if step.owner not in parties:
        parties.append(step.owner)
