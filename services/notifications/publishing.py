"""What others get of each private event: whether an organisation was told of a case, and who acted by a link."""

from __future__ import annotations

from contracts.message import Message
from contracts.notifications import ActedByLink, OrganisationNotTold, OrganisationTold
from contracts.telling_codes import TellingState, ToldBy
from services.chassis.delivery.translation import published_actor
from services.chassis.log.metadata import Recorded
from services.notifications.domain.digest import DigestTold
from services.notifications.domain.link import CodeSent, LinkUsed
from services.notifications.domain.reading import CaseEventsRead
from services.notifications.domain.waiting import OrganisationUnreached
from services.notifications.events import NotificationsEvent


def publish(recorded: Recorded) -> tuple[str, Message] | None:
    """The case and the message of an event; None where it concerns nobody outside, as what was only taken in."""
    event: NotificationsEvent = recorded.event
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
                channel=event.channel,
                state=event.state,
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
        case LinkUsed():
            return event.case, ActedByLink(
                link=event.link,
                case=event.case,
                referral=event.referral,
                act=event.act,
                reason=event.reason,
                actor=published_actor(recorded.meta.actor),
                at=event.used_at,
            )
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
