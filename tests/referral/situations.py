"""Every situation that a referral can be in as far as rules tell them apart, lived through from its beginning.

Each is there twice: as it is, and with an error reported that nobody has confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, cast

from msgspec.structs import replace

from contracts.codes import ReferralState
from services.chassis.modelling.decider import Actor
from services.chassis.vault.vault import Deposit, Vault
from services.referral.actions import ACTIONS
from services.referral.domain.context import ReferralCommand
from services.referral.domain.drafting import CreateDraft, EditDraft
from services.referral.domain.submission import SubmitReferral
from services.referral.stamping import Stamp
from tests.referral.office import SAMIRA, Office
from tests.support.actors import INES, LOTTE, TOM
from tests.support.dates import day, january

Body = Mapping[str, Any]

REFERRAL: Final = "R-1"
QUESTION: Final = {"codes": ["AVAILABILITY"]}
ANSWER: Final = {"answers": [{"code": "AVAILABILITY", "answer": "Mondays"}]}
WAIT: Final = {"reason": "NO_SUITABLE_MENTOR", "expectedBy": "2026-03-01", "clientAgreed": True}


_SET_ASIDE: Final = Deposit(cast("Vault", None), "referral")
"""Commands are decided here and never stored, so what they refer to is never kept."""


def command(action: str, body: Body, by: Actor, at: datetime) -> ReferralCommand:
    """What the service makes of a request."""
    stamp: Any = {"at": at, "by": by, "referral_id": REFERRAL}
    match action:
        case "create" if body["draft"]:
            return CreateDraft(**stamp, packet=SAMIRA, new_case_id="C-1")
        case "create":
            return SubmitReferral(**stamp, packet=SAMIRA, legal_basis_id="LB-R-1", new_case_id="C-1")
        case "edit":
            return EditDraft(**stamp, packet=replace(SAMIRA, goals=tuple(body["goals"])))
        case _:
            row = ACTIONS[action]
            made: ReferralCommand = row.command_of(
                row.request.model_validate(body), Stamp(at=at, by=by, deposit=_SET_ASIDE, referral_id=REFERRAL)
            )
            return made


@dataclass(frozen=True, slots=True)
class Situation:
    """What has been recorded so far, and when the next thing happens."""

    name: str
    office: Office
    at: datetime

    @property
    def state(self) -> ReferralState | None:
        """Where the referral stands."""
        return self.office.referral(REFERRAL).state


class Story:
    """An office with a clock: each act an hour after the one before, unless it has a day of its own."""

    def __init__(self) -> None:
        self.office = Office()
        self.now = january(12)

    def act(self, by: Actor, action: str, body: Body | None = None, at: datetime | None = None) -> Story:
        """A request that is accepted."""
        self.now = at or self.now + timedelta(hours=1)
        assert self.office.handle(command(action, body or {}, by, self.now)), action
        return self

    def passes(self, deadline: str, at: datetime) -> Story:
        """The scheduler says that a term has passed."""
        self.now = at
        assert self.office.handle(self.office.passed(deadline, at))
        return self

    def consent_withdrawn(self) -> Story:
        """The person says stop."""
        self.now += timedelta(hours=1)
        assert self.office.withdraw_basis(at=self.now)
        return self

    def completed(self) -> Story:
        """Casefile tells that the handback was accepted."""
        self.now = day(2026, 7, 6)
        assert self.office.complete(at=self.now)
        return self


def drafted() -> Story:
    """DRAFT."""
    return Story().act(INES, "create", {"draft": True})


def submitted() -> Story:
    """SUBMITTED."""
    return Story().act(INES, "create", {"draft": False})


def received() -> Story:
    """RECEIVED."""
    return submitted().act(LOTTE, "receive", at=january(13))


def asked() -> Story:
    """INFO_REQUESTED."""
    return received().act(LOTTE, "request-information", QUESTION, january(14))


def asked_as_often_as_possible() -> Story:
    """RECEIVED: a third question is not possible."""
    once = asked().act(INES, "provide-information", ANSWER, january(16))
    return once.act(LOTTE, "request-information", QUESTION).act(INES, "provide-information", ANSWER)


def waiting() -> Story:
    """WAITLISTED."""
    return received().act(LOTTE, "waitlist", WAIT, january(16))


def asked_while_waiting() -> Story:
    """INFO_REQUESTED: nobody has to decide."""
    return waiting().act(LOTTE, "request-information", QUESTION)


def decision_missed() -> Story:
    """RECEIVED: the term to decide has passed."""
    return received().passes("DECISION", day(2026, 1, 28))


def accepted() -> Story:
    """ACCEPTED."""
    return received().act(LOTTE, "accept", {"coordinator": LOTTE.sub}, january(16))


def declined() -> Story:
    """DECLINED."""
    return received().act(LOTTE, "decline", {"reason": "NO_SHOW"}, january(16))


def withdrawn() -> Story:
    """WITHDRAWN by the agency."""
    return received().act(INES, "withdraw", {"reason": "CLIENT_MOVED"}, january(16))


def stopped() -> Story:
    """WITHDRAWN by the person."""
    return received().consent_withdrawn()


def lapsed() -> Story:
    """WITHDRAWN: it was left lying as a draft."""
    return drafted().passes("DRAFT_LAPSE", day(2026, 2, 20))


def expired() -> Story:
    """EXPIRED."""
    return submitted().passes("EXPIRY", day(2026, 2, 20))


def completed() -> Story:
    """COMPLETED with a handback."""
    return accepted().completed()


def stopped_after_acceptance() -> Story:
    """COMPLETED without one."""
    return accepted().consent_withdrawn()


def in_error() -> Story:
    """ENTERED_IN_ERROR."""
    reported = received().act(INES, "mark-error", {"justification": "another person was meant"})
    return reported.act(TOM, "confirm-error")


STORIES: Final[tuple[Callable[[], Story], ...]] = (
    Story,
    drafted,
    submitted,
    received,
    asked,
    asked_as_often_as_possible,
    waiting,
    asked_while_waiting,
    decision_missed,
    accepted,
    declined,
    withdrawn,
    stopped,
    lapsed,
    expired,
    completed,
    stopped_after_acceptance,
    in_error,
)


@cache
def situations() -> tuple[Situation, ...]:
    """All of them, each an hour after the last thing that happened. They are looked at, and never changed."""
    found = []
    for make in STORIES:
        story = make()
        found.append(Situation(make.__name__, story.office, story.now + timedelta(hours=1)))
        if found[-1].state not in (None, ReferralState.ENTERED_IN_ERROR):
            told = make().act(INES, "mark-error", {"justification": "another person was meant"})
            found.append(Situation(f"{make.__name__}, error reported", told.office, told.now + timedelta(hours=1)))
    return tuple(found)


ACTS: Final[Mapping[str, tuple[Body, ...]]] = {
    "create": ({"draft": True}, {"draft": False}),
    "edit": ({"goals": ["SOCIAL"]},),
    "submit": ({},),
    "receive": ({},),
    "request-information": ({"codes": ["OCCUPATION"]},),
    "provide-information": (ANSWER,),
    "waitlist": ({**WAIT, "reason": "CAPACITY_FULL"},),
    "accept": ({"coordinator": "an.peeters"},),
    "decline": ({"reason": "CAPACITY_FULL"}, {"reason": "OTHER", "text": "a long story"}),
    "withdraw": ({"reason": "CLIENT_IN_TRAINING"}, {"reason": "OTHER", "text": "a long story"}),
    "mark-error": ({"justification": "it was a test"},),
    "confirm-error": ({},),
}
"""Each command of the page with the bodies that its rows tell apart, none a repeat of what a story holds already."""
