"""An inbox as it was recorded once: its stored bytes still say who may see what."""

from __future__ import annotations

from collections import defaultdict

from contracts.message import CloudEvent, decode_data
from contracts.visibility import Relation
from services.notifications.catalogue import MESSAGES
from services.notifications.domain.inbox import INBOX, MessageTaken
from services.notifications.events import EVENT_TYPES
from tests.support.golden import corpus

YONAS = corpus("notifications").story("story-9.2", EVENT_TYPES)
MESSAGES_TAKEN: list[MessageTaken] = [recorded.event for recorded in YONAS]


def test_the_stored_inbox_tells_who_the_parties_are() -> None:
    """Story 9.2: the agency's case, once with one organisation, then with another whose part a withdrawal ended."""
    inbox = INBOX.initial
    for recorded in YONAS:
        inbox = INBOX.evolve(inbox, recorded.event)
    assert inbox.taken == len(YONAS)
    assert inbox.parties.relation("vdab-gent") is Relation.OWNER_AGENCY
    assert inbox.parties.relation("samenstap") is Relation.GONE
    assert inbox.parties.organisations == {"vdab-gent", "brugwerk", "samenstap"}


def test_nobody_was_told_what_went_to_others() -> None:
    """Each organisation saw its own referral only, and the one whose part was ended saw the stop as the last thing."""
    audiences: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for taken in MESSAGES_TAKEN:
        audiences[taken.name].append(taken.audience)
    assert audiences["ReferralDeclined"] == [("brugwerk", "vdab-gent")]
    assert audiences["ReferralSubmitted"] == [("brugwerk", "vdab-gent"), ("samenstap", "vdab-gent")]
    assert audiences["IntakeConcluded"] == [("samenstap", "vdab-gent")]
    assert audiences["CaseReturned"] == [("vdab-gent",)]
    assert audiences["NgoAccessRevoked"] == [("samenstap", "vdab-gent")]


def test_every_stored_message_still_reads() -> None:
    """Its envelope and its data, by the models of today."""
    for taken in MESSAGES_TAKEN:
        event = decode_data(CloudEvent, taken.message)
        assert event.type == taken.type
        assert taken.name == decode_data(MESSAGES[event.type], event.data).NAME
