"""Whether an endpoint may get a message now: the rule of the feed, asked at the moment of each sending."""

from __future__ import annotations

from typing import Final

from contracts.visibility import Parties, Relation, item_of, message_place
from services.chassis.access.identity import Caller
from services.chassis.deciding.streams import Streams
from services.chassis.log.metadata import Recorded
from services.notifications.access import POLICY, READ_FEED, relations_to_message
from services.notifications.domain.inbox import INBOX, MessageTaken

CONSENT_WITHDRAWN: Final = "CONSENT_WITHDRAWN"
ACCESS_EXPIRED: Final = "ACCESS_EXPIRED"
NOT_A_PARTY: Final = "NOT_A_PARTY"
ROLE_MAY_NOT: Final = "ROLE_MAY_NOT"
NOT_FOR_YOU: Final = ""
"""What was never to be seen by the organisation: nothing is withheld from it."""


async def rule_against(streams: Streams, caller: Caller, recorded: Recorded, mark: object = None) -> str | None:
    """The rule by which the caller does not get a message; None where it may.

    By the inbox itself, which has whatever was taken in: an index that lags behind would let out what was withdrawn.
    `mark` is the log's under which the inbox was folded at least up to the message.
    """
    event: MessageTaken = recorded.event
    if event.case is None:
        parties, item = Parties(), None
    else:
        parties = (await streams.fold(recorded.stream, INBOX, mark)).state.parties
        item = item_of(event.name, event.message["data"], message_place(event.recorded_at, recorded.version))
    relations = relations_to_message(caller, item, parties)
    if POLICY.permits(caller, READ_FEED, relations):
        return None
    if relations:
        return ROLE_MAY_NOT
    return _why_gone(parties, caller.org) if caller.org in event.audience else NOT_FOR_YOU


def _why_gone(parties: Parties, organisation: str) -> str:
    if parties.relation(organisation) is not Relation.GONE:
        return NOT_A_PARTY
    own = [part for part in parties.parts if part.organisation == organisation]
    return CONSENT_WITHDRAWN if any(part.stopped for part in own) else ACCESS_EXPIRED
