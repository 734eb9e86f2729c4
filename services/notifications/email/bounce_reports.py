"""Reads what comes back of a letter: whether a mail server says that it can never be delivered (RFC 3464).

Of a message nothing is kept but that, and the status of an SMTP reply: its words may be of a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from email.parser import HeaderParser
from typing import Any, Final, NamedTuple

_RECEIVERS: Final = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
"""Where a mail server, and who reports to it, write the address that a report came to."""
_READ: Final = 100_000
"""Characters of a message: what a server reports stands before the letter that it returns."""
_NESTING: Final = re.compile("boundary|message/", re.IGNORECASE)
_MOST_NESTING: Final = 20
"""A report has three parts and a letter of two: of parts within parts without end nothing is read."""
_FOR_GOOD: Final = re.compile(r"\s*5\.(?!7\.|6\.|3\.4\b|2\.3\b|1\.[78]\b)\d{1,3}\.\d{1,3}\s*(?:\(.*\)\s*)?", re.DOTALL)
"""A permanent status (RFC 3463) that may be a matter of the address.

Not one is a policy (5.7), nor what is about the letter (5.6, and its size: 5.2.3, 5.3.4) or about us (5.1.7, 5.1.8):
that would be so at every address.
"""
_REPLY: Final = re.compile(r"\s*smtp\s*;\s*(5\d\d)\b", re.IGNORECASE)


class Report(NamedTuple):
    """What came back: whether the letter never arrives, and the status of the reply by which a server said so."""

    bounced: bool
    status: int | None = None


def receivers_of(message: str) -> str:
    """The addresses that a message came to, as they are written in its headers."""
    headers = HeaderParser().parsestr(_ascii(message))
    return "\n".join(str(text) for name in _RECEIVERS for text in headers.get_all(name, ()))


def report_of(message: str) -> Report | None:
    """What a message reports; nothing is bounced by an automatic answer. None: it is neither."""
    text = _ascii(message)
    if len(_NESTING.findall(text)) > _MOST_NESTING:
        return None
    try:
        read = message_from_string(text)
        status = _delivery_status(read)
    except ValueError:
        # A boundary may name a charset to read it by, and Python has some that fail.
        return None
    if status is None:
        automatic = str(read.get("Auto-Submitted", "no")).partition(";")[0].strip().lower()
        return None if automatic == "no" else Report(bounced=False)
    for fields in status:
        if str(fields.get("Action", "")).strip().lower() == "failed" and _FOR_GOOD.fullmatch(_text(fields, "Status")):
            reply = _REPLY.match(_text(fields, "Diagnostic-Code"))
            return Report(bounced=True, status=int(reply[1]) if reply is not None else None)
    return Report(bounced=False)


def _ascii(message: str) -> str:
    """As much as is read of a message. All that is looked for is ASCII, and the library fails at some that is not."""
    return message[:_READ].encode("ascii", "replace").decode("ascii")


def _text(fields: Message[str, str], name: str) -> str:
    return str(fields.get(name, ""))


def _delivery_status(message: Message[str, str]) -> list[Message[str, str]] | None:
    """The groups of fields of the report, one of the message and one a recipient; None where it is no such report."""
    if message.get_content_type() != "multipart/report":
        return None
    for part in _parts(message):
        if part.get_content_type() == "message/delivery-status":
            return [*_parts(part)]
    return None


def _parts(message: Message[str, str]) -> Iterator[Message[str, str]]:
    payload: Any = message.get_payload()
    if isinstance(payload, list):
        yield from payload
