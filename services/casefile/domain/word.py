"""The word of one side of a match: its own, or passed on by somebody else, which the record then says."""

from __future__ import annotations

from datetime import datetime

from contracts.casefile_codes import OnBehalfReason, Side
from services.casefile.domain.case import Case
from services.casefile.domain.guards import speaks_for_itself
from services.chassis.modelling.decider import Actor, Command, Fault, Refused


class SayOfASide(Command, frozen=True, kw_only=True):
    """The word of one side of a match: its own, or passed on by the coordinator for a reason (`OnBehalfReason`)."""

    side: str
    on_behalf_reason: str | None = None
    occurred_at: datetime | None = None


def check_own_word(command: SayOfASide) -> None:
    """Refuses a word that is passed on without saying why, and a reason to pass on one's own."""
    # Who speaks for themselves speaks for nobody else: a reason would have the record say what is not so.
    own, reason = speaks_for_itself(command.by), command.on_behalf_reason
    if own and reason is not None:
        raise Refused.input(
            Fault("/onBehalfReason", "NOT_EXPECTED", "a side that speaks for itself gives no reason for another to")
        )
    if not own and reason not in set(OnBehalfReason):
        raise Refused.input(
            Fault(
                "/onBehalfReason",
                "REQUIRED" if reason is None else "UNKNOWN_CODE",
                f"say why the {command.side.lower()} does not say so itself: {', '.join(OnBehalfReason)}",
                rests_on=("/by",),
            )
        )


def acting(command: Command, case: Case) -> Actor:
    """Who acts by a command, and for whom: the word of a side stays that side's, no matter who passes it on."""
    by = command.by
    if not isinstance(command, SayOfASide) or speaks_for_itself(by) or case.match is None:
        return by
    whose = case.match.mentor if command.side == Side.MENTOR else case.client_ref
    return by.passing_on(whose, command.on_behalf_reason)
