"""A real SMTP server on this machine, in the loop of the test, that takes letters or does what it is told to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class MailBox:
    """What came, and how the next letters are answered: a reply for each, then the last of them for all."""

    letters: list[EmailMessage] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    """Of the envelopes: where letters are returned to."""
    encrypted: list[bool] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    at_recipient: list[str] = field(default_factory=list)
    """Replies to RCPT in the place of 250."""
    at_data: list[str] = field(default_factory=list)
    """Replies to a letter in the place of 250; it is taken all the same only where the reply says so."""
    cut: list[str] = field(default_factory=list)
    """IN_DATA: the line is cut while the letter comes; AFTER_DATA: once it is taken, before the answer."""
    slow_seconds: float = 0.0
    hangs_for: set[str] = field(default_factory=set)
    """Addresses for whose letters no answer ever comes."""
    hanging: list[str] = field(default_factory=list)
    """To whom those were that came so far."""
    answer_seconds: float = 0.0
    """How long after a letter was taken that is said."""
    port: int = 0

    @property
    def url(self) -> str:
        """As `CASERELAY_SMTP_URL` names it."""
        return f"smtp://127.0.0.1:{self.port}"

    def login(self, _server: object, _session: object, _envelope: object, _mechanism: str, data: Any) -> AuthResult:
        """Everybody whose password is `open sesame`."""
        given: LoginPassword = data
        self.logins.append((given.login, given.password))
        return AuthResult(success=given.password == b"open sesame", handled=False)

    async def handle_RCPT(  # noqa: N802 - the library's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Takes an address, or answers as it was told to."""
        if self.at_recipient:
            return self.at_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Takes a letter, or answers as it was told to."""
        await asyncio.sleep(self.slow_seconds)
        if hanging := self.hangs_for & set(envelope.rcpt_tos):
            self.hanging += hanging
            await asyncio.Event().wait()
        if self.at_data:
            return self.at_data.pop(0)
        self.letters.append(message_from_bytes(cast("bytes", envelope.content), policy=default))
        self.receivers += envelope.rcpt_tos
        self.senders.append(str(envelope.mail_from))
        self.encrypted.append(session.ssl is not None)
        await asyncio.sleep(self.answer_seconds)
        if self.cut and self.cut[0] == "AFTER_DATA":
            self.cut.pop(0)
            cast("asyncio.Transport", server.transport).abort()
        return "250 2.0.0 OK"


class _Server(SMTP):
    """Aiosmtpd's, which can lose the line while a letter comes."""

    def __init__(self, box: MailBox, **options: Any) -> None:
        super().__init__(box, **options)
        self._box = box

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library's
        """As a server that dies there."""
        if self._box.cut and self._box.cut[0] == "IN_DATA":
            self._box.cut.pop(0)
            await self.push("354 go on")
            await self._reader.readline()
            cast("asyncio.Transport", self.transport).abort()
            return
        await super().smtp_DATA(arg)


@asynccontextmanager
async def mail_server(
    start_tls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, *, passwords_in_clear: bool = False
) -> AsyncIterator[MailBox]:
    """The server, with STARTTLS by a certificate, or TLS from the first byte, where they are given."""
    box = MailBox()

    def serve() -> SMTP:
        return _Server(
            box,
            hostname="mail.test",
            tls_context=start_tls,
            authenticator=box.login,
            auth_require_tls=not passwords_in_clear,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0, ssl=tls)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
