"""The answer of one side of a match: given by itself, or passed on by the coordinator, who says why."""

from __future__ import annotations

from datetime import datetime

from contracts.casefile_codes import OnBehalfReason, Side
from services.casefile.domain.guards import speaks_for_itself
from services.casefile.domain.state import Case
from services.chassis.modelling.decider import Actor, Command, Fault, Refused


class SideAnswer(Command, frozen=True, kw_only=True):
    """The answer of one side of a match: its own, or given by the coordinator for a reason (`OnBehalfReason`)."""

    side: str
    on_behalf_reason: str | None = None
    occurred_at: datetime | None = None


def check_on_behalf(command: SideAnswer) -> None:
    """Refuses an answer on behalf of a side without a reason, and a reason where the side answers itself."""
    # With a reason the record would name a person who did not answer.
    own, reason = speaks_for_itself(command.by), command.on_behalf_reason
    if own and reason is not None:
        raise Refused.input(
            Fault(
                "/onBehalfReason", "NOT_EXPECTED", "a reason is allowed only where another person answers for the side"
            )
        )
    if not own and reason not in set(OnBehalfReason):
        raise Refused.input(
            Fault(
                "/onBehalfReason",
                "REQUIRED" if reason is None else "UNKNOWN_CODE",
                f"say why the {command.side.lower()} does not answer in person: {', '.join(OnBehalfReason)}",
                rests_on=("/by",),
            )
        )


def acting(command: Command, case: Case) -> Actor:
    """Who acts by a command, and for whom: the answer of a side stays its own, also where another person gives it."""
    by = command.by
    if not isinstance(command, SideAnswer) or speaks_for_itself(by) or case.match is None:
        return by
    if command.side not in set(Side):
        return by
    whose = case.match.mentor if command.side == Side.MENTOR else case.client_ref
    return by.passing_on(whose, command.on_behalf_reason)
