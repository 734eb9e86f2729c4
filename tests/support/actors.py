"""Who acts in tests of decisions, where nobody signs in: the people of `tests.support.people` as commands name them."""

from __future__ import annotations

from typing import Final

from services.chassis.modelling.decider import Actor
from tests.support import people
from tests.support.people import Person


def actor(person: Person) -> Actor:
    """The person as the domain knows them."""
    return Actor(sub=person.sub, role=person.role, org=person.org)


INES: Final = actor(people.INES)
TOM: Final = actor(people.TOM)
LOTTE: Final = actor(people.LOTTE)
KARIM: Final = actor(people.KARIM)
AN: Final = actor(people.AN)
HANNE: Final = actor(people.HANNE)
AUDITOR: Final = actor(people.AUDITOR)
CLOCK: Final = Actor(sub="scheduler", role="SYSTEM", org="caserelay")
"""Nobody: a deadline passed, or another service published something."""
