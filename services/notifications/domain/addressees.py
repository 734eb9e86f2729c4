"""Whom a message is for: the people who have to act on it, or who hear of a term at its level.

A message that is for nobody in particular is read by everybody who may see it, in the feed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from contracts.codes import Role
from contracts.escalation_codes import EscalationReason
from contracts.staff import COORDINATORS, COUNSELLORS, LEADS
from contracts.terms import LadderLevel
from contracts.visibility import Parties, Relation
from services.notifications.domain.subscription_events import Person
from services.notifications.domain.waiting import waited_for

_TAKE_OVERS: Final = frozenset({"CoordinatorProposed", "CounsellorProposed"})
_OF_A_MISS: Final = frozenset({EscalationReason.DEADLINE_MISSED, EscalationReason.ACCESS_ENDED})
_TAKES_PART: Final = frozenset({Relation.OWNER_AGENCY, Relation.ADDRESSED})


class Addressee(Struct, frozen=True, kw_only=True):
    """Somebody whom a message is for: a person, or with no `sub` everybody in the role.

    Without `org` those in the role wherever they are.
    """

    org: str | None
    role: str
    sub: str | None = None


def addressees(name: str, data: Mapping[str, Any], parties: Parties) -> tuple[Addressee, ...]:
    """Whom a message about a case is for, each once.

    `name` is its name in docs/domain.md, `data` its data as JSON has them, `parties` those of its case today.
    """
    return tuple(dict.fromkeys(_of(name, data, parties)))


def concerns(person: Person, organisation: str, name: str, data: Mapping[str, Any], parties: Parties | None) -> bool:
    """Whether a message is for a person of an organisation, who may see it; `parties` is None of what is about no case.

    What is for nobody in particular is for everybody. What a side has to act on is for a lead of it as well, who may do
    all that its staff may; a term is told to a lead at the level that is the leads'.
    """
    if parties is None:
        return True
    found = addressees(name, data, parties)
    if not found:
        # Of a term of whose level the programme has nobody told.
        return not data.get("level")
    return any(_is(person, organisation, addressee, leads_too=not data.get("notified")) for addressee in found)


def _is(person: Person, organisation: str, addressee: Addressee, *, leads_too: bool) -> bool:
    if addressee.org not in (None, organisation):
        return False
    if addressee.sub is not None:
        return addressee.sub == person.sub
    staff = next((staff for staff in (COUNSELLORS, COORDINATORS) if addressee.role in staff), frozenset())
    return person.role == addressee.role or (leads_too and person.role in staff & LEADS)


def _of(name: str, data: Mapping[str, Any], parties: Parties) -> Iterator[Addressee]:
    if data.get("notified"):
        yield from _at_level(data)
    elif name == "EscalationRaised":
        yield from _of_an_escalation(data, parties)
    elif name == "IdentityRevealed":
        yield Addressee(org=parties.agency, role=Role.AGENCY_TEAM_LEAD.value)
    elif (organisation := waited_for(name, data, parties)) is not None:
        yield _staff(organisation, parties)
    if name in _TAKE_OVERS:
        yield _person(data["receiver"])
    # Who stands in for somebody who is away hears of it too.
    yield from map(_person, data.get("substitutes") or ())


def _at_level(data: Mapping[str, Any]) -> Iterator[Addressee]:
    """A reminder goes to the owner in person; what goes to a role goes to everybody in it."""
    owner = data.get("owner")
    for receiver in data["notified"]:
        if owner and data.get("level") == LadderLevel.L0 and _is_owners(receiver, owner):
            yield _person(owner)
        else:
            yield Addressee(org=receiver.get("org"), role=receiver["role"])


def _is_owners(receiver: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    return (receiver["role"], receiver.get("org")) == (owner["role"], owner["org"])


def _of_an_escalation(data: Mapping[str, Any], parties: Parties) -> Iterator[Addressee]:
    sides = [side for side in sorted(parties.organisations) if parties.relation(side) in _TAKES_PART]
    if data["reason"] == EscalationReason.SUBSTITUTION_SIGNAL:
        # To the leads of both sides.
        for side in sides:
            lead = Role.AGENCY_TEAM_LEAD if side == parties.agency else Role.NGO_LEAD
            yield Addressee(org=side, role=lead.value)
    elif data["reason"] in _OF_A_MISS and not data.get("talkDueAt"):
        # `awaited` missed a term, and the other side is asked to see to it.
        yield from (_staff(side, parties) for side in sides if side != data["awaited"])
    else:
        yield _staff(data["awaited"], parties)


def _staff(organisation: str, parties: Parties) -> Addressee:
    role = Role.AGENCY_COUNSELLOR if organisation == parties.agency else Role.NGO_COORDINATOR
    return Addressee(org=organisation, role=role.value)


def _person(party: Mapping[str, Any]) -> Addressee:
    return Addressee(org=party["org"], role=party["role"], sub=party["sub"])
