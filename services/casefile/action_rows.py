"""What a row of `actions.py` is: a command on a case, with all that its route and the table of access need of it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from contracts.codes import CaseState, Role
from contracts.fields import Body
from contracts.staff import COORDINATORS, COUNSELLORS, LEADS, StaffSide
from services.casefile.domain.case import CaseDecision
from services.casefile.domain.context import Context, Rule
from services.casefile.domain.state import BEFORE_CLOSED
from services.casefile.stamping import Stamp
from services.chassis.http.request.stamp import same_fields
from services.chassis.modelling.decider import Command
from services.chassis.modelling.moves import Move

B = TypeVar("B", bound=Body)
C = TypeVar("C", bound=Command)

Decide = Callable[[C, Context], CaseDecision]
"""A decision of the domain: what follows from the command; nothing where it is so already. Raises Refused."""

AGENCY, ORGANISATION = StaffSide.AGENCY, StaffSide.ORGANISATION
EITHER: Final = None
"""Either side."""
MENTEES: Final = frozenset({Role.MENTEE})
UNTIL_FINALISED: Final = BEFORE_CLOSED | {CaseState.CLOSED}
EVERY_STATE: Final = frozenset(CaseState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Generic[B, C]):
    """A command on a case: `POST /v1/cases/{case_id}/{name}` with a body `request`.

    `build` makes the command of the body; without it, the command takes the fields of its own names from the body.
    `decide` is the domain's decision. `roles` of the `side` may give it, in `states`; it moves `steps` of the worklist
    on. `refuses` are the codes of its decision, beside those that any action may meet (`contracts/refusals.json`).
    `leads_to` are its ways to another state; without one the case stays in its own.
    """

    name: str
    summary: str
    request: type[B]
    command: type[C]
    decide: Decide[C]
    side: StaffSide | None
    states: AbstractSet[CaseState]
    roles: frozenset[Role]
    steps: AbstractSet[str] = frozenset()
    refuses: AbstractSet[str] = frozenset()
    build: Callable[[B, Stamp], C] | None = None
    leads_to: tuple[Move, ...] = ()

    @property
    def rule(self) -> Rule:
        """When it is possible, for the domain."""
        staff = self.roles & (COUNSELLORS | COORDINATORS)
        return Rule(self.side, frozenset(self.states), leads=bool(staff) and staff <= LEADS)

    def command_of(self, body: B, stamp: Stamp) -> C:
        """The command that the body asks for. Raises Refused."""
        return (self.build or same_fields(self.command))(body, stamp)
