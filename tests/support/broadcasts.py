"""Offers of one person to several organisations, as the tests make them."""

from __future__ import annotations

from typing import Any, Final

from tests.support.requests import another_person

BROADCASTS: Final = "/v1/broadcasts"
TO: Final = ("brugwerk", "samenstap")


def broadcast(*to: str, **changes: Any) -> dict[str, Any]:
    """A referral of somebody new to several organisations, the demo's unless others are named."""
    body = another_person()
    named = list(to or TO)
    consent = {name: value for name, value in body["legalBasis"].items() if name != "recipient"}
    return {**body, "to": named, "legalBasis": {**consent, "recipients": named}, **changes}


def offers_of(answer: dict[str, Any]) -> dict[str, str]:
    """The path of each offer's referral, by organisation."""
    return {offer["organisation"]: f"/v1/referrals/{offer['referral']}" for offer in answer["offers"]}


def states_of(answer: dict[str, Any]) -> dict[str, str]:
    """How each offer stands, by organisation."""
    return {offer["organisation"]: offer["state"] for offer in answer["offers"]}
