"""What was tried in either service after the person withdrew the legal basis, as those who ask read it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from contracts.terms import SAME_REFUSAL
from services.chassis.http.response.rendering import Json
from services.chassis.log.metadata import Recorded
from services.referral.domain.disclosure import DisclosureRefused, RefusalNoted


class RefusedAttempt(Struct, frozen=True, kw_only=True):
    """The same attempt of one person, `count` times within an hour from `at` on; `position` is that of the first."""

    position: int
    at: datetime
    org: str
    role: str
    sub: str
    attempt: str
    legal_basis: str | None
    count: int = 1


def refused_attempts(records: Iterable[Recorded]) -> list[RefusedAttempt]:
    """The attempts in a stream of disclosures, the oldest first."""
    found: list[RefusedAttempt] = []
    latest: dict[tuple[object, ...], int] = {}
    for recorded in records:
        event, actor = recorded.event, recorded.meta.actor
        if not isinstance(event, DisclosureRefused | RefusalNoted):
            continue
        what = event.by, actor.role, actor.sub, event.attempt, event.legal_basis_id
        first = latest.get(what)
        if first is not None and event.at - found[first].at < SAME_REFUSAL:
            found[first] = replace(found[first], count=found[first].count + 1)
            continue
        latest[what] = len(found)
        found.append(
            RefusedAttempt(
                position=recorded.position,
                at=event.at,
                org=event.by,
                role=actor.role,
                sub=actor.sub,
                attempt=event.attempt,
                legal_basis=event.legal_basis_id,
            )
        )
    return found


def refusal_view(tried: RefusedAttempt) -> Json:
    """An attempt in its JSON shape."""
    return {
        "at": tried.at,
        "to": {"org": tried.org, "role": tried.role, "sub": tried.sub},
        "attempt": tried.attempt,
        "refusal": "LEGAL_BASIS_WITHDRAWN",
        "legalBasis": tried.legal_basis,
        "count": tried.count,
    }
