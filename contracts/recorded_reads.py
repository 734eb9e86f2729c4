"""Whose readings of the record stand in the log `access`, of which routes, and what each of them was of.

Those who work on a case are not among them: what they do is an event, that they read contact data is a disclosure, and
how far they read their feed is told of deliveries. Who fetches a receipt for a handover is on record in every role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from contracts.codes import Role
from contracts.identifiers import is_identifier
from contracts.staff import OVERSEERS

RECORDED: Final = OVERSEERS | {Role.OPERATOR}
"""Who reads what is none of their own work."""
OF_ANYBODY: Final = frozenset(
    {"/v1/cases/{case_id}/bundle", "/v1/cases/{case_id}/receipts", "/v1/cases/{case_id}/receipts/{event}"}
)
"""Routes whose readings are recorded of every role: who fetches a receipt is on record, and a bundle has receipts."""
SAYS_WHAT_FOR: Final = frozenset({Role.AUDITOR})
"""Of whom a setting requires that each reading names its purpose."""
PURPOSE: Final = "Caserelay-Purpose"
LONGEST_PURPOSE: Final = 200
MOST: Final = 1000
"""Things that one record names; of a longer answer it says how many more there were."""

_NOBODYS: Final = ("programmes", "organisations", "charters", "event-types", "sandbox")
"""The first segment of routes that answer what is about nobody."""
_ACTS: Final = frozenset({"/v1/cases/{case_id}/reveal"})
"""What shows something of the record though it is no GET."""
_CATALOGUES: Final = frozenset({"/v1/reports", "/v1/audit/questions"})
_OF_PATHS: Final[Mapping[str, str]] = {
    "case_id": "case",
    "referral_id": "referral",
    "broadcast_id": "broadcast",
    "basis_id": "legal-basis",
    "gap_id": "gap",
    "ref": "mentor",
    "subscription_id": "subscription",
    "delivery_id": "delivery",
    "name": "report",
    "question": "question",
    "event": "event",
}
"""What the parameters of a path name."""
_OF_QUERIES: Final = frozenset({"case"})
"""Parameters of a query that name a thing of the same name."""
_OF_MEMBERS: Final = ("case", "referral")
_OF_LISTS: Final[Mapping[str, tuple[str, str]]] = {
    "/v1/cases": ("case", "id"),
    "/v1/referrals": ("referral", "id"),
    "/v1/gaps": ("gap", "id"),
    "/v1/mentors": ("mentor", "ref"),
    "/v1/cases/{case_id}/receipts": ("event", "event"),
}
"""What the items of a list are, and the member that names each."""


def is_recorded(method: str, path: str) -> bool:
    """Whether a route answers something of the record, by its method and the template of its path.

    Hashes and signatures of transparency logs are none of it, nor is what is about nobody, such as a programme.
    """
    if method == "POST":
        return path in _ACTS
    segments = path.split("/")
    if method not in ("GET", "HEAD") or segments[1:2] != ["v1"] or path in _CATALOGUES:
        return False
    return segments[2] not in _NOBODYS and (segments[2] != "audit" or segments[3:4] == ["questions"])


def things_read(
    path: str, named: Mapping[str, str], query: Iterable[tuple[str, str]], read_with: Iterable[str], body: Any
) -> Iterator[str]:
    """What an answer was of, each once, such as `case/9f3c…`; the route itself is known.

    `path` is the template, `named` what its parameters were, `query` the parameters of the query, `read_with` what the
    thing that the path names is part of, `body` the answer's JSON; None where it has none.
    """
    found = dict.fromkeys(f"{_OF_PATHS[name]}/{value}" for name, value in named.items() if name in _OF_PATHS)
    found |= dict.fromkeys(f"{name}/{value}" for name, value in query if name in _OF_QUERIES)
    found |= dict.fromkeys((*read_with, *_in_body(path, body)))
    return (thing for thing in found if is_identifier(thing.partition("/")[2]))


def _in_body(path: str, body: Any) -> Iterator[str]:
    if not isinstance(body, dict):
        return
    kind, member = _OF_LISTS.get(path, ("", ""))
    listed = [item for value in body.values() if isinstance(value, list) for item in value if isinstance(item, dict)]
    for part in (body, *listed):
        if kind and isinstance(part.get(member), str):
            yield f"{kind}/{part[member]}"
        for name in _OF_MEMBERS:
            if isinstance(part.get(name), str):
                yield f"{name}/{part[name]}"
        if "specversion" in part and isinstance(data := part.get("data"), dict):
            yield from (f"{name}/{data[name]}" for name in _OF_MEMBERS if isinstance(data.get(name), str))
