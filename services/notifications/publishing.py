"""What others get of each private event: whether an organisation was told of a case, and who acted by a link."""

from __future__ import annotations

from contracts.letters import LetterToPost
from contracts.message import Message
from contracts.notifications import ActedByLink, AnsweredByLink, OrganisationNotTold, OrganisationTold, PersonAsked
from contracts.telling_codes import TellingState, ToldBy
from services.chassis.delivery.translation import published_actor
from services.chassis.log.metadata import Recorded
from services.notifications.catalogue import OFFERS
from services.notifications.domain.digest import DigestTold
from services.notifications.domain.lane import Delivered, DeliveryAttempted, DeliveryFailed, DeliveryState
from services.notifications.domain.link_events import (
    Answer,
    CodeSent,
    CodeWanted,
    Invitation,
    LetterOut,
    LinkIssued,
    LinkUsed,
)
from services.notifications.domain.reading import CaseEventsRead
from services.notifications.domain.waiting import OrganisationUnreached
from services.notifications.email.asking import asking_letter, code_letter, in_every_language
from services.notifications.events import Event


def publish(recorded: Recorded) -> tuple[str, Message] | None:
    """The case and the message of an event; None where it concerns nobody outside, as what was only taken in."""
    event: Event = recorded.event
    match event:
        case CaseEventsRead():
            return event.case, OrganisationTold(
                case=event.case,
                events=list(event.events),
                organisation=event.organisation,
                channel=event.channel,
                state=event.state,
                at=recorded.meta.occurred_at,
            )
        case DigestTold():
            return event.case, OrganisationTold(
                case=event.case,
                events=list(event.events),
                organisation=event.organisation,
                channel=ToldBy.EMAIL.value,
                state=TellingState.SENT.value,
                at=recorded.meta.occurred_at,
            )
        case CodeSent():
            return event.case, OrganisationTold(
                case=event.case,
                events=[event.event],
                organisation=event.organisation,
                channel=ToldBy.LINK.value,
                state=TellingState.READ.value,
                at=recorded.meta.occurred_at,
            )
        case LinkIssued(invitation=Invitation() as invitation):
            return event.case, LetterToPost(
                letter=event.link,
                number=0,
                case=event.case,
                match=invitation.match,
                side=invitation.side,
                letters=in_every_language(asking_letter(event.acts, invitation, event.expires_at)),
                expires_at=event.expires_at,
            )
        case LetterOut():
            return event.case, PersonAsked(
                case=event.case,
                event=event.event,
                organisation=event.organisation,
                side=event.side,
                result=event.result,
                at=recorded.meta.occurred_at,
            )
        case CodeWanted():
            return event.case, LetterToPost(
                letter=event.link,
                number=event.number,
                case=event.case,
                match=event.match,
                side=event.side,
                letters=in_every_language(code_letter),
                expires_at=event.expires_at,
            )
        case LinkUsed(answer=Answer() as answer):
            return event.case, AnsweredByLink(
                link=event.link,
                case=event.case,
                match=answer.match,
                side=answer.side,
                act=event.action,
                reason=event.reason,
                score=answer.score,
                reasons=list(answer.reasons),
                at=event.used_at,
            )
        case LinkUsed():
            return event.case, ActedByLink(
                link=event.link,
                case=event.case,
                referral=event.referral,
                act=event.action,
                reason=event.reason,
                actor=published_actor(recorded.meta.actor),
                at=event.used_at,
            )
        case DeliveryAttempted(outcome=DeliveryState.DELIVERED, delivery=delivery):
            # A mail server that took a mail has not shown it to anybody yet.
            state = TellingState.SENT if delivery.channel == ToldBy.EMAIL else TellingState.DELIVERED
            return _delivered(delivery, state, recorded)
        case DeliveryFailed(delivery=delivery):
            return _delivered(delivery, TellingState.FAILED, recorded)
        case OrganisationUnreached():
            return event.case, OrganisationNotTold(
                case=event.case,
                event=event.event,
                organisation=event.organisation,
                since=event.since,
                reason=event.reason,
                at=recorded.meta.occurred_at,
            )
        case _:
            return None


def _delivered(delivery: Delivered, state: TellingState, recorded: Recorded) -> tuple[str, Message] | None:
    """What became of a delivery about a case; those who get an anonymous offer do not know of which."""
    if delivery.case is None or delivery.type in OFFERS:
        return None
    return delivery.case, OrganisationTold(
        case=delivery.case,
        events=[delivery.event],
        organisation=delivery.organisation,
        channel=delivery.channel,
        state=state.value,
        at=recorded.meta.occurred_at,
    )
