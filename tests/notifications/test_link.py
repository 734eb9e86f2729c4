"""A link acts once, within 72 hours, for one person, with the code of the latest letter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from services.chassis.modelling.decider import Actor, Refused
from services.notifications.domain.link import (
    LINK,
    ActByLink,
    IssueLink,
    Link,
    LinkCommand,
    RecordAnswer,
    RequestCode,
    decide,
    mistaken,
)
from services.notifications.domain.link_events import CodeMistaken, CodeSent, LinkAnswered, LinkIssued, LinkUsed

NOW: Final = datetime(2026, 11, 28, 14, tzinfo=UTC)
BY: Final = Actor(sub="lotte.claes", role="NGO_COORDINATOR", org="brugwerk")


def after(**span: float) -> datetime:
    """The machine's time so long after the link was sent."""
    return NOW + timedelta(**span)


def issue(*acts: str) -> IssueLink:
    """Makes the link."""
    return IssueLink(
        at=NOW,
        by=BY,
        link="L1",
        token_hash="t" * 64,
        subscription="S1",
        organisation="brugwerk",
        sub=BY.sub,
        role=BY.role,
        case="C1",
        event="E1",
        referral="R1",
        acts=acts or ("receive", "accept", "decline"),
        now=NOW,
    )


def ask(now: datetime = NOW, code: str = "c" * 64) -> RequestCode:
    """Asks for a code."""
    return RequestCode(at=NOW, by=BY, code_hash=code, now=now)


def act(now: datetime = NOW, code: str = "c" * 64, action: str | None = "receive", **more: Any) -> ActByLink:
    """Acts."""
    return ActByLink(at=NOW, by=BY, code_hash=code, act=action, now=now, **more)


def given(*commands: LinkCommand) -> Link:
    """The link once all of these were done."""
    link = Link()
    for command in commands:
        for event in decide(command, link):
            link = LINK.evolve(link, event)
    return link


def refusal(command: LinkCommand, link: Link) -> str:
    """The code by which a command is refused."""
    with pytest.raises(Refused) as refused:
        decide(command, link)
    return refused.value.code


def test_a_link_is_made_once() -> None:
    """However often its letter is sent: the same one, with the same end."""
    link = given(issue())
    assert isinstance(link.issued, LinkIssued)
    assert link.issued.expires_at == after(hours=72)
    assert decide(issue(), link) == []


@pytest.mark.parametrize(("hours", "code"), [(71.99, None), (72, "LINK_EXPIRED"), (100, "LINK_EXPIRED")])
def test_a_link_ends_after_72_hours(hours: float, code: str | None) -> None:
    """By the machine's clock; neither a code nor an act goes with it any more."""
    link = given(issue(), ask(after(hours=71.9)))
    late = after(hours=hours)
    if code is None:
        assert isinstance(decide(act(late), link)[0], LinkUsed)
    else:
        assert [refusal(ask(late), link), refusal(act(late), link)] == [code, code]


def test_a_link_works_once() -> None:
    """Whatever is tried with it afterwards, with the right code too."""
    link = given(issue(), ask(), act())
    assert [refusal(act(), link), refusal(ask(after(minutes=2)), link)] == ["LINK_USED", "LINK_USED"]


@pytest.mark.parametrize(("minutes", "code"), [(9.99, None), (10, "CODE_EXPIRED")])
def test_a_code_ends_after_ten_minutes(minutes: float, code: str | None) -> None:
    """A later one works again."""
    link = given(issue(), ask())
    late = after(minutes=minutes)
    if code is None:
        assert isinstance(decide(act(late), link)[0], LinkUsed)
    else:
        assert refusal(act(late), link) == code
        assert isinstance(decide(act(late), given(issue(), ask(), ask(late)))[0], LinkUsed)


def test_five_tries_spend_a_code() -> None:
    """The right one is not taken either then; each wrong one stands in the record."""
    link = given(issue(), ask(), *[act(code="x" * 64)] * 4)
    assert isinstance(decide(act(), link)[0], LinkUsed)
    link = given(issue(), ask(), *[act(code="x" * 64)] * 5)
    assert refusal(act(), link) == "CODE_SPENT"
    assert "2 more" in mistaken(3).detail
    assert "another code" in mistaken(5).detail


def test_a_code_of_before_is_void_once_another_was_sent() -> None:
    """The code of the latest letter counts, and its tries begin again."""
    link = given(issue(), ask(), *[act(code="x" * 64)] * 5, ask(after(minutes=1), code="d" * 64))
    assert isinstance(decide(act(after(minutes=1)), link)[0], CodeMistaken)
    assert isinstance(decide(act(after(minutes=1), code="d" * 64), link)[0], LinkUsed)


def test_codes_are_sent_one_a_minute_and_five_in_all() -> None:
    """With five tries each there are 25 guesses at a hundred million."""
    sent: list[LinkCommand] = [issue()]
    for number in range(5):
        sent.append(ask(after(minutes=number)))
        assert isinstance(decide(sent[-1], given(*sent[:-1]))[0], CodeSent)
    assert refusal(ask(after(minutes=3, seconds=59)), given(*sent[:-1])) == "CODE_JUST_SENT"
    assert refusal(ask(after(hours=1)), given(*sent)) == "TOO_MANY_CODES"


def test_nothing_is_done_without_a_code() -> None:
    """Neither before one was sent, nor for what the link is not good for."""
    assert refusal(act(), given(issue())) == "CODE_MISSING"
    link = given(issue("accept", "decline"), ask())
    assert refusal(act(action="receive"), link) == "ACT_NOT_OFFERED"
    assert refusal(act(action=None), link) == "ACT_NOT_OFFERED"
    assert refusal(act(action="decline"), link) == "REASON_WITH_DECLINE"
    assert refusal(act(action="accept", reason="OTHER"), link) == "REASON_WITH_DECLINE"


def test_who_does_not_know_the_code_learns_nothing_else() -> None:
    """A wrong code is told so, whatever else would be wrong."""
    link = given(issue("accept"), ask())
    assert isinstance(decide(act(code="x" * 64, action="nothing"), link)[0], CodeMistaken)


def test_what_a_link_is_good_for_alone_need_not_be_said() -> None:
    """It has one act."""
    (used,) = decide(act(action=None), given(issue("receive"), ask()))
    assert isinstance(used, LinkUsed)
    assert used.action == "receive"


def test_what_became_of_it_is_noted_once() -> None:
    """And of nothing that was not done."""
    answer = RecordAnswer(at=NOW, by=BY, refusal="CAPACITY_FULL", now=NOW)
    assert decide(answer, given(issue(), ask())) == []
    link = given(issue(), ask(), act(), answer)
    assert isinstance(link.answered, LinkAnswered)
    assert link.answered.refusal == "CAPACITY_FULL"
    assert decide(answer, link) == []


def test_a_token_is_known_by_its_hash_alone() -> None:
    """Another one is not, nor is any for a link that there is not."""
    assert given(issue()).is_of("t" * 64)
    assert not given(issue()).is_of("u" * 64)
    assert not Link().is_of("0" * 64)
