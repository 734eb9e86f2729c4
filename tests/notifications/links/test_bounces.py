"""A letter that comes back marks its address, as one that a server refuses; and nobody else's words do."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from services.chassis.memory_stores import MemoryStores
from services.mail_handover import LARGEST, RefusedMessage, hand_over
from tests.casefile.cases import SERVICES
from tests.journeys.sandbox import COMMAND, environment
from tests.notifications.email.reports import away, report
from tests.notifications.links.mailbox import ADDRESS, Mailbox, code_in, link_in
from tests.support.mail_server import mail_server
from tests.support.people import INES, LOTTE, OPERATOR, Person
from tests.support.problems import assert_problem
from tests.support.requests import another_person
from tests.support.running import listening, running

SUBMITTED: Final = "org.caserelay.referral.submitted.v1"
BOUNCES: Final = "/v1/subscriptions/bounces"


class Returned:
    """A mailbox of which letters come back, and who hands them over."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox, self.services = mailbox, mailbox.services

    async def letter(self, address: str = ADDRESS) -> str:
        """A letter goes out; its return path."""
        await self.services.create(INES, "/v1/referrals", another_person())
        await self.mailbox.letter(address)
        # Letters to others may come at the same time, in any order.
        box = self.mailbox.box
        return [path for path, to in zip(box.senders, box.receivers, strict=True) if to == address][-1]

    async def hand_over(self, message: str, person: Person = OPERATOR) -> httpx.Response:
        """A message that came back."""
        return await self.services.send(person, "POST", BOUNCES, {"message": message})

    async def events(self, subscription: str) -> list[str]:
        """What happened to the subscription, in order."""
        records = await self.services.service("notifications").log.read(f"subscription-{subscription}")
        return [type(recorded.event).__name__ for recorded in records]


@asynccontextmanager
async def returned(directory: Path, **more: Any) -> AsyncIterator[Returned]:
    """The services, whose letters have return paths."""
    settings: dict[str, Any] = {"public_url": "https://caserelay.example.org", "mail_bounces": "bounces@example.org"}
    async with (
        mail_server() as box,
        running(directory, SERVICES, stores=MemoryStores(), smtp_url=box.url, **{**settings, **more}) as services,
    ):
        await services.set_the_scene()
        yield Returned(Mailbox(services, box, LOTTE))


@pytest.fixture
async def came(tmp_path: Path) -> AsyncIterator[Returned]:
    """Those of a test."""
    async with returned(tmp_path) as came:
        yield came


async def test_a_letter_that_comes_back_marks_its_address(came: Returned) -> None:
    """What else is sent goes to others alone; reported once more, nothing changes; verified, it is written to again."""
    subscription = await came.mailbox.subscribe(types=[SUBMITTED], hours="ANY")
    other = await came.mailbox.subscribe(types=[SUBMITTED], hours="ANY", address="lead@brugwerk.example")
    path = await came.letter()
    assert path.startswith("bounces+")
    assert path.endswith("@example.org")
    for _ in range(2):
        answer = await came.hand_over(report(path))
        assert (answer.status_code, answer.json()) == (200, {"subscription": subscription, "bounced": True})
    shown = await came.mailbox.state(subscription)
    assert (shown["state"], shown["disabled"]["reason"], shown["disabled"]["status"]) == ("DISABLED", "BOUNCED", 550)
    assert (await came.events(subscription)).count("SubscriptionDisabled") == 1
    assert (await came.mailbox.state(other))["state"] == "ACTIVE"
    await came.mailbox.letter("lead@brugwerk.example")
    await came.letter("lead@brugwerk.example")
    assert came.mailbox.box.letters == []
    await came.services.done(LOTTE, f"/v1/subscriptions/{subscription}", "verify")
    confirmed = await came.mailbox.post(link_in(await came.mailbox.letter(), "/mail/confirm/"))
    assert confirmed.status_code == 200, confirmed.text
    # The report was late: it is about the address before it was proven again.
    assert (await came.hand_over(report(path))).json()["bounced"] is True
    assert (await came.mailbox.state(subscription))["state"] == "ACTIVE"


async def test_of_a_message_nothing_is_kept(came: Returned) -> None:
    """Neither in the log nor in the vault; the record names who handed it over."""
    subscription = await came.mailbox.subscribe(types=[SUBMITTED], hours="ANY")
    path = await came.letter()
    before = came.services.vault_rows("notifications")
    await came.hand_over(report(path))
    records = await came.services.service("notifications").log.read(f"subscription-{subscription}")
    assert records[-1].meta.actor.sub == OPERATOR.sub
    assert "Maes" not in repr(records[-1])
    assert "mx.brugwerk.example" not in repr(records[-1])
    assert came.services.vault_rows("notifications") == before


async def test_what_changes_nothing(came: Returned) -> None:
    """A delay, a status that passes, a policy, and an answer by a program."""
    subscription = await came.mailbox.subscribe(types=[SUBMITTED], hours="ANY")
    path = await came.letter()
    for message in (
        report(path, "delayed", "4.4.1"),
        report(path, "failed", "4.4.7"),
        report(path, "failed", "5.7.1"),
        away(path),
    ):
        answer = await came.hand_over(message)
        assert (answer.status_code, answer.json()) == (200, {"subscription": subscription, "bounced": False})
    assert (await came.mailbox.state(subscription))["state"] == "ACTIVE"


async def test_what_is_refused(came: Returned) -> None:
    """A forged return path, none of ours, and what is no report; nothing of the message is in the answer."""
    subscription = await came.mailbox.subscribe(types=[SUBMITTED], hours="ANY")
    path = await came.letter()
    local, _, domain = path.partition("@")
    forged = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
    for to in (forged, "bounces@example.org", ADDRESS):
        answer = await came.hand_over(report(to))
        assert_problem(answer, 422, "LETTER_UNKNOWN", at="/message")
        assert to not in answer.text
    written = await came.hand_over(away(path).replace("Auto-Submitted: auto-replied (vacation)\r\n", ""))
    assert_problem(written, 422, "NO_BOUNCE_REPORT", at="/message")
    assert_problem(await came.hand_over(report(path) + " " * 1_000_000), 413, "BODY_TOO_LARGE")
    assert (await came.mailbox.state(subscription))["state"] == "ACTIVE"


async def test_it_is_for_the_operator(came: Returned) -> None:
    """Who manages the subscription reads that it bounced, and says so of none."""
    await came.mailbox.subscribe(types=[SUBMITTED], hours="ANY")
    path = await came.letter()
    for person in (LOTTE, INES):
        assert_problem(await came.hand_over(report(path), person), 403, "ROLE_NOT_ALLOWED")


async def test_a_letter_that_asks_to_confirm_comes_back(came: Returned) -> None:
    """The challenge has failed, as where a server refuses it; the link in the letter confirms nothing any more."""
    person = {"sub": LOTTE.sub, "role": LOTTE.role}
    body = {"channel": "EMAIL", "address": ADDRESS, "person": person}
    made = (await came.services.create(LOTTE, "/v1/subscriptions", body)).json()["id"]
    await came.mailbox.letter()
    await came.mailbox.reaches(made, lambda shown: shown["lastChallenge"] is not None)
    for _ in range(2):
        assert (await came.hand_over(report(came.mailbox.box.senders[-1]))).status_code == 200
    shown = await came.mailbox.state(made)
    assert (shown["state"], shown["lastChallenge"]["outcome"]) == ("PENDING", "BOUNCED")
    assert (await came.events(made)).count("ChallengeFailed") == 1


async def test_a_letter_with_a_code_has_one_too(came: Returned) -> None:
    """It goes to the same address, by another way."""
    subscription = await came.mailbox.subscribe(types=[SUBMITTED], hours="ANY")
    await came.services.create(INES, "/v1/referrals", another_person())
    link = link_in(await came.mailbox.letter(), "/act/")
    await came.mailbox.post(f"{link}/code")
    code_in(await came.mailbox.letter())
    answer = await came.hand_over(report(came.mailbox.box.senders[-1]))
    assert answer.json() == {"subscription": subscription, "bounced": True}


async def test_a_subscription_that_is_gone_stays_gone(came: Returned) -> None:
    """Its report comes late."""
    subscription = await came.mailbox.subscribe(types=[SUBMITTED], hours="ANY")
    path = await came.letter()
    etag = await came.services.version(LOTTE, f"/v1/subscriptions/{subscription}")
    await came.services.send(LOTTE, "DELETE", f"/v1/subscriptions/{subscription}", etag=etag)
    assert (await came.hand_over(report(path))).status_code == 200
    assert (await came.events(subscription))[-1] == "SubscriptionDeleted"


async def test_without_the_setting_letters_are_returned_to_their_sender(tmp_path: Path) -> None:
    """As before; and no message is about a letter of ours."""
    async with returned(tmp_path, mail_bounces=None) as came:
        await came.mailbox.subscribe(types=[SUBMITTED], hours="ANY")
        assert await came.letter() == "caserelay@caserelay.example.org"
        assert_problem(await came.hand_over(report("bounces@example.org")), 422, "LETTER_UNKNOWN")


async def test_a_mail_server_hands_messages_over_by_a_command(came: Returned, tmp_path: Path) -> None:
    """0 and what became of it; 1 for what is refused; 75, after which it comes again, where the token has ended."""
    subscription = await came.mailbox.subscribe(types=[SUBMITTED], hours="ANY")
    path = await came.letter()
    token, ended = tmp_path / "token", tmp_path / "ended"
    token.write_text(f"{came.services.token(OPERATOR)}\n", encoding="utf-8")
    ended.write_text("a.b.c", encoding="utf-8")
    async with listening(came.services) as there:

        async def run(message: str, file: Path = token, *more: str) -> tuple[int, str]:
            command = ["mail", "bounced", "--url", str(there.url), "--token", str(file), *more]
            process = await asyncio.create_subprocess_exec(
                COMMAND,
                *command,
                env=environment(tmp_path / "var", None),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            out, err = await process.communicate(message.encode())
            return process.returncode or 0, (out + err).decode()

        assert await run(report(path).replace("\r\n", "\n")) == (0, f"{subscription}: bounced\n")
        assert (await run("nonsense"))[0] == 1
        assert (await run(report(path), ended))[0] == 75
        status, printed = await run(away(path), token, "--json")
        assert (status, json.loads(printed)) == (0, {"subscription": subscription, "bounced": False})
    shown = await came.mailbox.state(subscription)
    assert (shown["state"], shown["disabled"]["reason"]) == ("DISABLED", "BOUNCED")


@pytest.mark.parametrize("content", ["<html>Sign in</html>", "[]", "{}", "null"])
def test_another_system_that_answers_is_none(content: str, tmp_path: Path) -> None:
    """A page in front of it, say: the message is for later, and is not lost."""
    token = tmp_path / "token"
    token.write_text("token", encoding="utf-8")

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(RefusedMessage, match="not that of the system") as refused:
            hand_over(f"http://127.0.0.1:{server.server_port}", token, io.BytesIO(b"a"))
        thread.join()
    assert refused.value.status == 75


def test_what_the_command_cannot_hand_over(tmp_path: Path) -> None:
    """A message that is too large is never taken; one without a token or a system is for later."""
    token = tmp_path / "token"
    with pytest.raises(RefusedMessage) as refused:
        hand_over("http://127.0.0.1:1", token, io.BytesIO(b"a" * (LARGEST + 1)))
    assert refused.value.status == 1
    with pytest.raises(RefusedMessage, match="--token") as refused:
        hand_over("http://127.0.0.1:1", token, io.BytesIO(b"a"))
    assert refused.value.status == 75
    token.write_text("token", encoding="utf-8")
    with pytest.raises(RefusedMessage, match="cannot be reached") as refused:
        hand_over("http://127.0.0.1:1", token, io.BytesIO(b"a"))
    assert refused.value.status == 75
