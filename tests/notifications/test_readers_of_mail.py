"""Who may have e-mail sent to whom: a coordinator to themselves, a lead to anybody of the staff."""

from __future__ import annotations

from typing import Final

import pytest
from msgspec.structs import replace

from contracts.subscription_codes import SubscriptionState
from services.chassis.modelling.decider import Actor, Because, Command
from services.notifications.actions import decide
from services.notifications.context import SubscriptionContexts
from services.notifications.domain import subscribing
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription
from services.notifications.domain.subscription_events import Person
from tests.notifications.subscriptions import ENDPOINT, MAILBOX, PROVEN, created, of_caller
from tests.support.actors import HANNE, LOTTE, TOM
from tests.support.given_when_then import Decisions


def _decided(command: Command, subscription: Subscription) -> list[object]:
    return [*decide(command, SubscriptionContexts.of(subscription))]


SUBSCRIPTIONS: Final[Decisions[Subscription, Command]] = Decisions(SUBSCRIPTION, _decided)
COLLEAGUES: Final = (Person(sub="an.peeters", role="NGO_COORDINATOR"), Person(sub=HANNE.sub, role="NGO_LEAD"))

AN: Final = Actor(sub=COLLEAGUES[0].sub, role=COLLEAGUES[0].role, org=LOTTE.org)


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


def test_a_coordinator_does_not_stop_the_mail_of_somebody_else() -> None:
    """Neither pauses, ends nor resumes it: its reader would no longer be told, or no longer be left alone."""
    mailbox = replace(MAILBOX, person=COLLEAGUES[0])
    made = SUBSCRIPTIONS.after(created(mailbox, HANNE), PROVEN)
    paused = SUBSCRIPTIONS.after(
        created(mailbox, HANNE), PROVEN, replace(of_caller(subscribing.PauseSubscription), by=HANNE)
    )
    for given, command in (
        (made, of_caller(subscribing.PauseSubscription)),
        (made, of_caller(subscribing.DeleteSubscription)),
        (paused, of_caller(subscribing.ResumeSubscription)),
    ):
        refusal = given.when(command).is_refused("NOT_YOUR_MAILBOX", because=Because.RIGHTS)
        assert refusal.who_can_unblock is not None
        assert "NGO_LEAD" in refusal.who_can_unblock
        assert given.when(replace(command, by=HANNE)).events
        assert given.when(replace(command, by=AN)).events


def test_a_coordinator_stops_their_own_mail_and_any_webhook() -> None:
    """What nobody reads as a person is the organisation's."""
    for choices in (MAILBOX, ENDPOINT):
        made = SUBSCRIPTIONS.after(created(choices, LOTTE), PROVEN)
        assert made.when(of_caller(subscribing.PauseSubscription)).events
        assert made.when(of_caller(subscribing.DeleteSubscription)).events
