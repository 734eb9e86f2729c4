"""What a caller reads of one resource: a referral with what may be done next; organisation, programme, basis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NoReturn

from msgspec.structs import replace

from contracts.codes import OrganisationKind, Role
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.deciding.folded import Folded
from services.chassis.deciding.handler import Call, Handler, Outcome
from services.chassis.deciding.streams import Streams
from services.chassis.http.response.free_texts import texts_of
from services.chassis.http.response.rendering import Json, as_json, recorded_view
from services.chassis.index.index import IndexReader
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Refused
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Vault
from services.referral.access import (
    ADDRESSED_ORGANISATION,
    OWNER_AGENCY,
    POLICY,
    is_anonymous_to,
    relations_to_referral,
    sees_only_the_stop,
    was_stopped,
)
from services.referral.actions import OFFERED
from services.referral.context import ReferralContexts, after
from services.referral.disclosures import Disclosures
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.disclosure import Attempt, stopped
from services.referral.domain.guards import blocked
from services.referral.domain.legal_basis import LEGAL_BASIS, LegalBasis, legal_basis_stream
from services.referral.domain.offer import OfReferral, referral_stream
from services.referral.domain.organisation import ORGANISATION, organisation_stream
from services.referral.domain.programme import PROGRAMME, programme_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import Referral
from services.referral.offer_messages import actor_for_offer
from services.referral.projection import ORGANISATIONS
from services.referral.refused_attempts import RefusedAttempts, refusal_view
from services.referral.views import (
    anonymous,
    anonymous_record,
    disclosures_link,
    legal_basis_view,
    organisation_view,
    programme_view,
    referral_view,
    stopped_view,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A referral as a caller finds it."""

    referral_id: str
    folded: Folded[Referral]
    context: Context
    relations: tuple[str, ...]


class Queries:
    """Answers callers' questions. Every way to a referral leads through `find` or `find_silently`."""

    def __init__(
        self,
        streams: Streams,
        contexts: ReferralContexts,
        referrals: Handler[ReferralCommand, Context],
        vault: Vault,
        index: IndexReader,
        clock: Clock,
    ) -> None:
        self.streams = streams
        self._contexts = contexts
        self._referrals = referrals
        self._vault = vault
        self._index = index
        self._clock = clock
        self._disclosed = Disclosures(streams.log)
        self._refused = RefusedAttempts(streams.log)

    async def find(self, caller: Caller, referral_id: str, action: str) -> Found:
        """The referral, if the caller may do `action` to it. Raises Hidden or Forbidden.

        What the person has withdrawn from the caller is Refused, and that it was asked for stands in the record.
        """
        folded = await self.streams.fold(referral_stream(referral_id), REFERRAL)
        if not folded.version:
            # Through the choke point all the same: a role that is refused everywhere is refused here too.
            POLICY.require(caller, action, ())
            raise Hidden
        found = await self._found(caller, referral_id, folded)
        if was_stopped(caller, action, found.relations):
            by = caller.actor()
            if (refusal := stopped(found.context, by, action)) is not None:
                await self.refuse(refusal, found, Call(actor=by))
        POLICY.require(caller, action, found.relations)
        return found

    async def refuse(self, refusal: Refused, found: Found, call: Call) -> NoReturn:
        """Raises a refusal of what was not decided on. What is to stand of it does."""
        attempt = Attempt(referral_id=found.referral_id, at=found.context.at, by=call.actor)
        await self._referrals.refuse(refusal, attempt, referral_stream(found.referral_id), REFERRAL, call)

    async def _found(self, caller: Caller, referral_id: str, folded: Folded[Referral]) -> Found:
        context = await self._contexts.for_reader(referral_id, self._clock.now(), self.streams)
        # The state may be an earlier one, that a replayed answer shows.
        return _as_found(caller, referral_id, folded, replace(context, referral=folded.state))

    async def find_silently(self, caller: Caller, referral_id: str) -> Found | None:
        """The referral, if the caller may read it: lists leave out the others."""
        folded = await self.streams.fold(referral_stream(referral_id), REFERRAL)
        found = await self._found(caller, referral_id, folded)
        return found if POLICY.permits(caller, "read", found.relations) else None

    async def read_with(self, named: Mapping[str, str]) -> list[str]:
        """The case of the referral that a path's parameters name, as `case/9f3c…`: what is read below it is of both."""
        if (referral_id := named.get("referral_id")) is None:
            return []
        offer = (await self.streams.fold(referral_stream(referral_id), REFERRAL)).state.offer
        return [f"case/{offer.case_id}"] if offer is not None else []

    async def referral(self, caller: Caller, referral_id: str) -> tuple[Json, int]:
        """What the caller reads of the referral, and its ETag's version."""
        found = await self.find(caller, referral_id, "read")
        return self.shown(caller, found), found.folded.etag

    async def after(self, caller: Caller, referral_id: str, outcome: Outcome[Referral]) -> Json:
        """What the caller reads of a referral in the state that a command just left it in, or would leave it in."""
        folded = Folded(outcome.state, outcome.version, outcome.etag)
        if isinstance(outcome.context, Context):
            # What the command was decided on, and what it wrote, need not be read again.
            context = after(outcome.context, outcome.state, outcome.events)
            return self.shown(caller, _as_found(caller, referral_id, folded, context))
        return self.shown(caller, await self._found(caller, referral_id, folded))

    def shown(self, caller: Caller, found: Found) -> Json:
        """The view for this caller, with the actions that are possible and those that are not."""
        referral, etag = found.folded.state, found.folded.etag
        if sees_only_the_stop(found.relations):
            case_id = referral.offer.case_id if referral.offer is not None else None
            body = stopped_view(found.referral_id, case_id, referral.state, etag)
        else:
            body = referral_view(found.referral_id, referral, etag, found.context.legal_basis)
        if (offer := referral.offer) is not None and offer.broadcast and is_anonymous_to(found.relations, offer):
            body = anonymous(body, offer.broadcast)
        if POLICY.permits(caller, "read-disclosures", found.relations):
            body["links"] |= disclosures_link(found.referral_id)
        return {**body, **_actions(caller, found)}

    async def recorded(
        self, caller: Caller, referral_id: str, after: int, limit: int
    ) -> tuple[list[Json], Recorded | None]:
        """The raw record of a referral behind version `after`, and its last event if more come.

        An organisation's begins with its addressing.
        """
        found = await self.find(caller, referral_id, "read-record")
        records = await self._behind(referral_id, after, limit + 1, addressed=ADDRESSED_ORGANISATION in found.relations)
        items = [recorded_view(record) for record in records[:limit]]
        if (offer := found.folded.state.offer) is not None and is_anonymous_to(found.relations, offer):
            actors = [as_json(actor_for_offer(record.meta.actor, offer)) for record in records]
            items = [anonymous_record(item, actor) for item, actor in zip(items, actors, strict=False)]
        return items, records[limit - 1] if len(records) > limit else None

    async def _behind(self, referral_id: str, after: int, wanted: int, *, addressed: bool) -> list[Recorded]:
        """The first events behind version `after`, as many as wanted; `addressed`: of those to an organisation."""
        records: list[Recorded] = []
        while len(records) < wanted:
            page = await self.streams.log.read(referral_stream(referral_id), after=after, most=wanted)
            records += [each for each in page if not addressed or each.event.offer.organisation is not None]
            if len(page) < wanted:
                break
            after = page[-1].version
        return records[:wanted]

    async def reads_event(self, caller: Caller, recorded: Recorded) -> bool:
        """Whether the raw record of a referral that the caller reads has this event."""
        referral_id = recorded.stream.removeprefix(referral_stream(""))
        if recorded.stream != referral_stream(referral_id):
            return False
        items, _ = await self.recorded(caller, referral_id, recorded.version - 1, 1)
        return any(item["event"] == recorded.meta.event_id for item in items)

    async def disclosures(
        self, caller: Caller, referral_id: str, after: int, limit: int
    ) -> tuple[list[Json], int | None]:
        """The disclosures of a person's data by a referral, oldest first, and where the next page begins.

        `after` is a position of the log: the page begins behind it.
        """
        found = await self.find(caller, referral_id, "read-disclosures")
        page, following = await self._disclosed.page(referral_id, found.folded.state.legal_basis_id, after, limit)
        may = OWNER_AGENCY in found.relations
        return [await self._with_reason(view, may=may) for view in page], following

    async def _with_reason(self, view: Json, *, may: bool) -> Json:
        """A disclosure with the words of its reason, where it has one, and they are for the caller."""
        if "reason" not in view:
            return view
        record = await self._vault.read(view["reason"]) if may else None
        return {**view, "reason": record["text"] if record is not None else None}

    async def refusals(self, caller: Caller, referral_id: str, after: int, limit: int) -> tuple[list[Json], int | None]:
        """What was tried and refused after the person withdrew, in pages as `disclosures` has them."""
        await self.find(caller, referral_id, "read-disclosures")
        page, following = await self._refused.page(referral_id, after, limit)
        return [refusal_view(attempt) for attempt in page], following

    async def texts(self, caller: Caller, referral_id: str) -> list[Json]:
        """The free texts of a referral: answers, and reasons in words."""
        found = await self.find(caller, referral_id, "read-texts")
        records = await self.streams.log.read(referral_stream(referral_id))
        # Why the agency thinks that it made a mistake is its own affair.
        leave_out = {"contact"} if OWNER_AGENCY in found.relations else {"contact", "justification"}
        return await texts_of(records, self._vault, leave_out=leave_out)

    async def kind_of(self, organisation_id: str) -> str:
        """The kind of an organisation; of one that is not registered, "", or the platform's if that is not either.

        So the platform can register itself, and beside a platform nobody is let in by being unknown. The index is asked
        as it is: the first request has none to wait for.
        """
        own = (await self.streams.fold(organisation_stream(organisation_id), ORGANISATION)).state.description
        if own is not None:
            return own.kind
        platform = OrganisationKind.PLATFORM_OPERATOR.value
        return "" if await self._index.find(ORGANISATIONS.name, {"kind": platform}, after=0, limit=1) else platform

    async def organisation(self, organisation_id: str) -> tuple[Json, int]:
        """The view of an organisation and its ETag's version. Raises Hidden where there is none."""
        folded = await self.streams.fold(organisation_stream(organisation_id), ORGANISATION)
        if folded.state.description is None:
            raise Hidden
        ref = folded.state.description.contact_point_ref
        record = await self._vault.read(ref) if ref is not None else None
        point = record["text"] if record is not None else None
        return organisation_view(organisation_id, folded.state, folded.etag, point), folded.etag

    async def programme(self, programme_id: str) -> tuple[Json, int]:
        """The view of a programme and its ETag's version. Raises Hidden where there is none."""
        folded = await self.streams.fold(programme_stream(programme_id), PROGRAMME)
        if not folded.version:
            raise Hidden
        return programme_view(programme_id, folded.state, folded.etag, self._clock.now()), folded.etag

    async def legal_basis(self, caller: Caller, basis_id: str, action: str) -> tuple[Json, int]:
        """The view of a legal basis, if the caller may do `action` to it. Raises Hidden or Forbidden."""
        found = await self.of_legal_basis(caller, basis_id, action)
        folded = await self.streams.fold(legal_basis_stream(basis_id), LEGAL_BASIS)
        return self.basis_shown(found, folded.state, folded.etag), folded.etag

    async def of_legal_basis(self, caller: Caller, basis_id: str, action: str) -> Found:
        """The referral of a legal basis, if the caller may do `action` to the basis. Raises Hidden or Forbidden."""
        # A basis has no parties of its own: those of the referral that it was given for count.
        offer = (await self.streams.fold(legal_basis_stream(basis_id), LEGAL_BASIS)).state.offer
        return await self.find(caller, offer.referral_id if offer is not None else "", action)

    def basis_shown(self, found: Found, basis: LegalBasis, etag: int) -> Json:
        """The view of the legal basis of a referral as a caller found it."""
        body, offer = legal_basis_view(basis, etag), found.folded.state.offer
        if offer is not None and offer.broadcast and is_anonymous_to(found.relations, offer):
            return anonymous(body, offer.broadcast)
        return body


def _as_found(caller: Caller, referral_id: str, folded: Folded[Referral], context: Context) -> Found:
    return Found(referral_id, folded, context, relations_to_referral(caller, context))


def _actions(caller: Caller, found: Found) -> dict[str, list[Any]]:
    allowed: list[Json] = []
    refused: list[Json] = []
    path = f"/v1/referrals/{found.referral_id}"
    by = caller.actor()
    for action, not_permitted in _permitted(caller, found.relations):
        if not_permitted is not None:
            refused.append(not_permitted)
        elif (refusal := blocked(action, found.context, by)) is not None:
            refused.append(
                {
                    "action": action,
                    "code": refusal.code,
                    "detail": refusal.detail,
                    "whoCanUnblock": refusal.who_can_unblock,
                }
            )
        else:
            allowed.append({"action": action, "href": f"{path}/{action}", "method": "POST"})
    return {"allowedActions": allowed, "blockedActions": refused}


@lru_cache(maxsize=512)
def _permitted(caller: Caller, relations: tuple[str, ...]) -> tuple[tuple[str, Json | None], ...]:
    """Each action, with the refusal of one that the caller's role may not do."""
    # The table never changes, and the same people look at referral after referral.
    return tuple(
        (
            action,
            None
            if POLICY.permits(caller, action, relations)
            else {
                "action": action,
                "code": "ROLE_NOT_ALLOWED",
                "detail": f"{action} is not for the role {caller.role} of {caller.org} in this referral",
                "whoCanUnblock": _WHO_MAY[action],
            },
        )
        for action in OFFERED
    )


_WHO_MAY: Final = {
    action: ", ".join(role for role in POLICY.who_may(action) if role != Role.SYSTEM) for action in OFFERED
}


def as_tried(outcome: Outcome[Referral], org: str) -> Outcome[Referral]:
    """A dry run as an organisation may know of it: who tries to accept has not won, and sees nothing of the others."""
    before = outcome.context.referral.offer if isinstance(outcome.context, Context) else None
    offer = outcome.state.offer
    if before is None or offer is None or not before.is_anonymous or org == before.agency:
        return outcome
    own = [event for event in outcome.events if isinstance(event, OfReferral) and event.offer.organisation == org]
    state = replace(outcome.state, offer=replace(offer, broadcast=before.broadcast))
    return replace(outcome, state=state, events=own)
