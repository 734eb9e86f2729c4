"""What may happen to links and digests, in running services, for samples of every event and message."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tests.notifications.links.mailbox import Mailbox, code_in, link_in
from tests.support.mail_server import MailBox
from tests.support.people import INES, LOTTE
from tests.support.requests import another_person
from tests.support.running import Running

SUBMITTED: Final = "org.caserelay.referral.submitted.v1"


async def live(services: Running, box: MailBox) -> None:
    """A referral is received by link and code, another one declined too late; a digest is taken when sent again."""
    mailbox = Mailbox(services, box, LOTTE)
    await mailbox.subscribe(types=[SUBMITTED], hours="ANY")
    await services.create(INES, "/v1/referrals", another_person())
    link = link_in(await mailbox.letter(), "/act/")
    await mailbox.post(f"{link}/code")
    code = code_in(await mailbox.letter())
    await mailbox.post(link, "action=receive&code=0")
    done = await mailbox.post(link, f"action=receive&code={code}")
    assert done.status_code == 200, done.text
    made = await services.create(INES, "/v1/referrals", another_person())
    link = link_in(await mailbox.letter(), "/act/")
    await mailbox.post(f"{link}/code")
    code = code_in(await mailbox.letter())
    await services.done(INES, f"/v1/referrals/{made.json()['id']}", "withdraw", {"reason": "CLIENT_MOVED"})
    refused = await mailbox.post(link, f"action=decline&reason=CAPACITY_FULL&code={code}")
    assert refused.status_code == 409, refused.text
    await mailbox.subscribe(types=[SUBMITTED], digest="DAILY")
    await services.create(INES, "/v1/referrals", another_person())
    await mailbox.letter()
    await services.settle()
    box.at_data.append("451 4.3.0 Try again later")
    await services.at(services.clock.now() + timedelta(days=4))
    await services.settle()
