"""Which mailboxes and endpoints know of a warning: each once, and of another warning each once more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.subscription_codes import Channel, SubscriptionState
from services.notifications.context import SubscriptionContexts
from services.notifications.domain.subscription import Subscription
from services.notifications.domain.subscription_course import WarnAboutSubscription, warn
from services.notifications.domain.warning import (
    WARNED,
    EndpointWarned,
    MailboxWarned,
    RecordWarned,
    Warned,
    decide,
)
from tests.notifications.subscriptions import ENGINE, WEBHOOK, of_engine

SINCE: Final = datetime(2026, 1, 12, 9, tzinfo=UTC)


def warned(
    reader: str, warning: str = "FAILING", since: datetime = SINCE, channel: Channel = Channel.EMAIL
) -> RecordWarned:
    """The command that notes it."""
    return RecordWarned(
        at=SINCE, by=ENGINE, subscription=WEBHOOK, reader=reader, channel=channel, warning=warning, since=since
    )


def after(*commands: RecordWarned) -> Warned:
    """What is known after all of these."""
    state = WARNED.initial
    for command in commands:
        for event in decide(command, state):
            state = WARNED.evolve(state, event)
    return state


def test_a_mailbox_is_noted_once() -> None:
    """Beside others."""
    state = after(warned("A"), warned("B"), warned("A"))
    assert state.readers == ("A", "B")
    assert decide(warned("B"), state) == []


def test_an_endpoint_is_noted_beside_mailboxes() -> None:
    """Once as well, as an endpoint."""
    mailbox, endpoint = warned("A"), warned("E", channel=Channel.WEBHOOK)
    (first,) = decide(mailbox, WARNED.initial)
    (second,) = decide(endpoint, after(mailbox))
    assert isinstance(first, MailboxWarned)
    assert first.mailbox == "A"
    assert isinstance(second, EndpointWarned)
    assert (second.subscription, second.endpoint, second.warning, second.since) == (WEBHOOK, "E", "FAILING", SINCE)
    assert after(mailbox, endpoint).readers == ("A", "E")
    assert decide(endpoint, after(mailbox, endpoint)) == []


def test_another_warning_is_for_all_of_them_again() -> None:
    """That it was disabled, or that it fails once more."""
    state = after(warned("A"), warned("B"))
    for other in (warned("A", "DISABLED"), warned("A", since=SINCE + timedelta(days=9))):
        (event,) = decide(other, state)
        assert WARNED.evolve(state, event).readers == ("A",)


def test_a_warning_that_was_overtaken_on_its_way_is_not_noted() -> None:
    """Else who knows of the later one would be told of that once more."""
    disabled = after(warned("A"), warned("A", "DISABLED"))
    again = after(warned("A", since=SINCE + timedelta(days=9)))
    for late, state in ((warned("E"), disabled), (warned("E", "DISABLED"), again)):
        assert decide(late, state) == []


def test_of_what_is_disabled_nobody_is_warned_later() -> None:
    """As by the answer of another case, that was on its way meanwhile."""
    command = of_engine(WarnAboutSubscription, warning="FAILING", since=SINCE)
    for state, events in ((SubscriptionState.ACTIVE, 1), (SubscriptionState.DISABLED, 0)):
        assert len(warn(command, SubscriptionContexts.of(Subscription(state=state)))) == events
