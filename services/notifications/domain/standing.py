"""Where a case and a referral stand, as somebody knows it who has read their events in the order of the feed.

Each organisation has read its own: what it may not see has not happened for it. So one that receives what it may see
comes to the same by the same tables, and the two can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.codes import CaseState, ReferralState, Step
from contracts.visibility import Parties, Relation
from services.chassis.modelling.days import in_utc
from services.notifications.domain.inbox import MessageTaken

_CASE: Final[Mapping[str, CaseState]] = {
    "ReferralSubmitted": CaseState.REFERRED,
    "CaseReopened": CaseState.OPENED,
    "MatchProposed": CaseState.MATCH_PROPOSED,
    "MatchRejected": CaseState.MATCHING,
    "AgreementSigned": CaseState.MENTORING,
    "TrajectoryResumed": CaseState.MENTORING,
    "TrajectorySuspended": CaseState.SUSPENDED,
    "TrajectoryCompleted": CaseState.HANDBACK_DUE,
    "HandbackRequested": CaseState.HANDBACK_REQUESTED,
    "CaseClosed": CaseState.CLOSED,
    "CaseFinalised": CaseState.FINALISED,
}
_RETURNS: Final = frozenset({"ReferralReturned", "CaseReturned", "HandbackAccepted"})
_AFTER_MATCH: Final = {"REMATCH": CaseState.MATCHING, "HANDBACK": CaseState.HANDBACK_DUE}
_REFERRAL: Final[Mapping[str, ReferralState]] = {
    "ReferralSubmitted": ReferralState.SUBMITTED,
    "OfferMade": ReferralState.SUBMITTED,
    "ReferralReceived": ReferralState.RECEIVED,
    "InformationRequested": ReferralState.INFO_REQUESTED,
    "InformationProvided": ReferralState.RECEIVED,
    "ReferralWaitlisted": ReferralState.WAITLISTED,
    "ReferralAccepted": ReferralState.ACCEPTED,
    "ReferralDeclined": ReferralState.DECLINED,
    "ReferralWithdrawn": ReferralState.WITHDRAWN,
    "ReferralExpired": ReferralState.EXPIRED,
    "ReferralCompleted": ReferralState.COMPLETED,
    "ReferralEnteredInError": ReferralState.ENTERED_IN_ERROR,
}
_SAYS_ITSELF: Final = frozenset({"OfferMoved", "OfferAnswered"})
"""Their data have the state of the offer."""
_OFFERS: Final = frozenset({"OfferMade", "OfferMoved"})
"""What is about an anonymous offer, and no case that its receiver may know."""
_OVER: Final = frozenset({CaseState.CLOSED.value, CaseState.FINALISED.value})


class Standing(Struct, frozen=True):
    """What somebody knows of a case, or of a referral: its state, and the id of the last event.

    `state` is None for who has read nothing that says it, such as the stop alone; `since` is when its source recorded
    what led to it. `referral` is the one that the case was offered by last.
    """

    event: str
    state: str | None = None
    referral: str | None = None
    since: str | None = None


def several(broadcast: str) -> str:
    """What stands in the place of the referral as long as the case is offered to several at once."""
    return f"broadcast {broadcast}"


def follows_from_an_offer(event: MessageTaken) -> bool:
    """Whether an opening follows from an offer; only an agency that reopens a case by itself has none."""
    return event.name == "CaseOpened" or event.message.get("causationid") is not None


def case_after(held: Standing | None, event: MessageTaken) -> Standing | None:
    """What is known of a case after one more event about it; None for what is about no case."""
    if event.name in _OFFERS:
        return held
    data: Mapping[str, Any] = event.message["data"]
    before = held or Standing("")
    state, referral = before.state, before.referral
    match event.name:
        case "ReferralSubmitted" | "OfferWon":
            state, referral = CaseState.REFERRED.value, data["referral"]
        case "BroadcastOpened":
            state, referral = CaseState.REFERRED.value, several(data["broadcast"])
        case "BroadcastEnded":
            state = CaseState.OPENED.value if referral in (None, several(data["broadcast"])) else state
        case "CaseOpened" | "CaseReopened" if follows_from_an_offer(event):
            # From an offer, which was heard of before, and may have ended since.
            state = CaseState.REFERRED.value if state is None or state in _OVER else state
        case name if name in _RETURNS:
            # Another offer may have been made by then, and been heard of before.
            state = CaseState.OPENED.value if referral in (None, data["referral"]) else state
        case "ResponsibilityTransferred":
            state = CaseState.INTAKE.value if data["step"] == Step.INTAKE else state
        case "IntakeConcluded":
            state = CaseState.MATCHING.value if data["suitable"] else state
        case "MatchEnded":
            following = _AFTER_MATCH.get(data.get("next") or "")
            state = following.value if following is not None else state
        case name:
            following = _CASE.get(name)
            state = following.value if following is not None else state
    event_id, at = event.message["id"], in_utc(event.recorded_at, "microseconds")
    if state == before.state and referral == before.referral:
        return replace(before, event=event_id)
    if before.since is not None and at < before.since:
        # The two topics are taken in side by side: this is from before what brought the case where it is.
        return replace(before, event=event_id)
    return Standing(event_id, state, referral, at)


def referral_after(held: Standing | None, event: MessageTaken) -> Standing:
    """What is known of the referral that an event names, after it."""
    data: Mapping[str, Any] = event.message["data"]
    before = held or Standing("")
    if event.name in _SAYS_ITSELF:
        state = data["state"]
    elif event.name == "OfferWon" and before.state is None:
        # So it stood apart from the case, for who accepts; that it was accepted follows.
        state = ReferralState.RECEIVED.value
    else:
        following = _REFERRAL.get(event.name)
        state = following.value if following is not None else before.state
    return replace(before, event=event.message["id"], state=state)


def is_open(state: str | None, parties: Parties, organisation: str) -> bool:
    """Whether a case is one of the open ones of an organisation: it goes on there, and the organisation has a part."""
    if state is None or state in _OVER:
        return False
    return parties.relation(organisation) in (Relation.OWNER_AGENCY, Relation.ADDRESSED)


def referral_of(event: MessageTaken) -> str | None:
    """The referral that an event names."""
    named: str | None = event.message["data"].get("referral")
    return named


class Known(Struct, frozen=True):
    """What an organisation knows of a case and of its referrals, by their ids, from its events in their order."""

    case: Standing | None
    referrals: Mapping[str, Standing]


def known_from(events: Iterable[MessageTaken]) -> Known:
    """What is known of one case by all of these."""
    case: Standing | None = None
    referrals: dict[str, Standing] = {}
    for event in events:
        case = case_after(case, event)
        if (named := referral_of(event)) is not None:
            referrals[named] = referral_after(referrals.get(named), event)
    return Known(case, referrals)
