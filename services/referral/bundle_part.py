"""Which events the bundle of a case holds of this service's log: those of the referrals that it has come by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec import UNSET

from services.chassis.access.identity import Caller
from services.chassis.audit.bundle.writing import Choice, Source, Versions
from services.chassis.audit.transparency_log import TransparencyLog
from services.chassis.log.event_log import EventLog
from services.referral.access import OVERSIGHT, OWNER_AGENCY, POLICY, is_anonymous_to
from services.referral.domain.broadcast import broadcast_stream
from services.referral.domain.disclosure import disclosures_stream
from services.referral.domain.legal_basis import legal_basis_stream
from services.referral.domain.offer import referral_stream
from services.referral.domain.reminders import reminders_stream
from services.referral.queries import Queries

READ_RECORD = "read-record"


async def choose_all(log: EventLog, referrals: Sequence[str], _: int) -> Choice:
    """All that belongs to these referrals."""
    streams: dict[str, Versions] = {}
    for referral_id in referrals:
        streams |= dict.fromkeys(await _streams_of(log, referral_id))
    return Choice(streams)


async def _streams_of(log: EventLog, referral_id: str) -> list[str]:
    """The streams of a referral: its own, those beside it, of its legal bases, and of the offer to several it was."""
    events = [recorded.event for recorded in await log.read(referral_stream(referral_id))]
    broadcasts = {event.offer.broadcast for event in events if event.offer.broadcast is not UNSET}
    bases = {basis for event in events if isinstance(basis := getattr(event, "legal_basis_id", None), str)}
    beside = [reminders_stream(referral_id), disclosures_stream(referral_id)]
    of_others = [*map(legal_basis_stream, sorted(bases)), *map(broadcast_stream, sorted(broadcasts))]
    return [referral_stream(referral_id), *beside, *of_others]


class BundlePart:
    """What this service adds to the bundle of a case for a caller."""

    def __init__(self, queries: Queries, proven: TransparencyLog) -> None:
        self._queries = queries
        self._proven = proven

    def source(self, caller: Caller, _: str, referrals: Sequence[str]) -> Source:
        """Of the referrals of a case."""
        log = self._queries.streams.log
        return Source(log, self._proven.store, self._proven.reader, partial(self._choose, caller, referrals))

    async def _choose(self, caller: Caller, referrals: Sequence[str], through: int) -> Choice:
        log, streams = self._queries.streams.log, dict[str, Versions]()
        for referral_id in referrals:
            found = await self._queries.find_silently(caller, referral_id)
            if found is None or not POLICY.permits(caller, READ_RECORD, found.relations):
                continue
            if {OWNER_AGENCY, OVERSIGHT} & set(found.relations):
                streams |= (await choose_all(log, [referral_id], through)).streams
            elif not is_anonymous_to(found.relations, found.folded.state.offer):
                records = await log.read(referral_stream(referral_id))
                # An organisation's record begins with its addressing; while it did not know whose offer it was, the
                # stored bytes would still tell it.
                streams[referral_stream(referral_id)] = frozenset(
                    recorded.version for recorded in records if recorded.event.offer.organisation is not None
                )
        return Choice(streams)
