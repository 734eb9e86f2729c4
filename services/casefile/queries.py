"""Reading cases for a caller: found, allowed, folded as far as the caller may see, with what may be done next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from contracts.codes import CaseState, Role
from services.casefile.access import (
    ADDRESSED_ORGANISATION,
    CONSENT_WITHDRAWN,
    FORMER_MENTOR,
    FORMER_ORGANISATION,
    MATCHED_MENTOR,
    MENTEE_OF_CASE,
    OVERSIGHT,
    OWNER_AGENCY,
    POLICY,
    relations_to_case,
    still_reads,
    was_stopped,
)
from services.casefile.actions import ACTIONS
from services.casefile.beside_views import norm_view
from services.casefile.context import CaseContexts
from services.casefile.domain.case import CASE
from services.casefile.domain.context import Context
from services.casefile.domain.correction import CorrectionRecorded
from services.casefile.domain.disclosure import Attempt, stopped
from services.casefile.domain.guards import blocked
from services.casefile.domain.mentor import MENTOR, mentor_stream
from services.casefile.domain.state import Case, case_stream
from services.casefile.domain.tellings import tellings_stream
from services.casefile.history import as_it_ended, fold, known, responsibility
from services.casefile.pair_views import ended_view, nothing_more, own_gaps, pair_view, proposal_view
from services.casefile.telling_views import tellings_of
from services.casefile.timeline import Sight, history_of, sight_of, timeline, version_seen, visible_to
from services.casefile.views import (
    action_link,
    case_view,
    proposal_item,
    responsibility_view,
    staff_item,
    stopped_view,
    timeline_view,
    work_item,
)
from services.casefile.worklist import Work, consents_of
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.audit.chain import chain_of
from services.chassis.deciding.folded import Folded
from services.chassis.deciding.handler import Call, Handler, Outcome
from services.chassis.deciding.streams import Streams
from services.chassis.http.response.rendering import Json, recorded_view
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Command
from services.chassis.time.clock import Clock

PAIR = {MATCHED_MENTOR, MENTEE_OF_CASE}
ON_PROPOSAL = frozenset({"confirm-match", "reject-match"})
"""What the pair may do, and reads of as possible, until both are bound."""
SEES_ALL = {OWNER_AGENCY, OVERSIGHT}
READS_TELLINGS = SEES_ALL | {ADDRESSED_ORGANISATION, FORMER_ORGANISATION}
"""Who reads on the timeline who was told of what."""
SEES_STATE = SEES_ALL | {ADDRESSED_ORGANISATION}


@dataclass(frozen=True, slots=True)
class Found:
    """A case as a caller finds it; `as_of_then`: as it would have been found at a moment (`time_machine`)."""

    case_id: str
    folded: Folded[Case]
    relations: tuple[str, ...]
    as_of_then: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """`as_of`: when things had happened; `known_at`: when the service knew of them; None: now."""

    as_of: datetime | None = None
    known_at: datetime | None = None


class Queries:
    """Finds cases for callers. Every way to a case leads through `find`."""

    def __init__(
        self, streams: Streams, contexts: CaseContexts, handler: Handler[Command, Context], clock: Clock
    ) -> None:
        self.streams = streams
        self._contexts = contexts
        self._handler = handler
        self._clock = clock

    async def find(self, caller: Caller, case_id: str, action: str) -> Found:
        """The case, if the caller may do `action` to it. Raises Hidden, Forbidden, or Refused after a withdrawal."""
        folded = await self.streams.fold(case_stream(case_id), CASE)
        reads_at = self._clock.now() if action == "read" else None
        found = Found(case_id, folded, relations_to_case(caller, folded.state, reads_at))
        await self.require(caller, action, found)
        if not folded.version:
            raise Hidden
        return found

    async def require(self, caller: Caller, action: str, found: Found) -> None:
        """Returns if the caller, who stands to the case as it was found, may do `action`. Raises as `find` does.

        Whatever it is that the person has withdrawn from the caller: that it was asked for stands in the record.
        """
        case, by = found.folded.state, caller.actor()
        if was_stopped(caller, action, found.relations) and (refusal := stopped(case, caller.org, action)) is not None:
            attempt = Attempt(at=self._clock.now(), by=by)
            await self._handler.refuse(refusal, attempt, case_stream(found.case_id), CASE, Call(actor=by))
        POLICY.require(caller, action, found.relations)

    async def find_silently(self, caller: Caller, case_id: str) -> Found | None:
        """The case, if the caller may read it: for lists, which leave out what is not theirs."""
        folded = await self.streams.fold(case_stream(case_id), CASE)
        found = Found(case_id, folded, relations_to_case(caller, folded.state))
        return found if POLICY.permits(caller, "read", found.relations) else None

    async def view(self, caller: Caller, found: Found) -> Json:
        """What the caller reads of the case."""
        now = self._clock.now()
        case, etag = found.folded.state, found.folded.etag
        relations = set(found.relations)
        if relations & SEES_STATE:
            body = case_view(case, etag, now, self.seen_by(caller, found))
            zone = await self._contexts.time_zone(case.programme, now, self.streams)
            body["contactNorm"] = norm_view(case, zone, now)
        elif relations & PAIR:
            if not await self.is_bound(found):
                shown = proposal_view(found.case_id, etag, case.match)
                return {**shown, **await self._actions(caller, found, now, ON_PROPOSAL)}
            body = pair_view(case, etag, now, caller.sub if MATCHED_MENTOR in relations else None)
            if MENTEE_OF_CASE in relations and (consents := consents_of(case, caller.org)):
                body["links"]["legalBasis"] = f"/v1/legal-bases/{consents[0]}"
        elif FORMER_MENTOR in relations:
            return await self._match_as_it_ended(caller, found, now)
        elif CONSENT_WITHDRAWN in relations:
            body = stopped_view(found.case_id, await self.etag(caller, found))
        else:
            # A former party reads the case as it was when its part in it ended, and no later version of it.
            records = await self.records(found)
            history = history_of(records, sight_of(records, caller.org))
            body = case_view(fold(history), history[-1].version if history else 0, now, caller.org)
        return {**body, **await self._actions(caller, found, now)}

    async def etag(self, caller: Caller, found: Found) -> int:
        """The version that a caller reads the case at: after a stop that of the stop, and of nothing later."""
        if CONSENT_WITHDRAWN in found.relations and not SEES_STATE & set(found.relations):
            return version_seen(await self.records(found), caller.org)
        return found.folded.etag

    async def _match_as_it_ended(self, caller: Caller, found: Found, now: datetime) -> Json:
        """What the mentor of an ended match reads: nothing of what came after it but what became of the own gaps."""
        access = still_reads(caller, found.folded.state, now)
        if access is None:
            raise Hidden
        records = await self.records(found)
        case, version, ended_at = as_it_ended(records, access)
        shown = ended_view(case, version, ended_at, own_gaps(found.folded.state, caller.sub))
        return {**shown, "allowedActions": [], "blockedActions": []}

    async def pair_work_view(self, caller: Caller, found: Found, work: Work) -> Json:
        """What one of a pair has to act on: the case itself, and with it all that they may do."""
        case, now = found.folded.state, self._clock.now()
        possible = (await self.view(caller, found))["allowedActions"]
        if await self.is_bound(found):
            return {**work_item(case.case, work, now), "actions": possible}
        return {**proposal_item(case, now), "actions": [*possible, *_withdrawals(caller, found)]}

    async def halted_view(self, caller: Caller, found: Found, work: Work) -> Json:
        """Where a case stands with a suspended organisation, with what the agency can do about it itself."""
        case = found.folded.state
        offer = case.referral if case.state == CaseState.REFERRED else None
        own = [action_link("withdraw", f"/v1/referrals/{offer.referral}/withdraw")] if offer is not None else []
        possible = [*own, *(await self.view(caller, found))["allowedActions"]]
        return staff_item(case, work, self._clock.now(), possible, suspended=True)

    async def is_bound(self, found: Found) -> bool:
        """Whether mentor or mentee reads more than the proposal.

        Both sides signed an agreement; for the mentor it is in force, and confidentiality still stands in the profile.
        """
        case = found.folded.state
        if MATCHED_MENTOR not in found.relations:
            # After the end it is as it was before; a new proposal is a new mentor's, and waits for a new agreement.
            return case.agreed and (case.match is None or case.match.agreement is not None)
        if case.match is None or case.match.agreement is None or case.organisation is None:
            return False
        mentor = (await self.streams.fold(mentor_stream(case.organisation, case.match.mentor), MENTOR)).state
        return mentor.profile is not None and mentor.profile.confidentiality_on is not None

    async def after(self, caller: Caller, found: Found, outcome: Outcome[Case]) -> Json:
        """What the caller reads of a case, found before a command, in the state that the command left it in."""
        relations = relations_to_case(caller, outcome.state)
        if not relations:
            # A mentor who has rejected the match has no part any more.
            return nothing_more(found.case_id, outcome.etag)
        folded = Folded(outcome.state, outcome.version, outcome.etag)
        return await self.view(caller, Found(found.case_id, folded, relations))

    async def records(self, found: Found) -> list[Recorded]:
        """The case's stream as it was found."""
        return await self.streams.log.read(case_stream(found.case_id), through=found.folded.version)

    async def _records_at(self, found: Found, at: Moment) -> list[Recorded]:
        """The records by which is decided who sees what: those of today, or of then."""
        records = await self.records(found)
        return [*known(records, at.as_of, at.known_at)] if found.as_of_then else records

    def seen_by(self, caller: Caller, found: Found) -> str | None:
        """The organisation whose sight bounds what the caller reads; None: nothing does."""
        return None if set(found.relations) & SEES_ALL else caller.org

    async def timeline(
        self, caller: Caller, found: Found, at: Moment, after: int, limit: int
    ) -> tuple[list[Json], Recorded | None]:
        """The items of the timeline behind version `after` that the caller may see; the last one's event if more come.

        Every page is cut from all of it: what is responsible after an item, and what corrects it, may be on another.
        """
        records = await self._records_at(found, at)
        items = timeline(records, as_of=at.as_of, known_at=at.known_at, seen_by=self.seen_by(caller, found))
        page = [item for item in items if item.position > after][: limit + 1]
        last = page[limit - 1].position if len(page) > limit else None
        tellings = await self._tellings(caller, found, at) if page else None
        shown = [
            timeline_view(item, tellings.get(item.event, ()) if tellings is not None else None) for item in page[:limit]
        ]
        return shown, next((recorded for recorded in records if recorded.version == last), None)

    async def _tellings(self, caller: Caller, found: Found, at: Moment) -> Mapping[str, Sequence[Json]] | None:
        """Who was told of which event, for those who work on the case; an organisation of itself and the agency.

        None for everybody else.
        """
        relations = set(found.relations)
        if not relations & READS_TELLINGS:
            return None
        seer = None if relations & SEES_ALL else (caller.org, found.folded.state.agency)
        records = await self.streams.log.read(tellings_stream(found.case_id))
        return tellings_of(records, as_of=at.as_of, known_at=at.known_at, seen_by=seer)

    async def responsibility(self, caller: Caller, found: Found, at: Moment) -> Json:
        """Who was responsible for what, as far as the caller may see: from its addressing to the end of its part."""
        records = await self._records_at(found, at)
        if (seer := self.seen_by(caller, found)) is not None:
            sight = sight_of(records, seer) if CONSENT_WITHDRAWN not in found.relations else Sight()
            records = history_of([*known(records, at.as_of, at.known_at)], sight)
            if not any(recorded.version in sight.seen for recorded in records):
                records = []
        as_of = at.as_of or self._clock.now()
        return responsibility_view(responsibility(records, as_of=as_of, known_at=at.known_at))

    async def with_texts(self, caller: Caller, found: Found) -> Sequence[Recorded]:
        """The records whose free texts the caller may read: all for those who work on the case.

        Why something was corrected is for all who may read the case.
        """
        records = await self.visible(caller, found)
        if not POLICY.permits(caller, "read-texts", found.relations):
            records = [recorded for recorded in records if isinstance(recorded.event, CorrectionRecorded)]
        return records

    async def visible(
        self, caller: Caller, found: Found, records: Sequence[Recorded] | None = None
    ) -> Sequence[Recorded]:
        """Those records of the case that the caller may see, of all that there are, which may be read already."""
        records = await self.records(found) if records is None else records
        if (seer := self.seen_by(caller, found)) is not None:
            seen = visible_to(records, seer)
            records = [recorded for recorded in records if recorded.version in seen]
        return records

    async def recorded(
        self, caller: Caller, found: Found, after: int, limit: int
    ) -> tuple[list[Json], Recorded | None]:
        """The raw record behind version `after` that the caller may see, and its last event if more come."""
        whole = await self.records(found)
        page = [each for each in await self.visible(caller, found, whole) if each.version > after][: limit + 1]
        chain = chain_of(whole[: page[-1].version]) if page else {}
        items = [{**recorded_view(each), "chain": chain[each.version]} for each in page[:limit]]
        return items, page[limit - 1] if len(page) > limit else None

    async def reads_event(self, caller: Caller, recorded: Recorded) -> bool:
        """Whether the raw record of a case that the caller reads has this event."""
        case_id = recorded.stream.removeprefix(case_stream(""))
        if recorded.stream != case_stream(case_id):
            return False
        found = await self.find(caller, case_id, "read-record")
        return any(seen.position == recorded.position for seen in await self.visible(caller, found))

    async def end_of_day(self, found: Found) -> Context:
        """The context of the case, whose terms know where its days end."""
        return await self._contexts.for_reader(found.folded.state, self._clock.now(), self.streams)

    async def _actions(
        self, caller: Caller, found: Found, now: datetime, only: Collection[str] | None = None
    ) -> dict[str, list[Any]]:
        context = await self._contexts.for_reader(found.folded.state, now, self.streams)
        allowed: list[Json] = []
        refused: list[Json] = []
        by = caller.actor()
        for action, forbidden in _forbidden(caller, found.relations):
            if forbidden is not None:
                refused.append(forbidden)
            elif (refusal := blocked(action, context, by)) is not None:
                code, detail, who = refusal.code, refusal.detail, refusal.who_can_unblock
                refused.append({"action": action, "code": code, "detail": detail, "whoCanUnblock": who})
            else:
                allowed.append(action_link(action, f"/v1/cases/{found.case_id}/{action}"))
        if only is not None:
            # A consent names the organisation that the case went to: until then the way to it is on the worklist.
            return {"allowedActions": [link for link in allowed if link["action"] in only], "blockedActions": []}
        return {"allowedActions": [*allowed, *_withdrawals(caller, found)], "blockedActions": refused}


def _withdrawals(caller: Caller, found: Found) -> list[Json]:
    """The way out of each consent, as easy as it was given (GDPR Art. 7(3)): the referral service takes it."""
    if MENTEE_OF_CASE not in found.relations:
        return []
    bases = consents_of(found.folded.state, caller.org)
    return [action_link("withdraw", f"/v1/legal-bases/{basis}/withdraw") for basis in bases]


@lru_cache(maxsize=512)
def _forbidden(caller: Caller, relations: tuple[str, ...]) -> tuple[tuple[str, Json | None], ...]:
    # The table never changes, and the same people look at case after case.
    return tuple((action, _as_forbidden(caller, action, relations)) for action in ACTIONS)


def _as_forbidden(caller: Caller, action: str, relations: tuple[str, ...]) -> Json | None:
    forbidden = POLICY.refusal(caller, action, relations)
    if forbidden is None:
        return None
    return {
        "action": action,
        "code": forbidden.code,
        "detail": f"{action} is not for the role {caller.role} of {caller.org} in this case",
        "whoCanUnblock": ", ".join(role for role in POLICY.who_may(action) if role != Role.SYSTEM),
    }
