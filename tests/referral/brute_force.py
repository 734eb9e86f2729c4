"""Every command, and everything that happens by itself, tried in every situation of a referral against docs/domain.md.

The table of states and the fold that are asked may be others than the service's: so the mutants of both are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace

from services.chassis.modelling.decider import Because, Command, Refused, To
from services.chassis.modelling.moves import Move
from services.referral.actions import ACTIONS, BY_OTHERS, OTHER_COMMANDS, RULES, decide
from services.referral.domain.consent_withdrawal import WithdrawLegalBasis, withdraw_legal_basis
from services.referral.domain.context import Context, ReferralCommand, Rule
from services.referral.domain.deadlines import PassDeadline
from services.referral.domain.ending import CompleteReferral
from services.referral.domain.guards import blocked
from services.referral.domain.offer import referral_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import Referral
from tests.referral.situations import ACTS, Body, Situation, command, situations
from tests.referral.situations import REFERRAL as ID
from tests.support.actors import CLOCK, INES, LOTTE, TOM
from tests.support.domain_page import REFERRAL_BY_ITSELF, REFERRAL_COMMANDS, Happened, State, table

Fold = Callable[[Referral, Any], Referral]
Met = set[tuple[str, State]]
"""The rows that were seen to hold, and from which state."""

WHO: Final = {"counsellor": INES, "team lead": TOM, "coordinator": LOTTE}
"""Somebody for each word of the page. Whether the role may is asked over HTTP: the rules below it do not know roles."""
SAY_STATE: Final = frozenset({"STATE_DOES_NOT_ALLOW", "LEGAL_BASIS_WITHDRAWN"})
"""The page's codes of a refusal where it has no row: a right that the caller lacks as well is not asked for there."""
LONG: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: by which table, with which fold; all commands and states, or only those named."""

    actions: Mapping[str, Rule] = field(default_factory=lambda: RULES)
    evolve: Fold = REFERRAL.evolve
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
        for name in filter(asked.of, ACTS):
            for body in ACTS[name]:
                yield from _tried(asked, situation, name, body, met)
    yield from _unmet(asked, REFERRAL_COMMANDS, met)
    yield from _unmoved(asked, ACTS, met)


def _unmoved(asked: Asked, names: Iterable[str], met: Met) -> Iterator[str]:
    """The ways to another state that the rows of commands declare, and that nothing has gone."""
    for name, since, to in MOVES:
        tried = name in names and asked.of(name) and asked.state in (False, since)
        if tried and (f"{name} moves to {to}", since) not in met:
            yield f"from {since} the row of {name} leads to {to}: in no situation did it"


def _tried(asked: Asked, situation: Situation, name: str, body: Body, met: Met) -> Iterator[str]:
    of_command = [row for row in table(REFERRAL_COMMANDS) if row.command == name]
    rows = [row for row in of_command if situation.state in row.states]
    (word,) = {word for row in of_command for word in row.who}
    by = WHO[word]
    given = command(name, body, by, situation.at)
    context = _context(asked, situation, given)
    here = f"{name} {dict(body)} of {by.sub} in {situation.state} ({situation.name})"
    refused = None if name == "create" else blocked(name, context, by)
    if refused is None and not rows and name != "create":
        yield f"{here} is shown as possible, and the page does not have it"
    if refused is not None and refused.code not in SAY_STATE and not rows and situation.state is not None:
        yield f"{here} is refused by {refused}, and not because of the state"
    happened = _decided(asked, given, context)
    if isinstance(happened, Refused):
        if happened.because is Because.INPUT and refused is not None:
            yield f"{here} is refused for its body, and not because of {refused.code}"
    elif happened.events:
        fitting = [row for row in rows if row.covers(name, body) and row.fits(situation.state, happened)]
        if not fitting:
            yield f"{here} led to {happened}, and the page does not have it"
        if refused is not None:
            yield f"{here} is shown as blocked by {refused.code}, and was done"
        if happened.to != situation.state and (name, situation.state, happened.to) not in MOVES:
            yield f"{here} led to {happened.to}, and its row does not say so"
        met |= {(f"{name} moves to {happened.to}", situation.state)}
        met |= {(str(row), situation.state) for row in fitting}


def _unmet(asked: Asked, heading: str, met: Met) -> Iterator[str]:
    for row in filter(lambda row: asked.of(row.command), table(heading)):
        for state in row.states:
            if asked.state in (False, state) and (str(row), state) not in met:
                yield f"from {state} the page has {row}: in no situation was this done"


def _context(asked: Asked, situation: Situation, given: Command) -> Context:
    return replace(situation.office.context(ID, given.at, given), actions=asked.actions)


def _decide(given: Command, context: Context) -> Sequence[Any]:
    if isinstance(given, WithdrawLegalBasis):
        return withdraw_legal_basis(given, context)
    assert isinstance(given, ReferralCommand)
    return decide(given, context)


def _decided(asked: Asked, given: Command, context: Context) -> Happened | Refused:
    try:
        decided = _decide(given, context)
    except Refused as refused:
        return refused
    before = after = context.referral
    names = []
    own = not isinstance(given, WithdrawLegalBasis)
    for one in decided:
        stream, event = (one.stream, one.event) if isinstance(one, To) else (referral_stream(ID) if own else "", one)
        if stream == referral_stream(ID):
            after = asked.evolve(after, event)
            names.append(type(event).__name__)
    began = {(one.name, one.due_at) for one in after.running} - {(one.name, one.due_at) for one in before.running}
    return Happened(events=tuple(names), to=after.state, deadlines=frozenset(name for name, _ in began))


# --- what happens without a command ---------------------------------------------------------------------------------


def disagreements_by_itself(asked: Asked) -> Iterator[str]:
    """The same for what other services tell, and for terms that pass."""
    met: Met = set()
    for situation in asked.situations:
        for name in filter(asked.of, BY_ITSELF):
            rows = [row for row in table(REFERRAL_BY_ITSELF) if row.command == name]
            for given in BY_ITSELF[name](situation) if situation.state is not None else ():
                happened = _decided(asked, given, _context(asked, situation, given))
                if isinstance(happened, Refused):
                    if any(situation.state in row.states for row in rows):
                        yield f"{name} in {situation.state} ({situation.name}) is refused: {happened}"
                    continue
                fitting = [row for row in rows if row.fits(situation.state, happened)]
                if happened.to != situation.state and (name, situation.state, happened.to) not in MOVES:
                    yield f"{name} in {situation.state} ({situation.name}) led to {happened.to}; its row does not"
                met |= {(f"{name} moves to {happened.to}", situation.state)}
                met |= {(str(row), situation.state) for row in fitting}
                if not fitting and happened.events:
                    yield f"{name} in {situation.state} ({situation.name}) led to {happened}; the page: {rows}"
    yield from _unmet(asked, REFERRAL_BY_ITSELF, met)
    yield from _unmoved(asked, BY_ITSELF, met)


def _passes(name: str) -> Callable[[Situation], Iterator[Command]]:
    def fire(situation: Situation) -> Iterator[Command]:
        for one in situation.office.referral(ID).running:
            if one.name == name:
                for at in (max(one.due_at, situation.at), one.due_at - timedelta(seconds=1)):
                    yield PassDeadline(at=at, by=CLOCK, referral_id=ID, name=name, due_at=one.due_at)
        late = situation.at + LONG
        yield PassDeadline(at=late, by=CLOCK, referral_id=ID, name=name, due_at=late)

    return fire


def _consent_withdrawn(situation: Situation) -> Iterator[Command]:
    if situation.office.referral(ID).legal_basis_id is not None:
        yield WithdrawLegalBasis(at=situation.at, by=INES, legal_basis_id=f"LB-{ID}")


def _taken_back(situation: Situation) -> Iterator[Command]:
    yield CompleteReferral(at=situation.at, by=CLOCK, referral_id=ID, closed_at=situation.at)


BY_ITSELF: Final[Mapping[str, Callable[[Situation], Iterator[Command]]]] = {
    **{
        name: _passes(name)
        for name in ("DRAFT_LAPSE", "RECEIPT", "DECISION", "INFORMATION", "WAITLIST_REVIEW", "EXPIRY")
    },
    "LegalBasisWithdrawn": _consent_withdrawn,
    "HandbackAccepted": _taken_back,
}
"""By the name that begins the row."""
_DECLARED: Final[tuple[tuple[str, Move], ...]] = (
    *((row.name, move) for row in ACTIONS.values() for move in row.leads_to),
    *((move.cause, move) for other in OTHER_COMMANDS for move in other.leads_to),
    *((move.cause, move) for move in BY_OTHERS),
)
MOVES: Final = frozenset((name, since, move.to) for name, move in _DECLARED for since in move.since)
"""Where the rows lead: by which command or message, from which state, to which."""
