"""Which terms of several offers are late: the case's lead finds them, for no organisation has the case on its worklist.

The referral service keeps the clocks, and tells of each offer apart.
"""

from __future__ import annotations

from typing import Final

from contracts.codes import DeadlineName, Step
from contracts.terms import LadderLevel
from services.casefile.domain.open_matters import LateOffer, LateTerm
from services.casefile.domain.referral_entry import ESCALATIONS, NO_ACTS, ReferralEntryTaken
from services.casefile.domain.state import Case
from services.casefile.domain.steps import find

MISSED: Final = ESCALATIONS | {"DeadlineMissed"}
_STILL_LATE: Final = {"ReferralReceived": DeadlineName.DECISION.value}
"""What a late receipt leaves late; every other act ends what its offer was late with."""
_AWAITED: Final = {DeadlineName.RECEIPT.value: "receive", DeadlineName.INFORMATION.value: "provide-information"}
"""The action that a term waits for; every other one waits for the organisation's decision."""


def late_after(case: Case, entry: ReferralEntryTaken) -> tuple[LateTerm, ...]:
    """What is late in the case after something happened to one of its offers."""
    if entry.name in MISSED:
        return _missed(case, entry)
    if entry.name in NO_ACTS or not case.late:
        return case.late
    stays = _STILL_LATE.get(entry.name)
    left = tuple(late for late in case.late if not _is_of(late, entry) or late.name == _name(stays, entry))
    return left if len(left) < len(case.late) else case.late


def _missed(case: Case, entry: ReferralEntryTaken) -> tuple[LateTerm, ...]:
    step = find(case.steps, Step.REFERRAL_ANSWER)
    if step is None or entry.due_at is None or case.broadcast is None:
        return case.late
    term = "WAITLIST_ALERT" if entry.name == "WaitlistAlerted" else entry.codes[0]
    name, action = _name(term, entry), _AWAITED.get(term, "accept")
    held = next((late for late in case.late if late.is_of(name, entry.due_at)), None)
    receivers = (*(held.notified if held is not None else ()), *(entry.notified or ()))
    late = LateTerm(
        name=name,
        key=step.key,
        due_at=entry.due_at,
        level=max(held.level if held is not None else "", entry.level or LadderLevel.L1.value),
        notified=tuple(dict.fromkeys(receivers)),
        offer=LateOffer(
            referral=entry.referral,
            organisation=entry.organisation,
            awaited=entry.agency if action == "provide-information" else entry.organisation,
            action=action,
        ),
    )
    return (*(other for other in case.late if other is not held), late)


def _is_of(late: LateTerm, entry: ReferralEntryTaken) -> bool:
    return late.offer is not None and late.offer.referral == entry.referral


def _name(term: str | None, entry: ReferralEntryTaken) -> str:
    return f"{term}:{entry.referral}"
