"""The rows of actions and events are complete, and say what the decisions and the publishing really do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from contracts import broadcast as broadcasts
from contracts import referral as messages
from contracts.acts_by_link import ActByLinkAnswered
from contracts.letters import MenteesLetterPosted
from contracts.message import Message
from services.chassis.modelling.decider import Refused
from services.referral.actions import ACTIONS, OTHER_COMMANDS, Action, decide
from services.referral.domain.broadcast import OfBroadcast
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.deadlines import DeadlineMissed
from services.referral.events import EVENTS, Event, EventRow
from services.referral.publishing import publish
from tests.referral.office import Office
from tests.referral.situations import ACTS, REFERRAL, command, situations
from tests.referral.test_publish import lived, recorded
from tests.support.actors import CLOCK, INES, LOTTE, TOM
from tests.support.filled import fields_of, filled, plain

ANY_ACTION = {"LEGAL_BASIS_WITHDRAWN", "REFERRAL_UNKNOWN", "STATE_DOES_NOT_ALLOW"}
"""What any action may be refused for, whatever it is."""


def below(kind: type) -> set[str]:
    """The names of all classes below a class that have none below them."""
    classes: list[type] = kind.__subclasses__()
    return {name for each in classes for name in below(each) or {each.__name__}}


def test_every_event_has_a_row_and_one_alone() -> None:
    """An event class without one could be decided, and not be stored."""
    rows = [row.event for row in EVENTS]
    assert len(set(rows)) == len(rows)
    assert set(rows) == set(get_args(Event))


def test_every_command_on_a_referral_has_a_decision() -> None:
    """As an action, or among the other commands; never as both. An attempt was refused before, and is only noted."""
    commands = [row.command.__name__ for row in ACTIONS.values()] + [row.command.__name__ for row in OTHER_COMMANDS]
    assert sorted(commands) == sorted(below(ReferralCommand) - {"Attempt"})


def test_an_event_is_published_as_the_message_of_its_row(office: Office) -> None:
    """Nothing else leaves the service, and of a draft nothing at all."""
    message_of = {row.event: row.message for row in EVENTS}
    for stream, event in lived(office).written:
        publication = publish(recorded(stream, event))
        if publication is None:
            offer = getattr(event, "offer", None)
            assert message_of[type(event)] is None or (offer is not None and offer.organisation is None), event
        else:
            assert type(publication[1]) is message_of[type(event)]


SAID: dict[type[Message], Callable[[Any], dict[str, Any]]] = {
    messages.ReferralSubmitted: lambda event: {
        **of(event.packet),
        "legal_basis": {"id": event.legal_basis_id, **of(event.packet.legal_basis)},
    },
    messages.InformationProvided: lambda event: {"codes": [answer.code for answer in event.answers]},
    messages.ReferralDeclined: lambda event: {"suggestion": event.suggestion_ref},
    messages.LegalBasisWithdrawn: lambda event: {"legal_basis": event.legal_basis_id},
    messages.IdentityRevealed: lambda event: {"legal_basis": event.legal_basis_id},
    messages.ReferralDisclosureRefused: lambda event: {"legal_basis": event.legal_basis_id},
    messages.ReferralDeadlineReminded: lambda event: {
        "deadline": event.deadline.name,
        "due_at": event.deadline.due_at,
    },
    broadcasts.BroadcastOpened: lambda event: {
        **of(event.packet),
        "offers": [
            {"organisation": one.organisation, "referral": one.referral_id, "legal_basis": one.legal_basis_id}
            for one in event.offers
        ],
        "legal_basis": event.consent.kind,
    },
    broadcasts.OfferWon: lambda event: {"legal_basis": {"id": event.legal_basis_id, **of(event.given)}},
    broadcasts.OfferMoved: lambda _: {
        **dict.fromkeys(("state", "reason", "expected_by", "suggestion", "due_at", "awaited", "access")),
        "codes": [],
        "deadlines": [],
        "level": None,
        "notified": [],
    },
    messages.ReferralDeadlineMissed: lambda event: {
        "deadline": event.deadline.name,
        "due_at": event.deadline.due_at,
        "to_come": event.late[0].to_come,
    },
    messages.OrganisationDescribed: lambda event: of(event.description),
    ActByLinkAnswered: lambda event: {"act": event.action},
    MenteesLetterPosted: lambda event: {"case": event.addressee},
}
"""What a message says by another name than its event, or from within it."""


def of(struct: Any) -> dict[str, Any]:
    """The fields of a Struct with what they hold."""
    return {name: getattr(struct, name) for name in fields_of(type(struct))}


def in_the_open(event: Any) -> Any:
    """An event of a referral that is no anonymous offer; any other as it is. What was missed has the first ladder."""
    offer = getattr(event, "offer", None)
    if isinstance(event, DeadlineMissed):
        ladders = event.late or ()
        own = replace(ladders[0], deadline=event.deadline.name, due_at=event.deadline.due_at)
        event = replace(event, late=(own, *ladders[1:]))
    return event if offer is None else replace(event, offer=replace(offer, broadcast=UNSET))


def of_several(event: OfBroadcast) -> dict[str, Any]:
    """What every message about offers to several organisations has of its event."""
    meta = recorded("s", event).meta
    return {
        "case": event.whose.case_id,
        "broadcast": event.whose.broadcast_id,
        "actor": {"sub": INES.sub, "role": INES.role, "org": INES.org},
        "occurred_at": meta.occurred_at,
        "recorded_at": meta.recorded_at,
        "digest": recorded("s", event).digest,
        "agency": event.whose.agency,
        "programme": event.whose.programme,
        "programme_version": event.whose.programme_version,
        **({"referral": event.referral_id} if hasattr(event, "referral_id") else {}),
    }


@pytest.mark.parametrize("row", [row for row in EVENTS if row.message is not None], ids=lambda row: row.stored)
def test_a_message_says_what_its_event_says(row: EventRow) -> None:
    """Every field of the message is that of the event, and no other's: none is left out or mixed up on the way."""
    assert row.message is not None
    event = in_the_open(filled(row.event))
    publication = publish(recorded("s", event))
    assert publication is not None
    key, message = publication
    if isinstance(message, messages.ReferralMessage):
        offer, meta = event.offer, recorded("s", event).meta
        common = {
            "case": offer.case_id,
            "actor": {"sub": INES.sub, "role": INES.role, "org": INES.org},
            "occurred_at": meta.occurred_at,
            "recorded_at": meta.recorded_at,
            "digest": recorded("s", event).digest,
            "referral": offer.referral_id,
            **of(offer),
        }
        assert key == offer.case_id
    elif isinstance(event, OfBroadcast):
        common = of_several(event)
        assert key in (event.whose.case_id, event.whose.broadcast_id)
    else:
        common = {}
        # An answer to an act by link is ordered with its case.
        whose = ("case_id", "case", "organisation", "programme", "addressee")
        assert key in [getattr(event, name, None) for name in whose]
    expected = {**of(event), **SAID.get(row.message, lambda _: {})(event), **common}
    assert {name: plain(value) for name, value in of(message).items()} == {
        name: plain(expected[name]) for name in of(message)
    }


def refused(given: ReferralCommand, context: Context) -> set[str]:
    """The codes that a command is refused for; none where it is not."""
    try:
        decide(given, context)
    except Refused as refusal:
        return {fault.code for fault in refusal.faults} or {refusal.code}
    return set()


@pytest.mark.parametrize("row", ACTIONS.values(), ids=lambda row: str(row.name))
def test_an_action_is_refused_only_for_what_its_row_lists(row: Action[Any, Any]) -> None:
    """In every situation, by anyone, with every body that the domain's page tells apart."""
    for situation in situations():
        for by in (INES, TOM, LOTTE, CLOCK):
            for body in ACTS[row.name]:
                given = command(row.name, body, by, situation.at)
                codes = refused(given, situation.office.context(REFERRAL, given.at, given))
                assert codes <= row.refuses | ANY_ACTION, situation.name
