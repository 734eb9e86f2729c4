"""Every command, and everything that happens by itself, tried in every situation of a case against docs/domain.md.

The table of actions and the fold that are asked may be others than the service's: so the mutants of both are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from contracts import referral as told
from services.casefile.actions import ACTIONS, RULES, decide
from services.casefile.domain.case import CASE
from services.casefile.domain.charter_change import NoticeCharter
from services.casefile.domain.context import Context, Rule
from services.casefile.domain.deadlines import PassDeadline, running
from services.casefile.domain.guards import blocked
from services.casefile.domain.state import Case
from services.casefile.history import find_event
from services.casefile.other_commands import OTHER_COMMANDS
from services.casefile.reactions import REACTIONS
from services.chassis.modelling.decider import Actor, Because, Command, Refused, To
from services.chassis.modelling.delivery import Delivery
from services.chassis.modelling.moves import Move
from tests.casefile.acts import BODIES
from tests.casefile.messages import TOM, about, submitted
from tests.casefile.situations import HOLDS, ONLY_IN, Situation, situations
from tests.casefile.stories import Body, command
from tests.support.actors import AN, CLOCK, HANNE, INES, KARIM, LOTTE
from tests.support.domain_page import CASE_BY_ITSELF, CASE_COMMANDS, Happened, Row, State, table

Fold = Callable[[Case, Any], Case]
Met = set[tuple[str, State, str]]
"""The rows that were seen to hold: from which state, and for whom."""

AGENCY: Final = (INES, TOM, Actor(sub="els.mertens", role="AGENCY_TEAM_LEAD", org="vdab-gent"))
ORGANISATION: Final = (LOTTE, AN)
FORMER: Final = (KARIM,)
STRANGERS: Final = (Actor(sub="pieter.smets", role="AGENCY_COUNSELLOR", org="actiris-demo"),)
PARTS: Final = (
    (AGENCY, ("counsellor",)),
    (ORGANISATION, ("coordinator",)),
    ((HANNE,), ("coordinator", "lead")),
    (FORMER, ("former coordinator",)),
    (STRANGERS, ("nobody",)),
)
"""Who tries everything, with the page's words for the part that they have in the case."""
SAY_STATE: Final = frozenset({"STATE_DOES_NOT_ALLOW", "CASE_CLOSED", "CASE_FINALISED", "REFERRAL_LIVE"})
"""The page's codes of a refusal because of the state."""
ENTRIES: Final = frozenset({"ReferralEntryTaken", "ReferralNoteTaken"})
"""How the case keeps what it hears of a referral: the timeline shows it under the referral's own name."""
LONG: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: by which table, with which fold; all commands and states, or only those named."""

    actions: Mapping[str, Rule] = field(default_factory=lambda: RULES)
    evolve: Fold = CASE.evolve
    only: str | None = None
    state: State | bool = False
    """False: in every state."""

    def of(self, name: str) -> bool:
        """Whether a command is among those tried."""
        return self.only in (None, name)

    @property
    def situations(self) -> tuple[Situation, ...]:
        """The situations that are tried."""
        return tuple(one for one in situations() if self.state in (False, one.state))


def disagreements(asked: Asked) -> Iterator[str]:
    """Where commands do what the page does not say, or not what it says. Each as a sentence for anyone who mends it."""
    met: Met = set()
    for situation in asked.situations:
        for name in filter(asked.of, BODIES):
            rows = [row for row in table(CASE_COMMANDS) if row.command == name and _is_in(situation, row)]
            for body in (*BODIES[name], *(_with_holds(situation) if name == "correct" else ())):
                yield from _tried(asked, situation, name, body, rows, met)
    yield from _unmet(asked, CASE_COMMANDS, met, {word for _, words in PARTS for word in words})
    yield from _unmoved(asked, ((name, row.leads_to) for name, row in ACTIONS.items()), met)


def _strayed(here: str, moves: Iterable[Move], since: State, to: State) -> Iterator[str]:
    if to != since and not any(move.to == to and since in move.since for move in moves):
        yield f"{here} led to {to}, and its row does not say so"


def _unmoved(asked: Asked, declared: Iterable[tuple[str, Iterable[Move]]], met: Met) -> Iterator[str]:
    """The ways to another state that the rows of commands declare, and that nothing has gone."""
    for name, move in ((name, move) for name, moves in declared if asked.of(name) for move in moves):
        for since in move.since:
            if asked.state in (False, since) and (f"moves to {move.to}", since, name) not in met:
                yield f"from {since} the row of {name} leads to {move.to}: in no situation did it"


def _is_in(situation: Situation, row: Row) -> bool:
    return situation.state in row.states and situation.name in ONLY_IN.get(row.note, {situation.name})


def _with_holds(situation: Situation) -> Iterator[Body]:
    for one in situation.book.history:
        if (holds := HOLDS.get(type(one.event).__name__)) is not None:
            yield {"event": one.meta.event_id, "reason": "mistyped", "holds": holds}


def _given(situation: Situation, name: str, body: Body, by: Actor) -> Command:
    named = find_event(situation.book.history, body["event"]) if name == "correct" else None
    return command(name, body, by, situation.at, named.reported if named is not None else None)


def _tried(asked: Asked, situation: Situation, name: str, body: Body, rows: list[Row], met: Met) -> Iterator[str]:
    who = frozenset(word for row in rows for word in row.who)
    for by, words in ((by, words) for people, words in PARTS for by in people):
        may = not who.isdisjoint(words)
        given = _given(situation, name, body, by)
        context = _context(asked, situation, given)
        here = f"{name} {dict(body)} of {by.sub} in {situation.state} ({situation.name})"
        refused = blocked(name, context, by)
        if refused is None and not may:
            yield f"{here} is shown as possible, and the page does not have it"
        if refused is not None and not rows and refused.because is Because.STATE and refused.code not in SAY_STATE:
            yield f"{here} is refused by {refused.code}, and not because of the state"
        if refused is not None and may and refused.code in SAY_STATE:
            yield f"{here} is refused by {refused.code}, and the page has it in this state"
        happened = _decided(asked, given, context)
        if isinstance(happened, Refused):
            if happened.because is Because.INPUT and refused is not None:
                yield f"{here} is refused for its body, and not because of {refused.code}"
        elif happened.events:
            covering = (row for row in rows if may and row.covers(name, body))
            fitting = [row for row in covering if row.fits(situation.state, happened)]
            if not fitting:
                yield f"{here} led to {happened}, and the page does not have it"
            if refused is not None:
                yield f"{here} is shown as blocked by {refused.code}, and was done"
            yield from _strayed(here, ACTIONS[name].leads_to, situation.state, happened.to)
            met |= {(f"moves to {happened.to}", situation.state, name)}
            met |= {(str(row), situation.state, word) for row in fitting for word in row.who.intersection(words)}


def _unmet(asked: Asked, heading: str, met: Met, words: set[str]) -> Iterator[str]:
    for row in filter(lambda row: asked.of(row.command), table(heading)):
        for state, word in ((state, word) for state in row.states for word in row.who & words):
            if asked.state in (False, state) and (str(row), state, word) not in met:
                yield f"from {state} the page has {row}: in no situation was this done, by the {word}"


def _context(asked: Asked, situation: Situation, given: Command) -> Context:
    return replace(situation.book.context(given), at=given.at, actions=asked.actions)


def _decided(asked: Asked, given: Command, context: Context) -> Happened | Refused:
    try:
        decided = decide(given, context)
    except Refused as refused:
        return refused
    before = after = context.case
    names = []
    for event in decided:
        if not isinstance(event, To):
            after = asked.evolve(after, event)
            names.append(type(event).__name__)
    return Happened(
        events=tuple(name for name in names if name not in ENTRIES),
        to=after.state.value if after.state is not None else None,
        deadlines=frozenset(_begun(before, after)),
    )


def _begun(before: Case, after: Case) -> Iterable[str]:
    ran = {(one.name, one.due_at) for one in running(before)}
    return (one.name.partition(":")[0] for one in running(after) if (one.name, one.due_at) not in ran)


# --- what happens without a command ---------------------------------------------------------------------------------


def disagreements_by_itself(asked: Asked) -> Iterator[str]:
    """The same for messages of the referral service and for terms that pass."""
    met: Met = set()
    for situation in asked.situations:
        for name, happens in BY_ITSELF.items():
            if not asked.of(name):
                continue
            for given in happens(situation):
                context = _context(asked, situation, given)
                happened = _decided(asked, given, context)
                assert not isinstance(happened, Refused), f"{name} in {situation.name}: what happened is not refused"
                rows = [row for row in table(CASE_BY_ITSELF) if row.command == name and _is_in(situation, row)]
                fitting = [row for row in rows if row.fits(situation.state, happened)]
                met |= {(str(row), situation.state, "") for row in fitting}
                here = f"{name} in {situation.state} ({situation.name})"
                yield from _strayed(here, OF_ITSELF[name], situation.state, happened.to)
                met |= {(f"moves to {happened.to}", situation.state, name)}
                if not fitting and (happened.events or happened.to != situation.state):
                    yield f"{name} in {situation.state} ({situation.name}) led to {happened}; the page: {rows}"
    yield from _unmet(asked, CASE_BY_ITSELF, met, {""})
    yield from _unmoved(asked, OF_ITSELF.items(), met)


def _message(kind: type[told.ReferralMessage], by: Actor, **fields: Any) -> Callable[[Situation], Iterator[Command]]:
    def tell(situation: Situation) -> Iterator[Command]:
        yield _taken(about(kind, by, situation.at, **fields), situation.at)

    return tell


def _taken(message: Any, at: datetime) -> Command:
    return REACTIONS[type(message)](message, Delivery(at=at, by=CLOCK, source_event_id="told-now", source_position=99))


def _answer(kind: type[told.ReferralMessage], **fields: Any) -> Callable[[Situation], Iterator[Command]]:
    """An answer is given while one is awaited: the table of the referral has no other."""

    def tell(situation: Situation) -> Iterator[Command]:
        if situation.book.case.referral is None or situation.state == "REFERRED":
            yield from _message(kind, LOTTE, **fields)(situation)

    return tell


def _submitted(situation: Situation) -> Iterator[Command]:
    again = submitted(situation.at, referral="R-9", legal_basis_id="LB-9")
    yield _taken(again, situation.at)
    yield _taken(msgspec.structs.replace(again, eligibility={"REGISTERED_JOBSEEKER": True}), situation.at)
    yield _taken(msgspec.structs.replace(again, why_mentoring="SERVICE_GAP"), situation.at)


def _withdrawn(situation: Situation) -> Iterator[Command]:
    if situation.state is not None:
        yield from _message(told.LegalBasisWithdrawn, INES, legal_basis="LB-1", withdrawn_at=situation.at)(situation)


def _passes(name: str) -> Callable[[Situation], Iterator[Command]]:
    def fire(situation: Situation) -> Iterator[Command]:
        for one in running(situation.book.case):
            if one.name.partition(":")[0] == name:
                yield PassDeadline(at=max(one.due_at, situation.at), by=CLOCK, name=one.name)
                if situation.at < one.due_at:
                    yield PassDeadline(at=one.due_at - timedelta(seconds=1), by=CLOCK, name=one.name)
        yield PassDeadline(at=situation.at + LONG, by=CLOCK, name=f"{name}:of-nothing")

    return fire


def _begins(situation: Situation) -> Iterator[Command]:
    if situation.state is not None:
        yield NoticeCharter(at=situation.at, by=CLOCK)


_NO: Final[Mapping[str, Any]] = {"reason": "CAPACITY_FULL", "re_referable": True, "suggestion": None}
BY_ITSELF: Final[Mapping[str, Callable[[Situation], Iterator[Command]]]] = {
    "ReferralSubmitted": _submitted,
    "ReferralAccepted": _answer(told.ReferralAccepted, coordinator=LOTTE.sub),
    "ReferralDeclined": _answer(told.ReferralDeclined, **_NO),
    "ReferralWithdrawn": _answer(told.ReferralWithdrawn, reason="CLIENT_MOVED"),
    "ReferralExpired": _answer(told.ReferralExpired, last_actor="brugwerk"),
    "ReferralEnteredInError": _message(told.ReferralEnteredInError, INES),
    "LegalBasisWithdrawn": _withdrawn,
    "ProgrammeVersionPublished": _begins,
    **{
        name: _passes(name)
        for name in (
            "FINALISE",
            "STRANDED",
            "NGO_ACCESS",
            "SILENCE",
            "SILENCE_CHECK_IN",
            "ESCALATION_CONTACT",
            "ESCALATION_RESOLUTION",
            "NEXT_SERVICE",
            "FIRST_CONTACT",
            "INTAKE",
            "MATCHING",
            "MATCH_CONFIRMATION",
            "AGREEMENT",
            "CHECK_IN",
            "AGREEMENT_END",
            "PROGRESS_REPORT",
            "SUSPENSION_REVIEW",
            "SUSPENSION_MAX",
            "HANDBACK_REPORT",
            "HANDBACK_ACKNOWLEDGEMENT",
            "ESCALATION",
            "CHANGE_DECISION",
            "CHARTER_ACKNOWLEDGEMENT",
            "SERVICE_GAP_ANSWER",
            "GAP_ACTION",
            "OUTCOME_EXIT",
            "OUTCOME_W4",
            "OUTCOME_M6",
            "OUTCOME_M12",
        )
    },
}
"""By the name that begins the row."""
OF_ITSELF: Final[Mapping[str, tuple[Move, ...]]] = {
    name: tuple(move for row in OTHER_COMMANDS for move in row.leads_to if move.cause == name) for name in BY_ITSELF
}
"""Where the rows of the commands that nobody gives lead, by the same name."""
