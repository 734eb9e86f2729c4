"""From which states a referral accepts which command, and what else stands in the way.

The same rules answer a command (`allow` raises) and a reader who wants to know what is possible (`blocked` returns).
"""

from __future__ import annotations

from functools import lru_cache

from contracts.codes import OrganisationKind, ReferralState
from services.chassis.modelling.decider import Actor, Because, Refused
from services.referral.domain.context import Context, nothing_recorded
from services.referral.domain.offer import acts_for
from services.referral.domain.organisation import Organisation
from services.referral.domain.referral_state import TERMINAL, UNANSWERED, Referral

_S = ReferralState
POSSIBLE_FROM: dict[str, tuple[ReferralState, ...]] = {
    "edit": (_S.DRAFT,),
    "submit": (_S.DRAFT,),
    "receive": (_S.SUBMITTED,),
    "request-information": (_S.RECEIVED, _S.WAITLISTED),
    "provide-information": (_S.INFO_REQUESTED,),
    "waitlist": (_S.RECEIVED,),
    "accept": (_S.RECEIVED, _S.WAITLISTED),
    "decline": UNANSWERED,
    "withdraw": (_S.DRAFT, *UNANSWERED),
    "complete": (_S.ACCEPTED,),
    "mark-error": tuple(state for state in _S if state is not _S.ENTERED_IN_ERROR),
    "confirm-error": tuple(state for state in _S if state is not _S.ENTERED_IN_ERROR),
}
"""The commands on a referral in docs/domain.md: from which states each is possible."""


@lru_cache
def _in_words(possible: tuple[ReferralState, ...]) -> str:
    if len(possible) == len(ReferralState) - 1:
        return "any other state"
    return " or ".join(filter(None, (", ".join(possible[:-1]), *possible[-1:])))


ACTIONS = tuple(action for action in POSSIBLE_FROM if action not in ("edit", "complete"))
"""The commands that have a route of their own, each named by its last segment."""

USES_DATA = frozenset({"receive", "request-information", "provide-information", "waitlist", "accept", "decline"})
"""The commands that use or disclose the person's data, and so need a legal basis that is still valid."""


def allow(action: str, context: Context, by: Actor) -> None:
    """Raises Refused where the action is blocked."""
    if (refusal := blocked(action, context, by)) is not None:
        raise refusal


def blocked(action: str, context: Context, by: Actor) -> Refused | None:
    """What stands in the way of the action for this person, whatever its body; None where nothing does.

    Whether the person's role may do it at all is not asked here.
    """
    referral = context.referral
    if referral.state is None:
        return nothing_recorded()
    if action in USES_DATA and (refusal := context.legal_basis.refusal()) is not None:
        return refusal
    possible = (context.possible_from or POSSIBLE_FROM)[action]
    if referral.state not in possible:
        return _not_in_this_state(action, referral, possible)
    match action:
        case "submit":
            return _agency_may_not_offer(context.agency)
        case "request-information":
            return _asked_too_often(context, referral)
        case "accept":
            return context.organisation.full(context.offer.referral_id)
        case "mark-error" if referral.error is not None:
            return Refused(
                "ERROR_ALREADY_REPORTED",
                "the referral is already reported as entered in error; confirm-error by another person decides it",
                who_can_unblock="another person of the agency (AGENCY_TEAM_LEAD)",
            )
        case "confirm-error":
            return _no_second_person(referral, by)
        case _:
            return None


def _not_in_this_state(action: str, referral: Referral, possible: tuple[ReferralState, ...]) -> Refused:
    moved = referral.moved
    held_by = f" by {moved.command} of {moved.by} at {moved.at.isoformat()}" if moved is not None else ""
    return Refused(
        "STATE_DOES_NOT_ALLOW",
        f"the referral is {referral.state}{held_by}; {action} is possible from {_in_words(possible)}",
        who_can_unblock=_next_to_act(referral),
    )


def _next_to_act(referral: Referral) -> str | None:
    offer = referral.offer
    if offer is None or referral.state in TERMINAL:
        return None
    match referral.state:
        case ReferralState.DRAFT:
            return f"{offer.agency}, by submit"
        case ReferralState.SUBMITTED:
            return f"{offer.organisation}, by receive"
        case ReferralState.INFO_REQUESTED:
            return f"{offer.agency}, by provide-information"
        case _:
            return None


def _asked_too_often(context: Context, referral: Referral) -> Refused | None:
    if referral.requests < context.version.parameters.information_requests_max:
        return None
    return Refused(
        "INFORMATION_REQUESTS_USED_UP",
        f"information was requested {referral.requests} times, as often as the programme allows; "
        "decide on what is known: accept, decline or waitlist",
    )


def _agency_may_not_offer(agency: Organisation) -> Refused | None:
    told = agency.description
    if told is None or told.kind != OrganisationKind.AGENCY:
        return Refused(
            "PARTY_NOT_ALLOWED",
            "submit is for an agency, and the operator has registered this organisation as something else",
            because=Because.RIGHTS,
            who_can_unblock="the operator",
        )
    if not told.suspended:
        return None
    return Refused(
        "ORGANISATION_SUSPENDED",
        "the operator has suspended the agency: it makes no new referrals; those under way go on",
        because=Because.RIGHTS,
        who_can_unblock="the operator, by ending the suspension",
    )


def _no_second_person(referral: Referral, by: Actor) -> Refused | None:
    if referral.error is None:
        return Refused(
            "ERROR_NOT_REPORTED",
            "nobody reported the referral as entered in error; mark-error comes first",
            who_can_unblock="the agency, by mark-error",
        )
    if (referral.error.org, referral.error.sub) == (acts_for(by), by.sub):
        return Refused(
            "SECOND_PERSON_REQUIRED",
            "the one who reported the error cannot confirm it",
            because=Because.RIGHTS,
            who_can_unblock="another person of the agency (AGENCY_TEAM_LEAD)",
        )
    return None
