"""A mail server that hangs holds up letters, and no deadline."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from tests.notifications.links.mailbox import ADDRESS, Mailbox, until
from tests.notifications.links.pair import MENTEE, MENTOR, Pair
from tests.support.people import INES
from tests.support.requests import another_person

CHECK_IN_MISSED: Final = timedelta(days=5)
"""Later than a check-in is due of which both were asked how it goes."""


async def test_a_mail_server_that_hangs_holds_up_no_deadline(mailbox: Mailbox) -> None:
    """Both are asked how it goes, the server answers neither service, and a check-in is missed on time all the same."""
    pair = Pair(mailbox)
    await pair.mentoring(mentor={"email": MENTOR, "language": "fr"})
    pair.box.hangs_for |= {MENTEE, MENTOR}
    async with asyncio.timeout(30):
        await pair.asked_how_it_goes()
        await until(lambda: sorted(pair.box.hanging) == [MENTOR, MENTEE])
        await pair.services.at(pair.now() + CHECK_IN_MISSED)
    assert "DeadlineMissed" in [item["type"] for item in await pair.items()]
    assert pair.box.letters == []


async def test_a_digest_that_hangs_holds_up_no_deadline_of_its_service(mailbox: Mailbox) -> None:
    """The server answers nothing for two mornings: a day after nobody could be told, the sender's side is asked."""
    await mailbox.subscribe(digest="DAILY")
    mailbox.box.hangs_for.add(ADDRESS)
    made = await mailbox.services.create(INES, "/v1/referrals", another_person())
    case = f"/v1/cases/{made.json()['case']}"
    async with asyncio.timeout(30):
        await mailbox.services.at(mailbox.services.clock.now() + timedelta(days=2))
    (raised,) = (await mailbox.services.read(INES, case))["escalations"]
    assert (raised["reason"], raised["whyUnreached"]) == ("NOT_TOLD", "DELIVERY_FAILED")
    assert (mailbox.box.hanging, mailbox.box.letters) == ([ADDRESS], [])
