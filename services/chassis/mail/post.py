"""Sends letters from this installation: under its sender, with links that lead back to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from services.chassis.mail.smtp import MailAnswer, MailServer, Result, Smtp
from services.chassis.mail.writing import Envelope, Parts, composed
from services.chassis.refused_start import RefusedStart
from services.chassis.settings import Settings
from services.chassis.time.clock import machine_now

NOT_SET_UP: Final = MailAnswer(Result.DEFERRED, None, "NOT_SET_UP", 0)
"""What becomes of letters where there is no mail server: they wait for one."""


class Post:
    """The way of letters out of this installation. `url` is what links begin with."""

    def __init__(self, smtp: Smtp | None, sender: str, url: str, now: Callable[[], datetime] = machine_now) -> None:
        """`now` is the machine's time: that of a letter is for mail programs."""
        self._smtp, self._sender, self.url, self._now = smtp, sender, url, now

    @classmethod
    def of(cls, settings: Settings) -> Post:
        """As the settings have it. Raises RefusedStart."""
        smtp = None
        if settings.smtp_url is not None:
            try:
                smtp = Smtp(MailServer.of(settings.smtp_url.get_secret_value()))
            except ValueError as error:
                raise RefusedStart(f"CASERELAY_SMTP_URL {error}") from None
        return cls(smtp, settings.mail_sender, settings.links_begin_with)

    @property
    def set_up(self) -> bool:
        """Whether there is a mail server at all."""
        return self._smtp is not None

    async def send(self, address: str, letter: Parts, identity: str, returns: str | None = None) -> MailAnswer:
        """Sends a letter; the same `identity` makes it the same letter for a reader who gets it twice.

        `returns`: to where a server on the way returns it; without it, to its sender.
        """
        if self._smtp is None:
            return NOT_SET_UP
        envelope = Envelope(sender=self._sender, address=address, identity=identity, at=self._now())
        return await self._smtp.send(returns or self._sender, address, composed(letter, envelope))
