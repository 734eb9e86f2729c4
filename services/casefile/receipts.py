"""Receipts for handovers: who handed what to whom, signed, for both sides to keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Final, NamedTuple

from services.casefile.domain.handback import HandbackAccepted
from services.casefile.domain.organisation_part import ResponsibilityTransferred
from services.casefile.queries import Found, Queries
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.audit.receipts import Receipts, Statement
from services.chassis.http.response.rendering import Json
from services.chassis.log.metadata import Recorded
from services.chassis.service import NotCoveredYet

_OF_BOTH: Final = {"referral": "/0/data/referral", "recordedAt": "/0/meta/recorded_at"}
_OF_TRANSFER: Final[Mapping[str, str]] = {
    **_OF_BOTH,
    "from": "/0/data/giver",
    "to": "/0/data/receiver",
    "step": "/0/data/step",
    "at": "/0/data/at",
}
_OF_ACCEPTANCE: Final[Mapping[str, str]] = {
    **_OF_BOTH,
    "decision": "/0/data/decision",
    "from": "/1/data/giver",
    "to": "/1/data/receiver",
    "step": "/1/data/step",
    "at": "/1/data/at",
}
"""Who it came from stands in the transfer that was recorded with it."""


class _Handover(NamedTuple):
    """An event that a receipt is for, with the transfer that says who handed over to whom: the same, or the next."""

    recorded: Recorded
    transfer: Recorded


class HandoverReceipts:
    """For the handovers of a case that a caller sees."""

    def __init__(self, queries: Queries, receipts: Receipts) -> None:
        self._queries = queries
        self._receipts = receipts

    async def page(self, caller: Caller, found: Found, after: int, limit: int) -> tuple[list[Json], Recorded | None]:
        """The receipts behind version `after`, and the event of the last one if more come."""
        handovers = [*_handovers(await self._queries.visible(caller, found))]
        behind = [each for each in handovers if each.recorded.version > after][: limit + 1]
        shown = await self._issued(found, behind[:limit])
        return shown, behind[limit - 1].recorded if len(behind) > limit else None

    async def receipt(self, caller: Caller, found: Found, event: str) -> Json:
        """The receipt for one event. Raises Hidden where the caller sees no handover of this id."""
        for each in _handovers(await self._queries.visible(caller, found)):
            if each.recorded.meta.event_id == event:
                (issued,) = await self._issued(found, [each])
                return issued
        raise Hidden

    async def _issued(self, found: Found, handovers: Sequence[_Handover]) -> list[Json]:
        """Raises NotCoveredYet while the log has not signed the events."""
        standing = await self._receipts.standing() if handovers else None
        shown: list[Json] = []
        for each in handovers:
            issued = None
            if standing is not None:
                issued = await self._receipts.issue(standing, _statement(found.case_id, each))
            if issued is None:
                raise NotCoveredYet
            shown.append(issued)
        return shown


def statements(case_id: str, records: Sequence[Recorded]) -> list[Statement]:
    """What the receipts say for the handovers among these events of a case, in the order of the record."""
    return [_statement(case_id, handover) for handover in _handovers(records)]


def _statement(case_id: str, handover: _Handover) -> Statement:
    accepted = handover.recorded is not handover.transfer
    return Statement(
        [handover.recorded, handover.transfer] if accepted else [handover.recorded],
        _OF_ACCEPTANCE if accepted else _OF_TRANSFER,
        {"case": case_id, "type": type(handover.recorded.event).__name__, "text": _in_words(case_id, handover)},
    )


def _handovers(records: Sequence[Recorded]) -> Iterator[_Handover]:
    """The transfers of responsibility, and the acceptances of handbacks, in the order of the record."""
    transfers = {each.version: each for each in records if isinstance(each.event, ResponsibilityTransferred)}
    for recorded in records:
        if isinstance(recorded.event, ResponsibilityTransferred):
            yield _Handover(recorded, recorded)
        elif isinstance(recorded.event, HandbackAccepted) and recorded.version + 1 in transfers:
            yield _Handover(recorded, transfers[recorded.version + 1])


def _in_words(case_id: str, handover: _Handover) -> str:
    transfer: ResponsibilityTransferred = handover.transfer.event
    giver, receiver = transfer.giver, transfer.receiver
    at = transfer.at.astimezone(UTC)
    return (
        f"On {at:%Y-%m-%d} at {at:%H:%M} UTC, {receiver.sub} of {receiver.org} ({receiver.role}) accepted the case"
        f" {case_id} from {giver.sub} of {giver.org} ({giver.role}), and is responsible for it from then on."
    )
