"""Whose endpoint fails is told by e-mail, wherever the organisation has confirmed a mailbox."""

from __future__ import annotations

from contracts.subscription_codes import DisabledBecause, WarningCode
from services.chassis.time.clock import machine_now
from services.notifications.delivering.recording import Recording
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream
from tests.notifications.links.mailbox import Mailbox, text_of
from tests.support.people import KARIM, LOTTE


async def test_an_organisation_is_warned_by_its_mailboxes(mailbox: Mailbox) -> None:
    """Once that it fails, and once that it was disabled; another organisation hears nothing of it."""
    await mailbox.subscribe(language="en", types=["org.caserelay.case.closed.v1"])
    endpoint = {"channel": "WEBHOOK", "url": "https://hooks.example.org/x"}
    mine = (await mailbox.services.create(LOTTE, "/v1/subscriptions", endpoint)).json()["id"]
    other = (await mailbox.services.create(KARIM, "/v1/subscriptions", endpoint)).json()["id"]
    service = mailbox.services.service("notifications")
    recording, since = Recording(service.streams, service.clock), machine_now()

    async def state(subscription: str) -> Subscription:
        return (await service.streams.fold(subscription_stream(subscription), SUBSCRIPTION)).state

    await recording.warn(await state(other), WarningCode.FAILING, since)
    await recording.warn(await state(mine), WarningCode.FAILING, since)
    letter = await mailbox.letter()
    assert letter["Subject"] == "A webhook is about to be disabled"
    assert "hooks.example.org" not in text_of(letter)
    mailbox.box.at_recipient.append("451 4.7.1 Greylisted")
    await recording.warn(await state(mine), WarningCode.DISABLED, since)
    await recording.disable(await state(mine), DisabledBecause.UNREACHABLE)
    await mailbox.services.settle()
    await mailbox.services.at(mailbox.services.clock.now().replace(hour=14))
    assert (await mailbox.letter())["Subject"] == "A webhook was disabled"
    assert mailbox.box.letters == []
