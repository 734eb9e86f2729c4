"""Hands one letter at a time to a mail server, and says what became of it.

What a server says may hold the address that it is said of, so none of its words leave this file: only codes do.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import errors

ALL_SECONDS: Final = 60.0
"""For a letter as a whole, the connection included."""
COMMAND_SECONDS: Final = 20.0
CONNECTIONS: Final = 4
"""Letters that are on their way to the server at once; further ones wait."""

_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_ADDRESS: Final = re.compile(r"[!#-;=?A-~]+@[!#-;=?A-~]+")
"""What may stand between the brackets of a command: printable ASCII, no brackets, quotes or blanks."""
_ENHANCED: Final = re.compile(r"^\s*([245]\.\d{1,3}\.\d{1,3})\b")


class Result(StrEnum):
    """What became of a letter.

    ACCEPTED: the server has it. REFUSED: it never takes this letter, or none for this address, which is to blame only
    where `address_refused` says so. DEFERRED: not now, as greylisting says, or not before somebody has put the server's
    settings or ours right. CONNECTION: nobody knows; where it broke after the letter was sent the server may have it,
    so the repeat has the same Message-ID.
    """

    ACCEPTED = "ACCEPTED"
    DEFERRED = "DEFERRED"
    REFUSED = "REFUSED"
    CONNECTION = "CONNECTION"


class MailAnswer(NamedTuple):
    """What became of a letter: `status` is the server's code, None where none came; `error` is a code of ours."""

    result: Result
    status: int | None
    error: str | None
    latency_ms: int
    address_refused: bool = False
    """No later letter reaches the address either."""


class MailServer(NamedTuple):
    """A mail server, as `CASERELAY_SMTP_URL` names it.

    `smtp://` uses STARTTLS where the server offers it, and insists on it where there is a password to protect;
    `smtp+starttls://` always insists, and `smtps://` begins with TLS. Certificates are checked in all three.
    """

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None

    @classmethod
    def of(cls, url: str) -> MailServer:
        """ValueError with what would be accepted; it repeats nothing of the URL, which may hold a password."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise ValueError("the port must be a number from 1 to 65535") from None
        if parts.scheme not in _PORTS or not parts.hostname or port == 0:
            raise ValueError("must be smtp://, smtp+starttls:// or smtps://, with a host: smtp://mail.example.org:587")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("must end with the host or the port")
        if (parts.username is None) != (parts.password is None):
            raise ValueError("must name a user and a password, or neither: smtps://user:password@host")
        user, password = (None if text is None else unquote(text) for text in (parts.username, parts.password))
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], user, password)

    def __repr__(self) -> str:
        """Without user and password."""
        return f"MailServer({self.scheme}://{self.host}:{self.port})"

    @property
    def start_tls(self) -> bool | None:
        """As aiosmtplib asks: True insists, None takes what is offered, False needs none."""
        if self.scheme == "smtps":
            return False
        return True if self.scheme == "smtp+starttls" or self.password is not None else None


class Smtp:
    """Sends letters to one server, over a connection for each."""

    def __init__(
        self,
        server: MailServer,
        trust: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        all_seconds: float = ALL_SECONDS,
    ) -> None:
        """`trust` makes that by which its certificate is checked: the system's, and `SSL_CERT_FILE`."""
        self._server, self._trust, self._all_seconds = server, trust, all_seconds
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._context: ssl.SSLContext | None = None

    async def send(self, sender: str, address: str, letter: EmailMessage) -> MailAnswer:
        """Sends one letter from one address to one other. Raises nothing but what cancels it."""
        if _ADDRESS.fullmatch(address) is None:
            return MailAnswer(Result.REFUSED, None, "ADDRESS", 0, address_refused=True)
        async with self._places:
            began = time.monotonic()
            result, status, error, blamed = await self._sent(sender, address, letter.as_bytes(policy=WIRE))
            return MailAnswer(result, status, error, round((time.monotonic() - began) * 1000), blamed)

    async def _sent(self, sender: str, address: str, letter: bytes) -> tuple[Result, int | None, str | None, bool]:
        client: aiosmtplib.SMTP | None = None
        try:
            async with asyncio.timeout(self._all_seconds):
                client = self._client()
                await client.connect()
                answered, _ = await self._handed_over(client, sender, address, letter)
                return Result.ACCEPTED, answered, None, False
        except (TimeoutError, errors.SMTPException, OSError) as failure:
            return _what_became(failure)
        finally:
            if client is not None:
                await _leave(client)

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        if self._context is None:
            self._context = self._trust()
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            timeout=min(COMMAND_SECONDS, self._all_seconds),
            use_tls=server.scheme == "smtps",
            start_tls=server.start_tls,
            tls_context=self._context,
        )

    @staticmethod
    async def _handed_over(client: aiosmtplib.SMTP, sender: str, address: str, letter: bytes) -> tuple[int, str]:
        await client.mail(sender)
        await client.rcpt(address)
        return await client.data(letter)


async def _leave(client: aiosmtplib.SMTP) -> None:
    # A server that does not say goodbye holds nobody up: the letter's fate is known.
    with suppress(errors.SMTPException, OSError, TimeoutError):
        if client.is_connected:
            await client.quit(timeout=1.0)
    client.close()


def _what_became(failure: Exception) -> tuple[Result, int | None, str | None, bool]:
    match failure:
        case errors.SMTPAuthenticationError():
            # Ours to put right; letters wait for it.
            return Result.DEFERRED, failure.code, "AUTHENTICATION", False
        case errors.SMTPRecipientRefused():
            return _refused(failure, "RECIPIENT_REFUSED", at_recipient=True)
        case errors.SMTPSenderRefused():
            return _refused(failure, "SENDER_REFUSED")
        case errors.SMTPDataError():
            return _refused(failure, "LETTER_REFUSED")
        case errors.SMTPResponseException():
            return _refused(failure, "SERVER_REFUSED")
        case ssl.SSLError():
            return Result.CONNECTION, None, "TLS", False
        case errors.SMTPTimeoutError() | TimeoutError():
            return Result.CONNECTION, None, "TIMEOUT", False
        case errors.SMTPException() if isinstance(failure.__cause__, ssl.SSLError):
            return Result.CONNECTION, None, "TLS", False
        case errors.SMTPConnectError() | errors.SMTPServerDisconnected() | OSError():
            return Result.CONNECTION, None, "CONNECTION", False
        case _:
            # Among them that STARTTLS is not offered where it is insisted on.
            return Result.CONNECTION, None, "TLS" if "STARTTLS" in str(failure).upper() else "PROTOCOL", False


def _refused(
    failure: errors.SMTPResponseException, error: str, *, at_recipient: bool = False
) -> tuple[Result, int | None, str | None, bool]:
    """By the reply's first digit, and by the enhanced code of RFC 3463, which tells a bad mailbox from a policy."""
    found = _ENHANCED.match(failure.message or "")
    enhanced = found.group(1) if found is not None else ""
    if failure.code // 100 != 5:
        return (Result.DEFERRED if failure.code // 100 == 4 else Result.CONNECTION), failure.code, error, False
    if enhanced.startswith("5.7.") or error in ("SENDER_REFUSED", "SERVER_REFUSED"):
        # The server does not want us, no matter whom the letter is for: somebody has to see to that, and letters wait.
        return Result.DEFERRED, failure.code, "POLICY" if enhanced.startswith("5.7.") else error, False
    # 5.1.x: there is no such address; 5.2.1: the mailbox is closed. Some say so only once they have the letter.
    return Result.REFUSED, failure.code, error, at_recipient or enhanced.startswith("5.1.") or enhanced == "5.2.1"
