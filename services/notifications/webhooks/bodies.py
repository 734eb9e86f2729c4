"""What is posted: one CloudEvent in structured mode, whole or thin. The same event always makes the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contracts.message import encode

THIN: Final = "THIN"
FULL: Final = "FULL"
IDS: Final = (
    "case",
    "referral",
    "broadcast",
    "agency",
    "organisation",
    "programme",
    "match",
    "task",
    "exception",
    "proposal",
    "escalation",
    "gap",
)
"""What a thin body keeps of the data, where it is there: ids of things, and of no people."""
_READ_AT: Final = {
    "broadcast": ("broadcasts", "broadcast"),
    "case": ("cases", "case"),
    "legal_basis": ("cases", "case"),
    "offer": ("referrals", "referral"),
    "organisation": ("organisations", "organisation"),
    "programme": ("programmes", "programme"),
    "referral": ("referrals", "referral"),
}
"""Where what a type is about can be read: the list, and the id."""
_PREFIX: Final = "org.caserelay."


def full(message: Mapping[str, Any]) -> bytes:
    """The event as it was published and stored, with its `traceparent`."""
    return encode(message)


def thin(message: Mapping[str, Any], public_url: str = "") -> bytes:
    """The same event with data of ids, `type` and `href` alone, where the rest can be read by those who may.

    `public_url`: what the services are reached under, without a slash at its end; without it `href` is a path. It has
    no `dataschema`: the data are not those of its type.
    """
    attributes = {name: value for name, value in message.items() if name not in ("data", "dataschema")}
    return encode({**attributes, "data": _thin_data(message, public_url)})


def _thin_data(message: Mapping[str, Any], public_url: str) -> dict[str, str]:
    kind = str(message["type"])
    about = kind.removeprefix(_PREFIX).partition(".")[0]
    data: Mapping[str, Any] = message["data"]
    # An event about an organisation or a programme has its id as the subject only.
    known = {about: message["subject"], **data} if about in ("organisation", "programme") else data
    ids = {name: str(known[name]) for name in IDS if isinstance(known.get(name), str)}
    place, name = _READ_AT.get(about, ("cases", "case"))
    href = {"href": f"{public_url}/v1/{place}/{ids[name]}"} if name in ids else {}
    return {**ids, "type": kind, **href}


def own_event(kind: str, data: Mapping[str, Any], *, event: str, source: str, subject: str, time: str) -> bytes:
    """An event that is about a subscription and in nobody's feed: a challenge, a test, a warning.

    `event` is its id, `time` RFC 3339 in UTC.
    """
    return encode(
        {
            "specversion": "1.0",
            "id": event,
            "source": source,
            "type": kind,
            "subject": subject,
            "time": time,
            "datacontenttype": "application/json",
            "data": data,
        }
    )
