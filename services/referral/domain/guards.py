"""What stands in the way of an action on a referral: its state, and what else the action needs.

The same rules answer a command (`allow` raises) and a reader who asks what is possible (`blocked` returns). From which
states an action is possible is its row's to say (`services/referral/actions.py`); the rules come in on the context.
"""

from __future__ import annotations

from functools import lru_cache

from contracts.broadcast_codes import BroadcastState
from contracts.codes import OrganisationKind, ReferralState, WithdrawReason
from contracts.staff import StaffSide
from services.chassis.modelling.days import in_utc
from services.chassis.modelling.decider import Actor, Because, Refused
from services.referral.domain.context import Context, nothing_recorded
from services.referral.domain.disclosure import stopped
from services.referral.domain.offer import acts_for
from services.referral.domain.organisation import Organisation
from services.referral.domain.referral_state import TERMINAL, Referral


@lru_cache
def _in_words(possible: tuple[ReferralState, ...]) -> str:
    if len(possible) == len(ReferralState) - 1:
        return "any other state"
    return " or ".join(filter(None, (", ".join(possible[:-1]), *possible[-1:])))


def allow(action: str, context: Context, by: Actor) -> None:
    """Raises Refused where the action is blocked."""
    if (refusal := blocked(action, context, by)) is not None:
        raise refusal


def blocked(action: str, context: Context, by: Actor) -> Refused | None:
    """What stands in the way of the action for this person, whatever its body; None where nothing does.

    Whether the person's role may do it at all is a matter of `services/referral/access.py`.
    """
    referral, rule = context.referral, context.actions[action]
    if referral.state is None:
        return nothing_recorded()
    if rule.uses_data and (refusal := stopped(context, by, action)) is not None:
        return refusal
    if action == "accept" and (refusal := _taken(context)) is not None:
        return refusal
    if referral.state not in rule.states:
        return _not_in_this_state(action, context)
    match action:
        case "submit":
            return _agency_may_not_offer(context.agency)
        case "request-information":
            return _no_more_requests(context, referral)
        case "accept":
            return context.organisation.full(context.offer.referral_id)
        case "mark-error" if referral.error is not None:
            return Refused(
                "ERROR_ALREADY_REPORTED",
                "the error is already reported; another person has to confirm it by confirm-error",
                who_can_unblock="another person of the agency (AGENCY_TEAM_LEAD)",
            )
        case "confirm-error":
            return _no_second_person(referral, by)
        case _:
            return None


def _taken(context: Context) -> Refused | None:
    """The refusal of an acceptance that comes after another organisation's of the same broadcast."""
    ended_with = context.referral.ended_with
    lost = ended_with is not None and ended_with.reason == WithdrawReason.OTHER_ORGANISATION_CHOSEN
    # It was read before the referral, so what was open then may have been won since.
    if not lost or context.broadcast.state not in (BroadcastState.WON, BroadcastState.OPEN):
        return None
    return Refused(
        "OFFER_TAKEN",
        "another organisation accepted the offer before; the referral ended with that: OTHER_ORGANISATION_CHOSEN",
    )


def _not_in_this_state(action: str, context: Context) -> Refused:
    referral = context.referral
    moved = referral.moved
    since = f" since {moved.command} by {moved.by} at {in_utc(moved.at)}" if moved is not None else ""
    possible = _in_words(context.actions[action].states)
    return Refused(
        "STATE_DOES_NOT_ALLOW",
        f"the referral is {referral.state}{since}; {action} is possible from {possible}",
        who_can_unblock=_next_to_act(context),
    )


def _next_to_act(context: Context) -> str | None:
    referral = context.referral
    if referral.offer is None or referral.state in TERMINAL:
        return None
    for action, rule in context.actions.items():
        if rule.awaited_in is not None and rule.awaited_in is referral.state:
            who = referral.offer.agency if rule.side is StaffSide.AGENCY else referral.offer.organisation
            return f"{who}, by {action}"
    return None


def _no_more_requests(context: Context, referral: Referral) -> Refused | None:
    if referral.information_requests < context.version.parameters.information_requests_max:
        return None
    return Refused(
        "INFORMATION_REQUESTS_USED_UP",
        f"information was requested {referral.information_requests} times, as often as the programme allows; "
        "decide on what is known: accept, decline or waitlist",
    )


def _agency_may_not_offer(agency: Organisation) -> Refused | None:
    description = agency.description
    if description is None or description.kind != OrganisationKind.AGENCY:
        return Refused(
            "PARTY_NOT_ALLOWED",
            "only an agency can submit, and the operator has registered this organisation as something else",
            because=Because.RIGHTS,
            who_can_unblock="the operator",
        )
    if not description.suspended:
        return None
    return Refused(
        "ORGANISATION_SUSPENDED",
        "the operator has suspended the agency: it makes no new referrals; those under way continue",
        because=Because.RIGHTS,
        who_can_unblock="the operator, by ending the suspension",
    )


def _no_second_person(referral: Referral, by: Actor) -> Refused | None:
    if referral.error is None:
        return Refused(
            "ERROR_NOT_REPORTED",
            "nobody has reported the referral as entered in error; report it first by mark-error",
            who_can_unblock="the agency, by mark-error",
        )
    if (referral.error.org, referral.error.sub) == (acts_for(by), by.sub):
        return Refused(
            "SECOND_PERSON_REQUIRED",
            "the person who reported the error cannot confirm it",
            because=Because.RIGHTS,
            who_can_unblock="another person of the agency (AGENCY_TEAM_LEAD)",
        )
    return None
