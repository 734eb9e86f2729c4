"""Reactions: messages of casefile and due deadlines become commands, and the commands are run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from contracts import casefile
from contracts.message import CloudEvent, decode_data
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import Index, Row
from services.chassis.index.projection import Projection
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Actor
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import instant
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.corrected_wait import CorrectWaiting
from services.referral.domain.deadlines import PassDeadline, RemindDeadline
from services.referral.domain.ending import CompleteReferral, EndAccess
from services.referral.domain.offer import referral_stream
from services.referral.domain.person_case import CASE_KEY, CaseKey, CloseCase, ReopenCase, case_key_stream
from services.referral.domain.referral import REFERRAL
from services.referral.projection import REFERRALS

SYSTEM: Final = Actor(sub="referral-service", role="SYSTEM", org="caserelay")
_FOLLOWED: Final = {
    kind.TYPE: kind
    for kind in (
        casefile.HandbackAccepted,
        casefile.NgoAccessExpired,
        casefile.CaseClosed,
        casefile.CaseReopened,
        casefile.CorrectionRecorded,
    )
}
"""The messages of casefile that something follows from."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When the reaction happens, and in whose name."""

    at: datetime
    by: Actor


def when_handback_accepted_complete_the_referral(message: casefile.HandbackAccepted, stamp: Stamp) -> CompleteReferral:
    """The agency took the case back: the loop of the referral is closed."""
    ends = message.access
    return CompleteReferral(
        at=stamp.at,
        by=stamp.by,
        referral_id=message.referral,
        closed_at=message.occurred_at,
        access=Deadline(ends.name, ends.due_at, ends.remind_at) if ends is not None else None,
    )


def when_ngo_access_expired_end_that_to_the_referral(message: casefile.NgoAccessExpired, stamp: Stamp) -> EndAccess:
    """Twelve weeks after its part ended, counted where that is known, the organisation reads nothing more."""
    return EndAccess(at=stamp.at, by=stamp.by, referral_id=message.referral)


def when_case_closed_let_the_next_referral_open_a_new_one(message: casefile.CaseClosed, stamp: Stamp) -> CloseCase:
    """A closed case is not used again by a later referral."""
    return CloseCase(at=stamp.at, by=stamp.by, case_id=message.case)


def when_case_reopened_use_it_again(message: casefile.CaseReopened, stamp: Stamp) -> ReopenCase:
    """A case that was opened again takes the person's next referral."""
    return ReopenCase(at=stamp.at, by=stamp.by, case_id=message.case)


def when_a_waiting_lists_date_is_corrected_answer_the_right_one(
    message: casefile.CorrectionRecorded, stamp: Stamp
) -> CorrectWaiting | None:
    """The corrected entry is the referral's own answer too. None for the correction of anything else."""
    holds = message.holds
    if message.referral is None or message.source_event_id is None or holds is None:
        return None
    return CorrectWaiting(
        at=stamp.at,
        by=stamp.by,
        referral_id=message.referral,
        corrects=message.source_event_id,
        reason=str(holds.facts["reason"]),
        expected_by=date.fromisoformat(holds.facts["expected_by"]),
    )


class Reactor:
    """Runs the commands that follow from messages of casefile, and from deadlines that fall due."""

    def __init__(
        self,
        streams: Streams,
        referrals: Handler[ReferralCommand, Context],
        case_keys: Handler[CloseCase | ReopenCase, CaseKey],
        index: Index,
        projection: Projection,
        clock: Clock,
    ) -> None:
        self._streams = streams
        self._referrals = referrals
        self._case_keys = case_keys
        self._index = index
        self._projection = projection
        self._clock = clock

    async def react(self, event: CloudEvent) -> None:
        """Handles one message of casefile; nothing follows from a message of any other type."""
        if (kind := _FOLLOWED.get(event.type)) is None:
            return
        message = decode_data(kind, event.data)
        stamp = Stamp(at=self._clock.now(), by=SYSTEM)
        call = Call(
            actor=SYSTEM,
            causation_id=event.id,
            causation_sequence=int(event.sequence),
            correlation_id=event.id,
            occurred_at=message.occurred_at,
            traceparent=event.traceparent,
        )
        match message:
            case casefile.HandbackAccepted():
                await self._of_referral(when_handback_accepted_complete_the_referral(message, stamp), call)
            case casefile.NgoAccessExpired():
                await self._of_referral(when_ngo_access_expired_end_that_to_the_referral(message, stamp), call)
            case casefile.CaseClosed():
                closed = when_case_closed_let_the_next_referral_open_a_new_one(message, stamp)
                await self._of_case(message.case, closed, call)
            case casefile.CaseReopened():
                await self._of_case(message.case, when_case_reopened_use_it_again(message, stamp), call)
            case casefile.CorrectionRecorded():
                corrected = when_a_waiting_lists_date_is_corrected_answer_the_right_one(message, stamp)
                if corrected is not None:
                    await self._of_referral(corrected, call)

    async def fire(self, row: Row, _at: datetime) -> None:
        """Handles a deadline that fell due."""
        kind = RemindDeadline if row.columns["kind"] == "REMIND" else PassDeadline
        command = kind(
            at=self._clock.now(),
            by=SYSTEM,
            referral_id=str(row.columns["stream"]),
            name=str(row.columns["name"]),
            due_at=instant(str(row.columns["due"])),
        )
        await self._of_referral(command, Call(actor=SYSTEM))

    async def _of_referral(self, command: ReferralCommand, call: Call) -> None:
        await self._referrals.handle(command, referral_stream(command.referral_id), REFERRAL, call)

    async def _of_case(self, case_id: str, command: CloseCase | ReopenCase, call: Call) -> None:
        await self._projection.wait_through(await self._streams.log.head())
        for row in self._index.find(REFERRALS.name, {"case_id": case_id}, after=0, limit=1):
            offer = (await self._streams.fold(referral_stream(row.key), REFERRAL)).state.offer
            if offer is not None:
                await self._case_keys.handle(command, case_key_stream(offer.case_key), CASE_KEY, call)
