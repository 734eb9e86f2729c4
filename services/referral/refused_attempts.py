"""What was tried in either service after the person withdrew the legal basis, as those who ask read it."""

from __future__ import annotations

from bisect import insort
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from contracts.terms import SAME_REFUSAL
from services.chassis.deciding.read_on import ReadOn
from services.chassis.http.response.rendering import Json
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded
from services.referral.domain.disclosure import DisclosureRefused, RefusalNoted, disclosures_stream


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


class _Tried:
    """The attempts of one referral as far as its stream has been read, in the order of `at`."""

    def __init__(self) -> None:
        self.attempts: list[RefusedAttempt] = []
        self._latest: dict[tuple[object, ...], RefusedAttempt] = {}

    def take(self, recorded: Recorded) -> None:
        """One more event of the stream."""
        event, actor = recorded.event, recorded.meta.actor
        if not isinstance(event, DisclosureRefused | RefusalNoted):
            return
        what = event.by, actor.role, actor.sub, event.attempt, event.legal_basis_id
        first = self._latest.get(what)
        if first is not None and abs(event.at - first.at) < SAME_REFUSAL:
            # What casefile refused is told later, and may have been tried before.
            self.attempts.remove(first)
            attempt = replace(first, at=min(first.at, event.at), count=first.count + 1)
        else:
            attempt = RefusedAttempt(
                position=recorded.position,
                at=event.at,
                org=event.by,
                role=actor.role,
                sub=actor.sub,
                attempt=event.attempt,
                legal_basis=event.legal_basis_id,
            )
        self._latest[what] = attempt
        insort(self.attempts, attempt, key=_in_order)


def _in_order(attempt: RefusedAttempt) -> tuple[datetime, int]:
    return attempt.at, attempt.position


class RefusedAttempts:
    """Reads what was refused of referrals, page by page; of one that was read before, only what has come since."""

    def __init__(self, log: EventLog) -> None:
        self._read: ReadOn[_Tried] = ReadOn(log)

    async def page(self, referral_id: str, after: int, limit: int) -> tuple[list[RefusedAttempt], int | None]:
        """The attempts behind the one at position `after`, the oldest first, and where the next page begins."""
        attempts = (await self._read.through(disclosures_stream(referral_id), _Tried)).attempts
        start = next((place + 1 for place, shown in enumerate(attempts) if shown.position == after), 0)
        page = attempts[start : start + limit]
        return page, page[-1].position if len(attempts) > start + limit else None


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
