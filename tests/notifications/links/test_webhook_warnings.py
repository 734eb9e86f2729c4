"""Whose endpoint fails is told by e-mail, wherever the organisation has confirmed a mailbox."""

from __future__ import annotations

from contracts.subscription_codes import DisabledBecause, WarningCode
from services.chassis.time.clock import machine_now
from services.notifications.delivering.recording import Recording
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
    await recording.warn(other, WarningCode.FAILING, since)
    await recording.warn(mine, WarningCode.FAILING, since)
    letter = await mailbox.letter()
    assert letter["Subject"] == "A webhook is about to be disabled"
    assert "hooks.example.org" not in text_of(letter)
    mailbox.box.at_recipient.append("451 4.7.1 Greylisted")
    await recording.warn(mine, WarningCode.DISABLED, since)
    await recording.disable(mine, DisabledBecause.UNREACHABLE)
    await mailbox.services.settle()
    await mailbox.services.at(mailbox.services.clock.now().replace(hour=14))
    assert (await mailbox.letter())["Subject"] == "A webhook was disabled"
    assert mailbox.box.letters == []
