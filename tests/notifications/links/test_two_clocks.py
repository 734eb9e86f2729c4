"""What lives by the machine's clock, and what by the clock of the cases: a week of the cases passes in a moment.

Signatures and pauses between attempts are for programs elsewhere, and a link for somebody who reads a letter; the cases
know nothing of their time. Reminders, digests, and the 24 hours of who was not told are part of a case's story.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from contracts.subscription_codes import SubscriptionState
from tests.casefile.cases import SERVICES, CaseContext
from tests.notifications.links.mailbox import Mailbox, code_in, link_in
from tests.notifications.receiving import Answer, Subscriptions, receiver, until
from tests.support.people import INES
from tests.support.requests import another_person
from tests.support.running import running

SUBMITTED: Final = "org.caserelay.referral.submitted.v1"
MISSED: Final = "org.caserelay.referral.deadline_missed.v1"
DIGESTS: Final = "digest@brugwerk.example"
BEGINS: Final = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
A_WEEK_LATER: Final = BEGINS + timedelta(days=7)
PAUSE_SECONDS: Final = 300
LATE_SECONDS: Final = 60


async def test_attempts_live_by_the_machines_clock_and_who_was_not_told_by_that_of_the_cases(tmp_path: Path) -> None:
    """After a week of the cases the first pause is not over, nobody is given up, and the agency knows for six days."""
    more: dict[str, Any] = {"webhook_allow": "127.0.0.0/8", "webhook_retries": f"0,{PAUSE_SECONDS}"}
    async with running(tmp_path, SERVICES, **more) as services, receiver() as there:
        await services.set_the_scene()

        context, subscriptions = CaseContext(services), Subscriptions(services.service("notifications"))
        subscription = await subscriptions.active("brugwerk", there.url, types=(SUBMITTED,))
        there.answering = lambda *_: Answer(503)
        case = await context.referred()
        await until(lambda: bool(there.received))
        await services.at(A_WEEK_LATER)
        (attempt,) = there.received
        assert abs(time.time() - int(attempt.headers["webhook-timestamp"])) < LATE_SECONDS
        assert attempt.event["time"].startswith("2026-01-12T09:")
        assert (await subscriptions.state(subscription)).state is SubscriptionState.ACTIVE
        held = (await services.read(INES, case.path))["escalations"]
        (raised,) = [each for each in held if each["reason"] == "NOT_TOLD"]
        assert raised["openedAt"].startswith("2026-01-13T09:")


async def test_a_link_lives_by_the_machines_clock_and_digests_and_reminders_by_that_of_the_cases(
    mailbox: Mailbox,
) -> None:
    """After a week of the cases the link of 72 hours leads on, and both other letters have come."""
    services = mailbox.services

    await mailbox.subscribe(types=[SUBMITTED, MISSED], hours="ANY")
    await mailbox.subscribe(types=[SUBMITTED], digest="DAILY", address=DIGESTS)
    await services.create(INES, "/v1/referrals", another_person())
    link = link_in(await mailbox.letter(), "/act/")
    await services.at(A_WEEK_LATER)
    # The term to say that it has come is over, and the letter has a link of its own.
    assert link_in(await mailbox.letter(), "/act/") != link
    assert "13\u00a0januari 2026" in (await mailbox.letter(DIGESTS))["Subject"]
    assert (await mailbox.get(link)).status_code == 200
    assert (await mailbox.post(f"{link}/code")).status_code == 200
    await mailbox.post(link, f"action=receive&code={code_in(await mailbox.letter())}")
    (referral,) = (await services.read(INES, "/v1/referrals"))["items"]
    assert referral["state"] == "RECEIVED"
