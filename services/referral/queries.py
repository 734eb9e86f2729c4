"""Reading referrals for a caller: found, allowed, folded, with what the caller may do next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from contracts.codes import Role
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.deciding.handler import Outcome
from services.chassis.deciding.streams import Folded, Streams
from services.chassis.http.response.rendering import Json
from services.chassis.time.clock import Clock
from services.referral.access import (
    CONSENT_WITHDRAWN,
    OVERSIGHT,
    OWNER_AGENCY,
    POLICY,
    relations_to_referral,
)
from services.referral.context import Contexts, after
from services.referral.domain.context import Context
from services.referral.domain.guards import ACTIONS, blocked
from services.referral.domain.offer import referral_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import Referral
from services.referral.views import referral_view, stopped_view


@dataclass(frozen=True, slots=True)
class Found:
    """A referral as a caller finds it."""

    referral_id: str
    folded: Folded[Referral]
    context: Context
    relations: tuple[str, ...]


class Referrals:
    """Finds referrals for callers. Every way to a referral leads through `find`."""

    def __init__(self, streams: Streams, contexts: Contexts, clock: Clock) -> None:
        self.streams = streams
        self._contexts = contexts
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
        """The referral, if the caller may read it: for lists, which leave out what is not theirs."""
        folded = await self.streams.fold(referral_stream(referral_id), REFERRAL)
        found = await self._found(caller, referral_id, folded)
        return found if POLICY.permits(caller, "read", found.relations) else None

    async def view(self, caller: Caller, referral_id: str) -> tuple[Json, int]:
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
    """Each action, with what is told of one that the caller's role may not do."""
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
        for action in ACTIONS
    )


_WHO_MAY: Final = {
    action: ", ".join(role for role in POLICY.who_may(action) if role != Role.SYSTEM) for action in ACTIONS
}
