"""Who may read what in the feed, over the one rule about parties, and who manages subscriptions."""

from __future__ import annotations

from typing import Final

from contracts.barred_roles import BARRED
from contracts.codes import Role
from contracts.staff import COORDINATORS, COUNSELLORS
from contracts.visibility import Item, Parties, Relation
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Policy, Rule
from services.notifications.actions import ACTIONS, MANAGERS

READ_FEED: Final = "read-feed"
STREAM: Final = "stream"
READ_EVENT_TYPES: Final = "read-event-types"
RECONCILE: Final = "reconcile"
CREATE: Final = "create-subscription"
READ: Final = "read-subscription"
LIST: Final = "list-subscriptions"
RETRY: Final = "retry-delivery"
TAKE_BOUNCE: Final = "take-bounce"

ANY_ORGANISATION: Final = "ANY_ORGANISATION"
"""How everybody stands to organisations and programmes, which are not secret."""
OVERSIGHT: Final = "OVERSIGHT"
"""How an auditor stands to every case."""

OWN_ORGANISATION: Final = "OWN_ORGANISATION"
"""How everybody stands to what their organisation may yet make, and to its lists."""
SUBSCRIBER: Final = "SUBSCRIBER"
"""How a caller stands to a subscription of the own organisation. To those of others everybody is a stranger."""

_OFFICERS = frozenset({Role.DPO})
"""A data protection officer sees what their organisation sees."""
_OVERSEERS = frozenset({Role.AUDITOR})

_RELATIONS: Final = {
    Relation.OWNER_AGENCY: COUNSELLORS | _OFFICERS,
    Relation.ADDRESSED: COORDINATORS | _OFFICERS,
    Relation.FORMER: COORDINATORS | _OFFICERS,
    # The stop is all that is left to show, and it has to be shown.
    Relation.GONE: COORDINATORS | _OFFICERS,
    OVERSIGHT: _OVERSEERS,
    ANY_ORGANISATION: COUNSELLORS | COORDINATORS | _OFFICERS | _OVERSEERS | {Role.OPERATOR},
}

POLICY: Final = Policy(
    [
        *(Rule(action, roles, relation) for action in (READ_FEED, STREAM) for relation, roles in _RELATIONS.items()),
        Rule(READ_EVENT_TYPES, frozenset(Role) - frozenset(BARRED), ANY_ORGANISATION),
        Rule(RECONCILE, COUNSELLORS | COORDINATORS | _OFFICERS, OWN_ORGANISATION),
        Rule(TAKE_BOUNCE, frozenset({Role.OPERATOR}), ANY_ORGANISATION),
        *(Rule(action, MANAGERS, OWN_ORGANISATION) for action in (CREATE, LIST)),
        *(Rule(action, MANAGERS, SUBSCRIBER) for action in (READ, RETRY, *ACTIONS)),
    ],
    bars=BARRED,
    unconcealed=(ANY_ORGANISATION, OWN_ORGANISATION),
    words={
        Relation.OWNER_AGENCY: "of the agency whose case it is",
        Relation.ADDRESSED: "of the organisation that the case is offered to, or is with",
        Relation.FORMER: "of an organisation whose part in the case is over",
        Relation.GONE: "of an organisation whose access to the case has ended",
        OVERSIGHT: "with oversight of all organisations",
        ANY_ORGANISATION: "of any organisation",
        OWN_ORGANISATION: "of the own organisation",
        SUBSCRIBER: "of the organisation whose subscription it is",
    },
    acts={
        READ_FEED: "reading the feed",
        STREAM: "following the feed",
        READ_EVENT_TYPES: "reading the catalogue of events",
        RECONCILE: "comparing lists of cases",
        CREATE: "subscribing",
        READ: "reading a subscription",
        LIST: "reading the subscriptions",
        RETRY: "having a delivery sent again",
        TAKE_BOUNCE: "handing over what a mail server returned",
    },
)


def relations_to_message(caller: Caller, item: Item | None, parties: Parties) -> tuple[str, ...]:
    """How the caller stands to a message; `item` is None for a message about no case. Empty: a stranger to it."""
    if item is None:
        return (ANY_ORGANISATION,)
    relations: list[str] = []
    if parties.sees(caller.org, item):
        relations.append(parties.relation(caller.org))
    if caller.role in _OVERSEERS:
        relations.append(OVERSIGHT)
    return tuple(relations)


def relations_to_subscription(caller: Caller, organisation: str) -> tuple[str, ...]:
    """How the caller stands to a subscription of an organisation; empty for one that is not there, or not theirs."""
    return (SUBSCRIBER,) if organisation == caller.org else ()
