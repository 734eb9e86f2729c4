"""Puts a letter together as it goes to the server: two parts that say the same, and the headers of automatic mail."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    from email.headerregistry import BaseHeader


class _Address(UniqueUnstructuredHeader):
    """A header that holds the address of a page, on one line however long that is.

    The library would write a line of more than 78 characters as an encoded word, which no mail program opens: RFC 2369
    has the address as it is.
    """

    name: str

    def fold(self, *, policy: Policy[Any]) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS: Final = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", cast("type[BaseHeader]", _Address))
_POLICY: Final = SMTP.clone(header_factory=_HEADERS)


BLANK: Final = "{secret}"
"""Where a secret goes in a letter that is written before its secret is made."""


class Parts(NamedTuple):
    """What a letter says, as a text and as HTML. `unsubscribe` is where an address is taken off a list by a POST."""

    subject: str
    text: str
    html: str
    language: str
    unsubscribe: str | None = None


class Envelope(NamedTuple):
    """From and to whom a letter goes, when, and under which identity: the same for every attempt to send it."""

    sender: str
    address: str
    identity: str
    """Without brackets and domain: that of the delivery."""
    at: datetime


def message_id(identity: str, sender: str) -> str:
    """The Message-ID of a delivery: a repeat after a lost answer has the same one, and mail systems drop doubles."""
    return f"<{identity}@{sender.rpartition('@')[2]}>"


def composed(parts: Parts, envelope: Envelope) -> EmailMessage:
    """The message as it goes to the server: ASCII on the wire, whatever the language."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = f"Caserelay <{envelope.sender}>"
    message["To"] = envelope.address
    message["Subject"] = parts.subject
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = message_id(envelope.identity, envelope.sender)
    message["Auto-Submitted"] = "auto-generated"
    # Exchange answers automatic mail by itself unless it is asked not to.
    message["X-Auto-Response-Suppress"] = "All"
    if parts.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{parts.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(parts.text, cte="quoted-printable")
    message.add_alternative(parts.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = parts.language
    return message
