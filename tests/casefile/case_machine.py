"""A machine that tells stories of a case: any command by anybody, and whatever the referral service and the clock tell.

A step of a story reads `state.record_task(by='volunteer', body={'task': 'MONEY'}, hours=1)`: who did what, how many
hours after the step before. Most steps are possible ones, so that stories go on; any other is a step `out_of_turn`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, Final

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from contracts.codes import CaseState
from contracts.message import CaseMessage
from services.casefile.actions import ACTIONS
from services.casefile.domain.open_escalations import EscalationJoined
from services.casefile.other_commands import OTHER_COMMANDS
from services.chassis.modelling.decider import Command, Refused
from tests.casefile.casebook import READY
from tests.casefile.changing_casebook import ChangingCasebook
from tests.casefile.machine_commands import PEOPLE, PROFESSIONAL, WAYS, WORTH_TRYING, resolved, said_before
from tests.casefile.machine_messages import (
    HANDED_BACK,
    NEWS,
    NO_OFFER,
    RECEIVED,
    SENT,
    message,
)
from tests.casefile.messages import submitted
from tests.casefile.stories import Body, command
from tests.support.dates import on
from tests.support.machines import Seen, step_of

Did = tuple[str, str, Body]
"""Who did what, and with which body."""
HOURS: Final = st.sampled_from((1, 20, 70, 300))
STARTS: Final = (
    *("REFERRED", "INTAKE", "MATCHING", "MATCH_PROPOSED", "MENTORING", "MENTORING", "MENTORING", "SUSPENDED"),
    *("SUSPENDED", "RESUMED", "HANDBACK_REQUESTED", "CLOSED"),
)
ENDINGS: Final = frozenset({"end-match", "complete-trajectory", "request-handback"})
STAY: Final = {CaseState.MATCH_PROPOSED: 3, CaseState.MENTORING: 8, CaseState.SUSPENDED: 2}
"""How many steps a story stays where most can happen, before it ends that, unless it does so out of turn."""
_TOGETHER: Final = ("record-task", "record-meeting", "record-pulse", "approve-task", "claim-task", "release-task")
TOGETHER: Final = tuple(
    (by, name, body) for name in _TOGETHER for body in WAYS[name].bodies for by in ("lotte", WAYS[name].by[1], "ines")
)
AGREED: Final = tuple(
    (by, name, body)
    for name in ("extend-agreement", "decide-extension", "propose-change", "decide-change", "withdraw-change")
    for body in WAYS[name].bodies
    for by in ("lotte", "ines")
    if (by == "ines") == name.startswith("decide")
)


def a_step(name: str) -> Callable[..., Any]:
    """The rule by which a command is given, where the case is in a state that allows it."""

    def step(self: CaseStories, by: str, body: Body, hours: int) -> None:
        self.later(hours)
        self.do(name, by, body)

    step.__name__ = step_of(name)
    step.__doc__ = ACTIONS[name].summary if name in ACTIONS else None
    ways = WAYS[name]
    given = rule(by=st.sampled_from(ways.by), body=st.sampled_from(ways.bodies), hours=HOURS)(step)
    worth, states = WORTH_TRYING.get(name, bool), ACTIONS[name].states if name in ACTIONS else frozenset()
    soon = name not in ENDINGS
    return precondition(
        lambda self: self.book.case.state in states and (soon or self.long_enough) and worth(self.book)
    )(given)


class CaseStories(RuleBasedStateMachine):
    """The case, the clock, and where the referral service has its offers; what must hold of them is said elsewhere."""

    seen: ClassVar[Seen] = Seen()

    def __init__(self) -> None:
        super().__init__()
        self.book = ChangingCasebook()
        self.now = on(12, 1)
        self.offers = 0
        self.standing = NO_OFFER
        self.reported_errors: set[str] = set()
        self.tale: list[str] = []
        self.steps_here = 0
        self.was_in: CaseState | None = None
        self.on_the_way: CaseMessage | None = None
        """A withdrawal that the referral service knows of, and casefile does not yet."""

    # --- the beginning, and what every step goes through --------------------------------------------------------------

    @initialize(start=st.sampled_from(STARTS), did=st.lists(st.sampled_from(TOGETHER + AGREED), max_size=8))
    def begin(self, start: str, did: list[Did]) -> None:
        """The story up to a point, with two mentors who are ready; and what a pair has done by then, if it is one."""
        self.book.describe_mentor()
        self.book.describe_mentor(replace(READY, kind="PROFESSIONAL"), PROFESSIONAL)
        self.refer(1)
        if start == "REFERRED":
            return
        for news in ("received", "accepted"):
            self.hear(news)
        paused = start in ("SUSPENDED", "RESUMED")
        while self.book.case.state != (CaseState.MENTORING if paused else start):
            self.next_on_the_way()
        if self.book.case.state == CaseState.MENTORING:
            self.one_after_the_other(did)
        if paused:
            # Single steps seldom come to all of it.
            self.do("suspend", "lotte", {"reason": "HOLIDAY"})
            self.later(300)
            self.do("review-suspension", "lotte", {})
        if start == "RESUMED":
            self.later(20)
            self.do("resume", "lotte", {})

    @property
    def long_enough(self) -> bool:
        """Whether enough has happened in the state that the case is in."""
        return self.steps_here >= STAY.get(self.book.case.state or CaseState.OPENED, 0)

    def later(self, hours: int = 0) -> None:
        """A step begins: time passes. What the step before led to is told now, since its own line stands by now."""
        self.so_far()
        self.now += timedelta(hours=hours)
        same = self.book.case.state == self.was_in
        self.steps_here, self.was_in = self.steps_here + 1 if same else 0, self.book.case.state

    def say(self, what: str) -> None:
        """Adds a line to what the step led to."""
        self.tale.append(f"{self.now:%d %b %Y %H:%M} {what}")

    def so_far(self) -> None:
        """Tells what the step before led to."""
        for line in self.tale:
            note(f"    {line}")
        self.tale.clear()

    def teardown(self) -> None:
        """Tells what the last step led to."""
        self.so_far()

    @property
    def referral(self) -> str:
        """The latest offer."""
        return f"R-{self.offers}"

    def one_after_the_other(self, did: list[Did]) -> None:
        """Somebody does something, and a few hours later the next."""
        for by, name, body in did:
            self.later(5)
            self.do(name, by, body)

    def do(self, name: str, by: str, body: Body) -> list[Any] | None:
        """Somebody gives a command; None if it is refused."""
        said = said_before(given := resolved(body, self.book, self.now), self.book)
        if PEOPLE[by].role not in ACTIONS[name].roles:
            # As the table of access does, before anything is decided.
            self.say("refused: ROLE_NOT_ALLOWED")
            return None
        try:
            made = command(name, given, PEOPLE[by], self.now, said, len(self.book.history) + 1)
        except Refused as refused:
            self.say(f"refused: {refused.code}")
            return None
        events = self.give(made)
        if events and name == "accept-handback":
            self.standing = HANDED_BACK
        return events

    def give(self, made: Command) -> list[Any] | None:
        """Gives a command; None if it is refused. A repeat of what was accepted changes nothing.

        Who raises an alarm again says so again: it joins what is open.
        """
        before = self.book.case
        try:
            events = self.book.act(made)
        except Refused as refused:
            self.say(f"refused: {refused.code}")
            return None
        names = ", ".join(type(event).__name__ for event in events) or "changes nothing"
        self.say(f"{names}; the case is {self.book.case.state}")
        written = len(self.book.history)
        try:
            again = self.book.act(made)
        except Refused:
            again = []
        joined = [event for event in again if isinstance(event, EscalationJoined)]
        assert again == joined, "the same command twice changes something twice"
        assert len(self.book.history) == written + len(joined)
        if events:
            self.seen.commands[type(made).__name__] += 1
        self.after(made, before, events)
        return events

    def after(self, made: Command, before: Any, events: list[Any]) -> None:
        """What has to be seen of a command that was accepted."""

    def tell(self, news: CaseMessage) -> None:
        """Casefile takes a message in, and a second time, which changes nothing."""
        before = self.book.case
        self.book.tell(news, at=self.now, event_id=f"told-{len(self.book.history)}-{type(news).__name__}")
        taken, case = self.book.latest, self.book.case
        assert taken is not None
        self.say(f"{type(news).__name__} is taken in; the case is {case.state}")
        assert self.book.act(taken) == [], "the same message twice changes something twice"
        self.seen.commands[type(taken).__name__] += 1
        self.after(taken, before, [])

    # --- the referral service -----------------------------------------------------------------------------------------

    def refer(self, hours: int) -> None:
        """A referral to brugwerk, on a basis of its own."""
        self.later(hours)
        self.offers += 1
        self.standing = SENT
        self.tell(submitted(self.now, referral=self.referral, legal_basis_id=f"LB-{self.referral}"))

    def hear(self, news: str) -> None:
        """A message about the latest offer, or about the next where that is offered to several."""
        self.later(1)
        if news == "offered to several":
            self.offers += 1
        if news == "reported as an error":
            self.reported_errors.add(self.referral)
        self.standing = NEWS[news].then or self.standing
        self.tell(message(news, self.now, self.referral))

    @precondition(lambda self: self.long_enough)
    @rule()
    def next_on_the_way(self) -> None:
        """The next step on the way that every case should go, to the handback and its end."""
        self.later(20)
        match self.book.case.state:
            case CaseState.OPENED | CaseState.REFERRED:
                self._find_an_organisation()
            case CaseState.INTAKE:
                self.do("conclude-intake", "lotte", WAYS["conclude-intake"].bodies[0])
            case CaseState.MATCHING:
                self.do("propose-match", "lotte", WAYS["propose-match"].bodies[0])
            case CaseState.MATCH_PROPOSED:
                for side in ("MENTOR", "MENTEE"):
                    self.do("confirm-match", "lotte", {"by": side, "onBehalfReason": "ON_PAPER"})
                self.do("sign-agreement", "lotte", WAYS["sign-agreement"].bodies[0])
            case CaseState.MENTORING:
                self.do("complete-trajectory", "lotte", {"reason": "EMPLOYMENT", "closureTalk": True})
            case CaseState.SUSPENDED:
                self.do("resume", "lotte", {})
            case CaseState.HANDBACK_DUE:
                self.hand_back()
            case CaseState.HANDBACK_REQUESTED:
                self.do("accept-handback", "ines", WAYS["accept-handback"].bodies[0])
                self.do("accept-handback", "ines", WAYS["accept-handback"].bodies[1])
            case _:
                pass

    def hand_back(self) -> None:
        """The report, with an outcome for each of the goals that are known."""
        for body in WAYS["request-handback"].bodies:
            self.do("request-handback", "lotte", body)

    def _find_an_organisation(self) -> None:
        if self.standing == NO_OFFER and self.on_the_way is None:
            self.refer(1)
        if self.standing == SENT:
            self.hear("received")
        if self.standing == RECEIVED:
            self.hear("accepted")


COMMANDS: Final = {
    *(row.command.__name__ for row in ACTIONS.values()),
    *(row.command.__name__ for row in OTHER_COMMANDS),
    "WriteCharter",
    "SignCharter",
    "DescribeMentor",
    "NameSubstitute",
    "ReleaseSubstitute",
}
"""All commands of the service."""
