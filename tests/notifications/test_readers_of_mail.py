"""Who may have e-mail sent to whom: a coordinator to themselves, a lead to anybody of the staff."""

from __future__ import annotations

from typing import Final

import pytest
from msgspec.structs import replace

from contracts.subscription_codes import SubscriptionState
from services.chassis.modelling.decider import Because, Command
from services.notifications.actions import decide
from services.notifications.context import SubscriptionContexts
from services.notifications.domain import subscribing
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription
from services.notifications.domain.subscription_events import Person
from tests.notifications.subscriptions import MAILBOX, PROVEN, created, of_caller
from tests.support.actors import HANNE, LOTTE, TOM
from tests.support.given_when_then import Decisions


def _decided(command: Command, subscription: Subscription) -> list[object]:
    return [*decide(command, SubscriptionContexts.of(subscription))]


SUBSCRIPTIONS: Final[Decisions[Subscription, Command]] = Decisions(SUBSCRIPTION, _decided)
COLLEAGUES: Final = (Person(sub="an.peeters", role="NGO_COORDINATOR"), Person(sub=HANNE.sub, role="NGO_LEAD"))


@pytest.mark.parametrize("person", [*COLLEAGUES, Person(sub=LOTTE.sub, role="NGO_LEAD")])
def test_a_coordinator_has_e_mail_sent_to_nobody_else(person: Person) -> None:
    """Neither to a colleague nor to a lead, nor to themselves as what they are not: what may be named is said."""
    mailbox = replace(MAILBOX, person=person)
    when = SUBSCRIPTIONS.given().when(created(mailbox))
    refusal = when.is_refused("NOT_YOUR_MAILBOX", because=Because.RIGHTS, faults=[("/person", "NOT_YOUR_MAILBOX")])
    assert "lotte.claes" in refusal.detail
    assert "NGO_COORDINATOR" in refusal.detail
    assert "NGO_LEAD" in refusal.detail
    assert SUBSCRIPTIONS.given().when(created(mailbox, HANNE)).events
    change = of_caller(subscribing.ChangeSubscription, choices=mailbox)
    SUBSCRIPTIONS.after(created(MAILBOX), PROVEN).when(change).is_refused("NOT_YOUR_MAILBOX")


def test_a_lead_of_an_agency_names_anybody_of_it() -> None:
    """A counsellor too, who manages no subscriptions."""
    mailbox = replace(MAILBOX, person=Person(sub="ines.debacker", role="AGENCY_COUNSELLOR"))
    assert SUBSCRIPTIONS.given().when(created(mailbox, TOM)).events


def test_a_coordinator_does_not_turn_the_mail_of_a_lead_to_themselves() -> None:
    """Neither another address of the lead's mailbox is theirs to give, nor another reader, they least of all.

    Its language is.
    """
    mailbox = replace(MAILBOX, person=COLLEAGUES[1])
    made = SUBSCRIPTIONS.after(created(mailbox, HANNE), PROVEN)
    elsewhere = replace(mailbox, address_ref="subscription-x.address.2")
    change = of_caller(subscribing.ChangeSubscription, choices=elsewhere)
    made.when(change).is_refused("NOT_YOUR_MAILBOX", because=Because.RIGHTS)
    assert made.when(replace(change, by=HANNE)).events
    assert made.when(replace(change, choices=replace(mailbox, language="fr"))).events
    taken_over = replace(change, choices=replace(elsewhere, person=MAILBOX.person))
    made.when(taken_over).is_refused("NOT_YOUR_MAILBOX", because=Because.RIGHTS)
    given = made.when(replace(taken_over, by=HANNE)).state
    assert (given.state, given.reads_as) == (SubscriptionState.PENDING, "NGO_COORDINATOR")
