"""Somebody for every party and every role that docs/domain.md names in its chapter on refusals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from tests.support.people import AUDITOR, OPERATOR, PIETER, Person
from tests.support.refusals_page import Asker, parties
from tests.who_may_do_what.asking import Somebody

AGENCY: Final = "the agency"
ORGANISATION: Final = "the organisation"
FORMER: Final = "the organisation, once its part in the case is over"
STOPPED: Final = "the organisation, once the consent is withdrawn"
NO_ACCESS: Final = "the organisation, once its access has ended"
MENTOR_OF_CASE: Final = "the mentor, to the case"
STOPPED_MENTOR: Final = "the mentor, once the consent is withdrawn"
MENTEE_OF_CASE: Final = "the mentee, to the case"
MENTEE_OF_REFERRAL: Final = {
    "vdab-gent": "the mentee at the agency, to a referral",
    "brugwerk": "the mentee at the organisation, to a referral",
}
AUDITORS: Final = "an auditor, of any other organisation"
CONTROL: Final = "the control unit, of any organisation"
ELSE: Final = "anybody else"

COUNSELLOR, TEAM_LEAD = frozenset({"counsellor"}), frozenset({"counsellor", "team lead"})
COORDINATOR, LEAD = frozenset({"coordinator"}), frozenset({"coordinator", "lead"})
_FORMER: Final = frozenset({"former coordinator"})
WORDS: Final = {
    "the agency": {"AGENCY_COUNSELLOR": COUNSELLOR, "AGENCY_TEAM_LEAD": TEAM_LEAD},
    "the organisation": {"NGO_COORDINATOR": COORDINATOR, "NGO_LEAD": LEAD},
}
"""What the column "Who" calls them, by the side and the role."""
NOW: Final = {FORMER: _FORMER, STOPPED: frozenset[str](), NO_ACCESS: frozenset[str]()}
"""What it calls those who were coordinators."""


def staff(org: str, party: str, people: Iterable[Person]) -> Iterator[Somebody]:
    """Everybody of a party by its roles: those who are known by name, and somebody else for each other role."""
    known = {person.role: person for person in people}
    words = next(words for side, words in WORDS.items() if party.startswith(side))
    for role in sorted(parties()[party].roles):
        before = words.get(role, frozenset[str]())
        now = NOW.get(party, before) if before else before
        person = known.get(role, Person(f"somebody.{role.lower()}", org, role))
        yield Somebody(person, Asker(party, now, before if now != before else frozenset()))


def overseers() -> Iterator[Somebody]:
    """Auditors and the control unit, who stand the same everywhere."""
    yield Somebody(AUDITOR, Asker(AUDITORS))
    for org in ("vdab-gent", "brugwerk", "elders"):
        yield Somebody(Person("control.unit", org, "AGENCY_CONTROL"), Asker(CONTROL))


def strangers() -> Iterator[Somebody]:
    """Somebody in each role at an organisation without a part, another agency's counsellor, and the operator."""
    every = {role for party in parties().values() for role in party.roles} - {"AUDITOR", "AGENCY_CONTROL", "SYSTEM"}
    for role in sorted(every | {OPERATOR.role}):
        yield Somebody(Person("somebody", "elders", role), Asker(ELSE))
    yield from (Somebody(person, Asker(ELSE)) for person in (PIETER, OPERATOR))
