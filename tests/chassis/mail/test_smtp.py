"""Letters reach a real server once, and what became of each is known by a code."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Final

import pytest

from services.chassis.mail.smtp import MailAnswer, MailServer, Result, Smtp
from services.chassis.mail.writing import Envelope, Parts, composed, message_id
from tests.support.mail_server import MailBox, mail_server
from tests.support.own_certificate import server_context, trusting
from tests.support.ports import free_port

FROM: Final = "caserelay@example.org"
TO: Final = "lotte@brugwerk.example"


def letter(identity: str = "0190-delivery") -> EmailMessage:
    """Any letter."""
    envelope = Envelope(FROM, TO, identity, datetime(2026, 1, 12, 9, tzinfo=UTC))
    return composed(Parts("Your code", "1234 5678", "<p>1234 5678</p>", "nl"), envelope)


async def sent(box: MailBox) -> MailAnswer:
    """A letter that was given to the server, by who trusts it."""
    return await Smtp(MailServer.of(box.url), trusting).send(FROM, TO, letter())


async def test_a_letter_is_taken_once_with_both_parts() -> None:
    """The server has what was written, for whom it was written."""
    async with mail_server() as box:
        answer = await sent(box)
    assert (answer.result, answer.status, answer.error) == (Result.ACCEPTED, 250, None)
    (came,) = box.letters
    assert box.receivers == [TO]
    assert [part.get_content_type() for part in came.iter_parts()] == ["text/plain", "text/html"]
    assert "1234 5678" in came.get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("at", "reply", "result", "error", "blamed"),
    [
        ("rcpt", "451 4.7.1 Greylisted, come back later", Result.DEFERRED, "RECIPIENT_REFUSED", False),
        ("rcpt", "452 4.2.2 Mailbox full", Result.DEFERRED, "RECIPIENT_REFUSED", False),
        ("rcpt", "550 5.1.1 No such user", Result.REFUSED, "RECIPIENT_REFUSED", True),
        ("rcpt", "550 No such user", Result.REFUSED, "RECIPIENT_REFUSED", True),
        ("rcpt", "554 5.7.1 Relay access denied", Result.DEFERRED, "POLICY", False),
        ("data", "451 4.3.0 Try again later", Result.DEFERRED, "LETTER_REFUSED", False),
        ("data", "550 5.1.1 No such user", Result.REFUSED, "LETTER_REFUSED", True),
        ("data", "550 5.2.1 Mailbox closed", Result.REFUSED, "LETTER_REFUSED", True),
        ("data", "552 5.3.4 Too big", Result.REFUSED, "LETTER_REFUSED", False),
    ],
)
async def test_a_reply_blames_the_address_only_where_it_speaks_of_it(
    at: str, reply: str, result: Result, error: str, *, blamed: bool
) -> None:
    """RFC 5321: 4xx passes by, 5xx stays; RFC 3463: 5.1 and 5.2.1 are about the mailbox, 5.7 about who sends."""
    async with mail_server() as box:
        (box.at_recipient if at == "rcpt" else box.at_data).append(reply)
        answer = await sent(box)
    assert (answer.result, answer.status, answer.error) == (result, int(reply[:3]), error)
    assert answer.address_refused is blamed
    assert box.letters == []


async def test_what_was_greylisted_is_taken_the_next_time() -> None:
    """The server says 451 to the first attempt, and takes the second."""
    async with mail_server() as box:
        box.at_recipient.append("451 4.7.1 Greylisted")
        first, second = await sent(box), await sent(box)
    assert [first.result, second.result] == [Result.DEFERRED, Result.ACCEPTED]
    assert len(box.letters) == 1


@pytest.mark.parametrize(("cut", "came"), [("IN_DATA", 1), ("AFTER_DATA", 2)])
async def test_where_the_line_is_lost_the_repeat_is_known_by_its_id(cut: str, came: int) -> None:
    """The server may have the letter: the repeat has the same Message-ID, so that a mailbox shows it once."""
    async with mail_server() as box:
        box.cut.append(cut)
        first, second = await sent(box), await sent(box)
    assert (first.result, first.status, first.error) == (Result.CONNECTION, None, "CONNECTION")
    assert second.result is Result.ACCEPTED
    assert [letter["Message-ID"] for letter in box.letters] == ["<0190-delivery@example.org>"] * came
    assert message_id("0190-delivery", FROM) == "<0190-delivery@example.org>"


async def test_start_tls_is_used_where_it_is_offered() -> None:
    """And only with a certificate that is trusted."""
    async with mail_server(start_tls=server_context()) as box:
        assert (await sent(box)).result is Result.ACCEPTED
        assert box.encrypted == [True]
        stranger = await Smtp(MailServer.of(box.url)).send(FROM, TO, letter())
    assert (stranger.result, stranger.error) == (Result.CONNECTION, "TLS")
    assert len(box.letters) == 1


async def test_start_tls_is_insisted_on_where_it_is_asked_for() -> None:
    """A server that offers none gets no letter, and no password, though it would take one."""
    async with mail_server(passwords_in_clear=True) as box:
        for url in (f"smtp+starttls://127.0.0.1:{box.port}", f"smtp://lotte:open%20sesame@127.0.0.1:{box.port}"):
            answer = await Smtp(MailServer.of(url), trusting).send(FROM, TO, letter())
            assert (answer.result, answer.error) == (Result.CONNECTION, "TLS")
    assert (box.letters, box.logins) == ([], [])


async def test_a_letter_goes_over_tls_from_the_first_byte() -> None:
    """`smtps://`."""
    async with mail_server(tls=server_context()) as box:
        server = MailServer.of(f"smtps://127.0.0.1:{box.port}")
        assert (await Smtp(server, trusting).send(FROM, TO, letter())).result is Result.ACCEPTED


@pytest.mark.parametrize(("password", "result"), [("open%20sesame", Result.ACCEPTED), ("wrong", Result.DEFERRED)])
async def test_user_and_password_are_given_and_never_logged(
    password: str, result: Result, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong one is ours to put right: letters wait, and no address is blamed."""
    caplog.set_level(logging.DEBUG)
    async with mail_server(start_tls=server_context()) as box:
        server = MailServer.of(f"smtp://lotte:{password}@127.0.0.1:{box.port}")
        answer = await Smtp(server, trusting).send(FROM, TO, letter())
    assert (answer.result, answer.address_refused) == (result, False)
    assert {user for user, _ in box.logins} == {b"lotte"}
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("services")]
    assert not [text for text in [*ours, repr(server), str(answer)] if "sesame" in text or "lotte" in text]


async def test_a_slow_server_holds_nobody_up_for_longer_than_is_set() -> None:
    """It may have the letter, so the delivery is repeated."""
    async with mail_server() as box:
        box.slow_seconds = 5.0
        async with asyncio.timeout(2.0):
            answer = await Smtp(MailServer.of(box.url), trusting, all_seconds=0.3).send(FROM, TO, letter())
    assert (answer.result, answer.error) == (Result.CONNECTION, "TIMEOUT")


async def test_a_server_that_is_away_is_a_lost_connection() -> None:
    """Nobody listens there."""
    answer = await Smtp(MailServer.of(f"smtp://127.0.0.1:{free_port()}")).send(FROM, TO, letter())
    assert (answer.result, answer.error) == (Result.CONNECTION, "CONNECTION")


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example.org",
        "smtp://",
        "mail.example.org:25",
        "smtp://mail.example.org:99999",
        "smtp://mail.example.org/path",
        "smtp://mail.example.org?x=s3cret",
        "smtp://s3cret@mail.example.org",
    ],
)
def test_a_url_that_names_no_mail_server_is_refused_without_being_repeated(url: str) -> None:
    """It may hold a password."""
    with pytest.raises(ValueError, match="must") as refused:
        MailServer.of(url)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "port"),
    [("smtp://m.example.org", 25), ("smtp+starttls://m.example.org", 587), ("smtps://m.example.org/", 465),
     ("smtp://m.example.org:1025", 1025)],
)  # fmt: skip
def test_the_port_is_the_schemes_unless_it_is_named(url: str, port: int) -> None:
    """25, 587 and 465, as they are registered."""
    assert MailServer.of(url).port == port


@pytest.mark.parametrize(
    "address", ["x@y.example>\r\nRCPT TO:<evil@example.org", "no address", "löwe@y.example", '"a b"@y.example', ""]
)
async def test_an_address_that_no_server_could_be_given_is_refused_here(address: str) -> None:
    """Whatever it holds, it adds no line to what is said to the server."""
    async with mail_server() as box:
        answer = await Smtp(MailServer.of(box.url)).send(FROM, address, letter())
    assert (answer.result, answer.error, answer.address_refused) == (Result.REFUSED, "ADDRESS", True)
    assert box.receivers == []
