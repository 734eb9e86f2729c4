"""What callers find: referrals with what the caller may do next, and organisations, programmes and legal bases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from msgspec.structs import replace

from contracts.codes import OrganisationKind, Role
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.deciding.handler import Outcome
from services.chassis.deciding.streams import Folded, Streams
from services.chassis.http.request.positions import unknown_filter
from services.chassis.http.response.free_texts import texts_of
from services.chassis.http.response.rendering import Json, recorded_view
from services.chassis.index.index import IndexReader, Row, Value
from services.chassis.log.metadata import Recorded
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Vault
from services.referral.access import (
    ADDRESSED_ORGANISATION,
    ANY_ORGANISATION,
    CONSENT_WITHDRAWN,
    OVERSIGHT,
    OWNER_AGENCY,
    POLICY,
    relations_to_referral,
)
from services.referral.actions import OFFERED
from services.referral.context import ReferralContexts, after
from services.referral.domain.context import Context
from services.referral.domain.disclosure import disclosures_stream
from services.referral.domain.guards import blocked
from services.referral.domain.legal_basis import LEGAL_BASIS, legal_basis_stream
from services.referral.domain.offer import referral_stream
from services.referral.domain.organisation import ORGANISATION, organisation_stream
from services.referral.domain.programme import PROGRAMME, programme_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import Referral
from services.referral.projection import ORGANISATIONS, REFERRALS
from services.referral.views import (
    disclosure_view,
    legal_basis_view,
    organisation_view,
    programme_view,
    referral_view,
    stopped_view,
)

REFERRALS_OF_A_CASE: Final = 10_000


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
        vault: Vault,
        index: IndexReader,
        caught_up: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """`caught_up` returns once the index covers the log."""
        self.streams = streams
        self._contexts = contexts
        self._vault = vault
        self._index = index
        self._caught_up = caught_up
        self._clock = clock

    async def find(self, caller: Caller, referral_id: str, action: str) -> Found:
        """The referral, if the caller may do `action` to it. Raises Hidden or Forbidden."""
        folded = await self.streams.fold(referral_stream(referral_id), REFERRAL)
        if not folded.version:
            # Through the choke point all the same: a role that is refused everywhere is refused here too.
            POLICY.require(caller, action, ())
            raise Hidden
        found = await self._found(caller, referral_id, folded)
        POLICY.require(caller, action, found.relations)
        return found

    async def _found(self, caller: Caller, referral_id: str, folded: Folded[Referral]) -> Found:
        context = await self._contexts.for_reader(referral_id, self._clock.now(), self.streams)
        # The state may be an earlier one, that a replayed answer shows.
        return _as_found(caller, referral_id, folded, replace(context, referral=folded.state))

    async def find_silently(self, caller: Caller, referral_id: str) -> Found | None:
        """The referral, if the caller may read it: lists leave out the others."""
        folded = await self.streams.fold(referral_stream(referral_id), REFERRAL)
        found = await self._found(caller, referral_id, folded)
        return found if POLICY.permits(caller, "read", found.relations) else None

    async def referral(self, caller: Caller, referral_id: str) -> tuple[Json, int]:
        """What the caller reads of the referral, and its ETag's version."""
        found = await self.find(caller, referral_id, "read")
        return self.shown(caller, found), found.folded.etag

    async def after(self, caller: Caller, referral_id: str, outcome: Outcome[Referral]) -> Json:
        """What the caller reads of a referral in the state that a command just left it in."""
        folded = Folded(outcome.state, outcome.version, outcome.etag)
        if isinstance(outcome.context, Context):
            # What the command was decided on, and what it wrote, need not be read again.
            context = after(outcome.context, outcome.state, outcome.events)
            return self.shown(caller, _as_found(caller, referral_id, folded, context))
        return self.shown(caller, await self._found(caller, referral_id, folded))

    def shown(self, caller: Caller, found: Found) -> Json:
        """The view for this caller, with the actions that are possible and those that are not."""
        referral, etag = found.folded.state, found.folded.etag
        if CONSENT_WITHDRAWN in found.relations and not {OWNER_AGENCY, OVERSIGHT} & set(found.relations):
            body = stopped_view(found.referral_id, referral, etag)
        else:
            body = referral_view(found.referral_id, referral, etag, found.context.legal_basis)
        if POLICY.permits(caller, "read-disclosures", found.relations):
            body["links"] |= {"disclosures": f"/v1/referrals/{found.referral_id}/disclosures"}
        return {**body, **_actions(caller, found)}

    async def referrals(
        self, caller: Caller, filters: Mapping[str, str], after: int, limit: int, *, states: Sequence[str] = ()
    ) -> tuple[list[Json], int | None]:
        """A page of the referrals that the caller may see, oldest first, and where the next page begins.

        With `states`, those in any of them.
        """
        POLICY.require(caller, "list", (ANY_ORGANISATION,))
        if (organisation := filters.get("organisation")) is not None:
            known = await self.streams.fold(organisation_stream(organisation), ORGANISATION)
            if known.state.description is None:
                raise unknown_filter("organisation", "the id of an organisation that there is")
        await self._caught_up()
        items: list[Json] = []
        last = after
        while True:
            most = limit + 1 - len(items)
            rows = self._rows(caller, filters, states, last, most)
            # Side by side: streams that are asked for at once come in one answer of the database.
            views = await asyncio.gather(*(self._view(caller, row.key) for row in rows))
            for row, view in zip(rows, views, strict=True):
                if view is not None:
                    if len(items) == limit:
                        return items, last
                    items.append(view)
                last = row.seq
            if len(rows) < most:
                return items, None

    def _rows(
        self, caller: Caller, filters: Mapping[str, str], states: Sequence[str], after: int, most: int
    ) -> list[Row]:
        of_agency: Mapping[str, Value] = {} if caller.role is Role.AUDITOR else {"agency": caller.org}
        looks: list[Mapping[str, Value]] = [{**filters, **of_agency}]
        if of_agency and filters.get("organisation") in (None, caller.org):
            others = {column: value for column, value in filters.items() if column != "organisation"}
            looks.append({**others, "reader": caller.org})
        if states:
            looks = [{**look, "state": state} for look in looks for state in states]
        if (case := filters.get("case_id")) is not None:
            # A case has a handful of referrals: the other filters are applied here.
            of_case = self._index.find(REFERRALS.name, {"case_id": case}, after=after, limit=REFERRALS_OF_A_CASE)
            return [row for row in of_case if any(look.items() <= row.columns.items() for look in looks)][:most]
        found = {
            row.seq: row for where in looks for row in self._index.find(REFERRALS.name, where, after=after, limit=most)
        }
        return [found[seq] for seq in sorted(found)][:most]

    async def _view(self, caller: Caller, referral_id: str) -> Json | None:
        found = await self.find_silently(caller, referral_id)
        return self.shown(caller, found) if found is not None else None

    async def recorded(
        self, caller: Caller, referral_id: str, after: int, limit: int
    ) -> tuple[list[Json], Recorded | None]:
        """The raw record of a referral behind version `after`, and its last event if more come.

        An organisation's begins with its addressing.
        """
        found = await self.find(caller, referral_id, "read-record")
        records = await self.streams.log.read(referral_stream(referral_id), after=after)
        if ADDRESSED_ORGANISATION in found.relations:
            records = [record for record in records if record.event.offer.organisation is not None]
        items = [recorded_view(record) for record in records[:limit]]
        return items, records[limit - 1] if len(records) > limit else None

    async def disclosures(
        self, caller: Caller, referral_id: str, after: int, limit: int
    ) -> tuple[list[Json], int | None]:
        """The disclosures of a person's data by a referral, oldest first, and where the next page begins.

        `after` is a position of the log: the page begins behind it.
        """
        found = await self.find(caller, referral_id, "read-disclosures")
        basis = found.folded.state.legal_basis_id
        names = [disclosures_stream(referral_id), *([legal_basis_stream(basis)] if basis else [])]
        tails = await self.streams.log.read_tails([(name, 0) for name in names])
        records = sorted(
            (record for tail in tails for record in tail if record.position > after), key=lambda record: record.position
        )
        shown = [(record, view) for record in records if (view := disclosure_view(record, referral_id)) is not None]
        following = shown[limit - 1][0].position if len(shown) > limit else None
        return [view for _, view in shown[:limit]], following

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
        return "" if self._index.find(ORGANISATIONS.name, {"kind": platform}, after=0, limit=1) else platform

    async def organisation(self, organisation_id: str) -> tuple[Json, int]:
        """The view of an organisation and its ETag's version. Raises Hidden where there is none."""
        folded = await self.streams.fold(organisation_stream(organisation_id), ORGANISATION)
        if folded.state.description is None:
            raise Hidden
        ref = folded.state.description.contact_point_ref
        record = await self._vault.read(ref) if ref is not None else None
        point = record["text"] if record is not None else None
        return organisation_view(organisation_id, folded.state, folded.etag, point), folded.etag

    async def organisations(self, kinds: Sequence[str], after: int, limit: int) -> tuple[list[Json], int | None]:
        """A page of organisations of these kinds, or of all, and where the next page begins."""
        await self._caught_up()
        looks: list[dict[str, Value]] = [{"kind": kind} for kind in kinds] or [{}]
        met = [
            row for look in looks for row in self._index.find(ORGANISATIONS.name, look, after=after, limit=limit + 1)
        ]
        rows = sorted(met, key=lambda row: row.seq)[: limit + 1]
        found = await asyncio.gather(*(self.organisation(row.key) for row in rows[:limit]))
        return [view for view, _ in found], rows[limit - 1].seq if len(rows) > limit else None

    async def programme(self, programme_id: str) -> tuple[Json, int]:
        """The view of a programme and its ETag's version. Raises Hidden where there is none."""
        folded = await self.streams.fold(programme_stream(programme_id), PROGRAMME)
        if not folded.version:
            raise Hidden
        return programme_view(programme_id, folded.state, folded.etag, self._clock.now()), folded.etag

    async def legal_basis(self, caller: Caller, basis_id: str, action: str) -> tuple[Json, int]:
        """The view of a legal basis, if the caller may do `action` to it. Raises Hidden or Forbidden."""
        folded = await self.streams.fold(legal_basis_stream(basis_id), LEGAL_BASIS)
        # A basis has no parties of its own: those of the referral that it was given for count.
        offer = folded.state.offer
        await self.find(caller, offer.referral_id if offer is not None else "", action)
        return legal_basis_view(folded.state, folded.etag), folded.etag


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
