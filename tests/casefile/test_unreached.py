"""Who could not be told: an escalation of its own, with the side that sent what was not read."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from services.casefile.domain.escalation import (
    EscalationResolved,
    RaiseUnreached,
    ResolveEscalation,
    SettleUnreached,
)
from services.casefile.domain.open_escalations import EscalationRaised, open_escalations
from services.casefile.events import sentence
from tests.casefile.casebook import Casebook
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import on

BRUGWERK = RaiseUnreached(at=on(14, 1), by=CLOCK, organisation="brugwerk", since=on(13, 1), why="DELIVERY_FAILED")


def settled(at: datetime, organisation: str = "brugwerk") -> SettleUnreached:
    """The organisation was told after all."""
    return SettleUnreached(at=at, by=CLOCK, organisation=organisation)


def now(book: Casebook) -> datetime:
    """When the latest of it was recorded."""
    return book.history[-1].meta.recorded_at


def owners(book: Casebook) -> list[str]:
    """Who is asked to see to something."""
    return [step.owner.sub for step in book.case.steps if step.step == "ESCALATION"]


def test_the_lead_is_asked_before_the_organisation_has_answered(book: Casebook) -> None:
    """The referral was sent, and nobody has read it: with a term for the resolution, and no contact with a pair."""
    book.referred()
    (raised,) = book.act(BRUGWERK)
    assert isinstance(raised, EscalationRaised)
    assert (raised.reason, raised.awaited, raised.level) == ("NOT_TOLD", INES.org, "L1")
    assert owners(book) == [INES.sub]
    assert [due.name for due in raised.opens[0].deadlines] == ["ESCALATION_RESOLUTION:E1"]
    assert sentence(raised) == (
        f"brugwerk could not be told since {BRUGWERK.since:%Y-%m-%d %H:%M} UTC, DELIVERY_FAILED:"
        f" {INES.org} is asked to see to it."
    )


def test_the_coordinator_is_asked_where_the_agency_could_not_be_told(book: Casebook) -> None:
    """Whoever sent what was not read sees to it."""
    book.handback_requested()
    book.act(replace(BRUGWERK, organisation=INES.org, at=now(book), since=now(book)))
    assert owners(book) == [LOTTE.sub]


def test_it_is_asked_once_for_an_organisation_and_again_for_another(book: Casebook) -> None:
    """As long as it is open, and never twice for the same moment."""
    book.accepted()
    at = now(book)
    first = replace(BRUGWERK, at=at)
    assert len(book.act(first)) == 1
    assert book.act(replace(first, since=on(14, 1))) == []
    assert len(book.act(replace(first, organisation=INES.org))) == 1
    assert len(book.act(settled(at))) == 1
    assert book.act(first) == []
    assert len(book.act(replace(first, since=on(15, 1)))) == 1


def test_it_ends_when_that_organisation_was_told_and_no_other(book: Casebook) -> None:
    """By itself; said again, it changes nothing."""
    book.referred()
    book.act(BRUGWERK)
    assert book.act(settled(on(15, 1), INES.org)) == []
    (ended,) = book.act(settled(on(15, 1)))
    assert isinstance(ended, EscalationResolved)
    assert (ended.resolution, ended.escalation) == ("REACHED", "E1")
    assert open_escalations(book.case) == ()
    assert book.act(settled(on(16, 1))) == []


def test_the_lead_may_resolve_it_by_hand(book: Casebook) -> None:
    """They phoned, say; what is told later finds nothing to end."""
    book.accepted()
    book.act(replace(BRUGWERK, at=now(book)))
    book.act(ResolveEscalation(at=now(book), by=INES, escalation="E1", resolution="TALK"))
    assert owners(book) == []
    assert book.act(settled(now(book))) == []


def test_nobody_is_asked_in_a_case_that_is_closed(book: Casebook) -> None:
    """There is nothing left to tell anybody in time."""
    book.closed()
    assert book.act(replace(BRUGWERK, at=now(book))) == []
