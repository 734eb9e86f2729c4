"""Whose endpoint fails is told by e-mail, wherever the organisation has confirmed a mailbox."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from contracts.subscription_codes import DisabledBecause, WarningCode
from services.chassis.time.clock import machine_now
from services.notifications.delivering.recording import Recording
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream
from tests.casefile.cases import SERVICES
from tests.notifications.links.mailbox import ADDRESS, Mailbox, forget_the_index, text_of, until
from tests.support.mail_server import mail_server
from tests.support.people import KARIM, LOTTE
from tests.support.running import Running, running

OTHER: Final = "lead@brugwerk.example"


async def warned(services: Running, subscription: str, warning: WarningCode) -> None:
    """It is decided that somebody has to hear of a subscription."""
    notifications = services.service("notifications")
    state = (await notifications.streams.fold(subscription_stream(subscription), SUBSCRIPTION)).state
    await Recording(notifications.streams, notifications.clock).warn(state, warning, machine_now())


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


async def test_what_is_disabled_is_not_said_to_be_failing(mailbox: Mailbox) -> None:
    """It is warned of before it is disabled, and the letter may go out in between."""
    await mailbox.subscribe(language="en", types=["org.caserelay.case.closed.v1"])
    endpoint = {"channel": "WEBHOOK", "url": "https://hooks.example.org/x"}
    mine = (await mailbox.services.create(LOTTE, "/v1/subscriptions", endpoint)).json()["id"]
    await warned(mailbox.services, mine, WarningCode.DISABLED)
    assert (await mailbox.letter())["Subject"] == "A webhook was disabled"


async def test_nobody_is_warned_of_a_mailbox(mailbox: Mailbox) -> None:
    """Neither its reader nor others, who would be told of a webhook that there is not."""
    path = await mailbox.subscribe(types=["org.caserelay.case.closed.v1"])
    await mailbox.subscribe(types=["org.caserelay.case.closed.v1"], address=OTHER)
    await warned(mailbox.services, path, WarningCode.FAILING)
    await mailbox.services.settle()
    await mailbox.services.at(mailbox.services.clock.now() + timedelta(hours=2))
    assert mailbox.box.letters == []


@pytest.mark.on_files
async def test_nobody_is_told_the_past(tmp_path: Path) -> None:
    """A mailbox came after an endpoint was disabled; all that the index knows is made again days later."""
    async with mail_server() as box:
        settings: dict[str, Any] = {"smtp_url": box.url, "public_url": "https://caserelay.example.org"}
        async with running(tmp_path, SERVICES, **settings) as services:
            await services.set_the_scene()
            endpoint = {"channel": "WEBHOOK", "url": "https://hooks.example.org/x"}
            mine = (await services.create(LOTTE, "/v1/subscriptions", endpoint)).json()["id"]
            await warned(services, mine, WarningCode.DISABLED)
            await services.at(services.clock.now() + timedelta(days=6))
            await Mailbox(services, box, LOTTE).subscribe(types=["org.caserelay.case.closed.v1"])
        forget_the_index(tmp_path)
        async with running(tmp_path, SERVICES, **settings) as services:
            await services.at(services.clock.now() + timedelta(hours=2))
            assert box.letters == []


@pytest.mark.on_files
async def test_each_mailbox_is_warned_once(tmp_path: Path) -> None:
    """The server does not take the first letter, the process ends, and all that the index knows is made again."""
    async with mail_server() as box:
        settings: dict[str, Any] = {"smtp_url": box.url, "public_url": "https://caserelay.example.org"}
        async with running(tmp_path, SERVICES, **settings) as services:
            await services.set_the_scene()
            mailbox = Mailbox(services, box, LOTTE)
            for address in (ADDRESS, OTHER):
                await mailbox.subscribe(types=["org.caserelay.case.closed.v1"], address=address)
            endpoint = {"channel": "WEBHOOK", "url": "https://hooks.example.org/x"}
            mine = (await services.create(LOTTE, "/v1/subscriptions", endpoint)).json()["id"]
            box.at_recipient.append("451 4.7.1 Greylisted")
            await warned(services, mine, WarningCode.FAILING)
            await until(lambda: len(box.letters) == 1 and not box.at_recipient)
            await services.settle()
        forget_the_index(tmp_path)
        for _ in range(2):
            async with running(tmp_path, SERVICES, **settings) as services:
                await services.at(services.clock.now() + timedelta(hours=2))
                assert sorted(box.receivers[2:]) == sorted([ADDRESS, OTHER])
