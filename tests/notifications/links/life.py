"""What may happen to links and digests, in running services, for samples of every event and message."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from contracts.subscription_codes import WarningCode
from services.chassis.time.clock import machine_now
from services.notifications.delivering.recording import Recording
from services.notifications.domain.subscription import SUBSCRIPTION, subscription_stream
from services.notifications.domain.warning import WARNED, warning_stream
from tests.casefile.cases import PROFILE
from tests.notifications.links.mailbox import Mailbox, code_in, link_in
from tests.notifications.links.pair import MENTEE, MENTOR, MENTORS, Pair
from tests.notifications.receiving import Subscriptions, receiver, until
from tests.support.mail_server import MailBox
from tests.support.people import INES, LOTTE
from tests.support.requests import another_person
from tests.support.running import Running

SUBMITTED: Final = "org.caserelay.referral.submitted.v1"


async def pair_answers(services: Running, box: MailBox) -> None:
    """Mentor and mentee say yes by a link and a code, after a wrong one; one says how it goes, the other too late."""
    pair = Pair(Mailbox(services, box, LOTTE))
    # In the version of the charter in which the demo's programme asks for it, whatever came to govern meanwhile.
    etag = await services.version(LOTTE, MENTORS)
    described = await services.send(LOTTE, "PUT", MENTORS, PROFILE, etag=etag)
    assert described.status_code == 200, described.text
    await pair.proposed(mentor={"email": MENTOR, "language": "fr"})
    await pair.letter_to(MENTOR)
    link = await pair.link_to(MENTEE)
    given = await pair.code(link, MENTEE)
    done = await pair.mailbox.post(link, f"action=reject-match&reason=AVAILABILITY&code={given}")
    assert done.status_code == 200, done.text
    case = await pair.proposed()
    for address in (MENTEE, MENTOR):
        link = await pair.link_to(address)
        given = await pair.code(link, address)
        await pair.mailbox.post(link, "action=confirm-match&code=0")
        done = await pair.mailbox.post(link, f"action=confirm-match&code={given}")
        assert done.status_code == 200, done.text
    await pair.context.lead_on(case, "MATCH_PROPOSED", "MENTORING")
    await pair.asked_how_it_goes()
    # Of one of the matches: the same person is the mentor of others.
    link = await pair.link_to(MENTOR)
    given = await pair.code(link, MENTOR)
    done = await pair.mailbox.post(link, f"score=2&reasons=NO_SHOWS&reasons=ONE_SIDED&code={given}")
    assert done.status_code == 200, done.text
    # The mentee answers too, and the pair has paused meanwhile.
    link = await pair.link_to(MENTEE)
    given = await pair.code(link, MENTEE)
    await services.done(LOTTE, case.path, "suspend", {"reason": "HOLIDAY"})
    refused = await pair.mailbox.post(link, f"score=4&code={given}")
    assert refused.status_code == 409, refused.text
    await services.settle()


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
    await warned(services, mailbox)


async def warned(services: Running, mailbox: Mailbox) -> None:
    """A mailbox and an endpoint of an organisation are warned of another endpoint of its own."""
    # At an address of its own: the other one may get a digest meanwhile.
    reader = await mailbox.subscribe(types=[SUBMITTED], address="warned@brugwerk.example.org")
    endpoint = {"channel": "WEBHOOK", "url": "https://hooks.example.org/x"}
    made = (await services.create(LOTTE, "/v1/subscriptions", endpoint)).json()["id"]
    service = services.service("notifications")
    failing = (await service.streams.fold(subscription_stream(made), SUBSCRIPTION)).state
    stream = warning_stream(made)

    async def both_know() -> bool:
        return {reader, other} <= {*(await service.streams.fold(stream, WARNED)).state.readers}

    async with receiver() as there:
        other = await Subscriptions(service).active("brugwerk", there.url, types=(SUBMITTED,))
        await Recording(service.streams, service.clock).warn(failing, WarningCode.FAILING, machine_now())
        await until(both_know)
