"""A person's case, as the referral service knows it: whether it is open, and which referral of it is live.

The case key names one person of one agency in one programme, by the agency's pseudonym for them. It has one open case
and at most one live referral.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final, assert_never
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from services.chassis.modelling.decider import Command, Entity, Event
from services.chassis.modelling.derived_id import derived_id
from services.chassis.modelling.growing import GrowingTuple

_NAMESPACE: Final = UUID("6f0c1c5e-3d52-4a57-9a86-6b1f4f6f3c11")


def case_key_of(agency: str, client_ref: str, programme: str) -> str:
    """The same three always give the same key, so that the log itself holds the uniqueness of the live referral.

    It is the key of a person who has none in the programme yet: `services/referral/domain/person.py`.
    """
    return id_of(agency, client_ref, programme)


@lru_cache(maxsize=4096)
def id_of(*names: str) -> str:
    """The id of what these names say together, always the same."""
    return derived_id(_NAMESPACE, json.dumps(names))


def case_key_stream(case_key: str) -> str:
    """The stream of one case key."""
    return f"case-key-{case_key}"


class CloseCase(Command, frozen=True, kw_only=True):
    """The agency closed the case (casefile reports it): the next referral opens a new one."""

    case_id: str


class ReopenCase(Command, frozen=True, kw_only=True):
    """The agency opened a closed case again (casefile reports it)."""

    case_id: str


class CaseKeyTaken(Event, frozen=True, kw_only=True):
    """A referral, or a broadcast of several offers, became the live one of the key, in this case.

    `submitted` says that it was offered: from then on the case is one that the agency has, and has to close.
    """

    referral_id: str
    case_id: str
    submitted: bool = False
    # Unset, it is not written at all: a single referral's has the bytes that it always had.
    is_broadcast: bool | UnsetType = UNSET


class CaseKeyReleased(Event, frozen=True, kw_only=True):
    """The live referral ended. `offered` says that it is one that a later referral may follow on.

    Neither a draft nor a referral entered in error is. Of a broadcast, it is its `offers` that one may follow on.
    """

    referral_id: str
    offered: bool
    # Unset, it is not written at all: every other event has the bytes that it always had.
    offers: tuple[str, ...] | UnsetType = UNSET


class CaseEnded(Event, frozen=True, kw_only=True):
    """The case was closed."""

    case_id: str


class CaseResumed(Event, frozen=True, kw_only=True):
    """The closed case was opened again."""

    case_id: str


class CaseKey(Struct, frozen=True, kw_only=True):
    """The latest case and whether it is open, the live referral, and the ended ones with the case of each.

    `case_begun` says that a referral was offered in the case: for a draft that went nowhere no case was opened.
    `live_is_broadcast`: what is live are several offers at once, under the broadcast's id.
    """

    case_id: str | None = None
    case_open: bool = False
    case_begun: bool = False
    live: str | None = None
    live_case: str | None = None
    live_is_broadcast: bool = False
    ended: GrowingTuple[tuple[str, str]] = GrowingTuple()

    @property
    def weight(self) -> int:
        """How much hangs on the key: of several of one person in a programme, the weightiest goes on."""
        return 3 if self.live is not None else 2 if self.holds_case else 1 if self.case_id is not None else 0

    @property
    def live_named(self) -> str:
        """What is live, by its kind and id."""
        return f"{'broadcast' if self.live_is_broadcast else 'referral'} {self.live}"

    @property
    def live_until(self) -> str:
        """When what is live is over."""
        if self.live_is_broadcast:
            return "once it is withdrawn, or each of its offers is declined or expired"
        return "once it is declined, withdrawn, expired, completed or confirmed as entered in error"

    @property
    def live_ended_by(self) -> str:
        """Who can end what is live, and by which commands."""
        if self.live_is_broadcast:
            return "the agency, by withdraw of the broadcast"
        return "the agency, by withdraw, or by accepting the handback once the referral is accepted"

    @property
    def holds_case(self) -> bool:
        """Whether the agency has an open case of the person under this key."""
        return self.case_open and self.case_begun

    def case_for(self, new_case_id: str) -> str:
        """The open case; a new one where there is none."""
        return self.case_id if self.case_open and self.case_id is not None else new_case_id

    def has_ended(self, referral_id: str) -> bool:
        """Whether the referral was made under this key and has ended."""
        return any(ended == referral_id for ended, _ in self.ended)

    def latest_in(self, case_id: str) -> str | None:
        """The referral of the case that ended last."""
        return next((ended for ended, case in reversed(self.ended) if case == case_id), None)


CaseKeyEvent = CaseKeyTaken | CaseKeyReleased | CaseEnded | CaseResumed


def decide(command: CloseCase | ReopenCase, key: CaseKey) -> list[CaseEnded | CaseResumed]:
    """Records what casefile reports of a case; reports of a case that is not the key's latest change nothing."""
    match command:
        case CloseCase() if key.case_open and key.case_id == command.case_id:
            return [CaseEnded(case_id=command.case_id)]
        case ReopenCase() if not key.case_open and key.case_id == command.case_id:
            return [CaseResumed(case_id=command.case_id)]
        case _:
            return []


def evolve(key: CaseKey, event: CaseKeyEvent) -> CaseKey:
    """The key after one more event."""
    match event:
        case CaseKeyTaken():
            begun = event.submitted or (key.case_begun and key.case_id == event.case_id)
            return replace(
                key,
                case_id=event.case_id,
                case_open=True,
                case_begun=begun,
                live=event.referral_id,
                live_case=event.case_id,
                live_is_broadcast=event.is_broadcast is True,
            )
        case CaseKeyReleased():
            if key.live != event.referral_id:
                return key
            ended = key.ended
            if event.offered and key.live_case is not None:
                for referral_id in event.offers or (event.referral_id,):
                    ended = ended.plus((referral_id, key.live_case))
            # Old events do not say that they were submitted; `offered` says the same.
            begun = key.case_begun or (event.offered and key.live_case == key.case_id)
            return replace(key, live=None, live_case=None, live_is_broadcast=False, case_begun=begun, ended=ended)
        case CaseEnded():
            return replace(key, case_open=False)
        case CaseResumed():
            return replace(key, case_open=True)
        case _:
            assert_never(event)


CASE_KEY: Entity[CaseKey] = Entity(CaseKey(), evolve)
