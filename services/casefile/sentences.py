"""What the timeline says of an event, in one short sentence without personal data.

Most rows of `events.py` have it as a text that names fields of the event; here are those that depend on more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, assert_never

from msgspec import UNSET

from contracts.terms import LadderLevel
from services.casefile.domain.correction import CorrectionRecorded
from services.casefile.domain.exceptions import (
    ExceptionEvent,
    RoleExceptionDenied,
    RoleExceptionGranted,
    RoleExceptionRequested,
)
from services.casefile.domain.gaps import ServiceGapAnswered
from services.casefile.domain.handback_report import HandbackRequested
from services.casefile.domain.ladder import DeadlineEscalated
from services.casefile.domain.match_end import MatchEnded
from services.casefile.domain.open_escalations import EscalationRaised
from services.casefile.domain.referral_entry import EntryName, ReferralEntryTaken
from services.casefile.domain.task_refusals import TaskRefusedByCharter
from services.casefile.domain.trajectory_end import TrajectoryCompleted
from services.chassis.modelling.decider import ABSENCE, Actor
from services.chassis.modelling.ladder import Receiver


def filled_in(text: str, event: object) -> str:
    """A sentence with the fields of the event that it names in braces."""
    return text.format_map(_Fields(event))


def of_an_entry(entry: ReferralEntryTaken) -> str:
    """What the referral service did, and until when a place is expected to be free."""
    happened = filled_in(_of_a_message(entry.name), entry)
    if entry.level in (LadderLevel.L2, LadderLevel.L3):
        happened = f"{happened} {named_at(entry.level, entry.notified or ())}"
    return happened if entry.expected_by is None else f"{happened} Expected by {entry.expected_by}."


def of_an_offer(entry: ReferralEntryTaken) -> str:
    """The same of one of several offers: what does not say by itself whose it is about says to whom it was made."""
    happened = of_an_entry(entry)
    return happened if "{organisation}" in _of_a_message(entry.name) else f"Offer to {entry.organisation}: {happened}"


def of_a_correction(event: CorrectionRecorded) -> str:
    """Which event it corrects, and which of its facts."""
    beside = f"A correction stands beside {event.corrected}"
    if event.was is None or event.holds is None:
        return f"{beside}."
    return f"{beside}, and says what holds: {', '.join(_changed(event))}."


def of_a_refusal(event: TaskRefusedByCharter) -> str:
    """Which task the charter keeps from whom, and who may carry it."""
    may = ", ".join(event.allowed_roles) or "nobody here"
    return f"The charter {event.charter_version} keeps {event.task} from {event.role}; who may: {may}."


def of_an_exception(event: ExceptionEvent) -> str:
    """What was asked of the lead of an organisation, or what the lead said."""
    kind = event.task or event.rule
    match event:
        case RoleExceptionRequested():
            return f"An exception is asked for: {kind}."
        case RoleExceptionGranted():
            return f"The lead of the organisation granted an exception: {kind}."
        case RoleExceptionDenied():
            return f"The lead of the organisation denied an exception: {kind}."
        case _:
            assert_never(event)


def of_an_answered_gap(event: ServiceGapAnswered) -> str:
    """Whether the agency acts on it, and by when."""
    what = f"{event.service_kind}, {event.gap_type}"
    if not event.accepted:
        return f"The agency did not accept the gap in services: {what}."
    return f"The agency accepted the gap in services, and acts by {event.due}: {what}."


_ENDS: Final[Mapping[type, str]] = {
    MatchEnded: "The match ended: {reason}",
    TrajectoryCompleted: "The trajectory is completed: {reason}",
    HandbackRequested: "The organisation hands back: {closure_reason}",
}


def of_an_end(event: MatchEnded | TrajectoryCompleted | HandbackRequested) -> str:
    """Why it ended, whether the agency had agreed to it, and whether a mentor left at short notice."""
    agreed = ", as the agency agreed" if event.agreed is not UNSET else ""
    short = isinstance(event, MatchEnded | TrajectoryCompleted) and event.short_notice
    return filled_in(f"{_ENDS[type(event)]}{agreed}.{' The mentor gave short notice.' if short else ''}", event)


def of_an_escalation(event: EscalationRaised) -> str:
    """Who is asked, and why: the side that was not awaited where a term was missed, and else who has the case."""
    if not any(step.about for step in event.opens):
        return filled_in("The other side is asked to see to what {awaited} owes: {reason}.", event)
    if event.unreached:
        since = "{unreached} could not be told since {unreached_since:%Y-%m-%d %H:%M} UTC"
        return filled_in(since + ", {why_unreached}: {awaited} is asked to see to it.", event)
    return filled_in("{awaited} is asked to see to the case: {reason}.", event)


def of_a_level(event: DeadlineEscalated) -> str:
    """Which missed term is still open, and who hears of it."""
    owed = f"The deadline {event.deadline} has passed, and {event.awaited} still owes it."
    return f"{owed} {named_at(event.level, event.notified)}"


def named_at(level: str, receivers: Iterable[Receiver]) -> str:
    """Who is told at a level, in words."""
    named = (f"{to.role} of {to.org}" if to.org is not None else to.role for to in receivers)
    return f"Told at {level}: {', '.join(named) or 'nobody'}."


def passed_on(actor: Actor) -> str:
    """What is added where somebody passed on another's word (`OnBehalfReason`), or acted for an absent colleague."""
    reason = actor.on_behalf_reason
    word = f" Passed on by the coordinator: {reason}." if reason not in (None, ABSENCE) else ""
    absent = actor.stands_in_for
    return word if absent is None else f"{word} By {actor.sub} on behalf of {absent}, who is away."


def to_substitutes(event: object) -> str:
    """What is added where it goes to the substitutes of people who are away as well."""
    also = getattr(event, "substitutes", UNSET)
    return f" It goes to {', '.join(party.sub for party in also)} as well, standing in." if also else ""


def _of_a_message(name: EntryName) -> str:
    match name:
        case "ReferralSubmitted":
            return "The agency {agency} referred the person to {organisation}."
        case "ReferralReceived":
            return "{organisation} acknowledged receipt."
        case "InformationRequested":
            return "{organisation} asked for information: {codes}."
        case "InformationProvided":
            return "{agency} answered the questions: {codes}."
        case "ReferralWaitlisted":
            return "{organisation} put the referral on its waiting list: {codes}."
        case "ReferralAccepted":
            return "{organisation} accepted the referral."
        case "ReferralDeclined":
            return "{organisation} declined the referral: {codes}."
        case "ReferralWithdrawn":
            return "The referral to {organisation} was withdrawn: {codes}."
        case "ReferralExpired":
            return "The referral to {organisation} expired without an answer."
        case "ReferralCompleted":
            return "The referral to {organisation} is completed: {codes}."
        case "ErrorReported":
            return "{agency} reported the referral as entered in error; a second person has to confirm."
        case "ReferralEnteredInError":
            return "{agency} confirmed that the referral was entered in error."
        case "LegalBasisWithdrawn":
            return "The person withdrew the legal basis for sharing with {organisation}."
        case "DisclosureRefused":
            return "Refused, since the person withdrew the legal basis for sharing with {organisation}: {codes}."
        case "IdentityRevealed":
            return "Who the person is was revealed to somebody who oversees the record."
        case "DeadlineReminded":
            return "Reminder: {codes} is nearly due."
        case "DeadlineMissed":
            return "The deadline {codes} has passed."
        case "DeadlineEscalated":
            return "The deadline {codes} has passed, and what it waits for is still owed."
        case "WaitlistAlerted":
            return "The person has waited long for a place at {organisation}; offered meanwhile: {codes}."
        case "BroadcastOpened":
            return "The agency {agency} offered the person to several organisations at once."
        case "OfferWon":
            return "{organisation} was the first to accept, and is told whose offer it was."
        case "BroadcastEnded":
            return "The last of the offers to several organisations has ended, and none was accepted."
        case "WaitingCorrected":
            return "The entry on the waiting list of {organisation} was corrected: {codes}."
        case "NgoAccessExpired":
            return "The access of {organisation} to its offer has ended."
        case _:
            assert_never(name)


def _changed(correction: CorrectionRecorded) -> Iterator[str]:
    was, holds = correction.was, correction.holds
    if was is None or holds is None:
        return
    yield from (name for name in holds.facts if holds.facts[name] != was.facts.get(name))
    if holds.happened_at not in (None, was.happened_at):
        yield "time"


class _Fields(dict[str, Any]):
    """The fields of an event as a sentence shows them: of several codes all, with commas."""

    def __init__(self, event: object) -> None:
        super().__init__()
        self._event = event

    def __missing__(self, name: str) -> Any:
        value = getattr(self._event, name)
        return ", ".join(map(str, value)) if isinstance(value, tuple) else value
