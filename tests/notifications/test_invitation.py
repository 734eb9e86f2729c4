"""A link that another service posts: it works once that one has said by which hashes token and code are known."""

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
    RecordLetter,
    RequestCode,
    decide,
)
from services.notifications.domain.link_events import (
    Answer,
    CodeMistaken,
    CodeOut,
    CodeWanted,
    Invitation,
    LetterOut,
    LinkIssued,
    LinkUsed,
)

NOW: Final = datetime(2026, 11, 28, 14, tzinfo=UTC)
BY: Final = Actor(sub="notifications", role="SYSTEM", org="caserelay")
TOKEN: Final = "t" * 64
CODE: Final = "c" * 64


def after(**span: float) -> datetime:
    """The machine's time so long after the question was put."""
    return NOW + timedelta(**span)


def issue(*acts: str) -> IssueLink:
    """Asks the mentee."""
    return IssueLink(
        at=NOW,
        by=BY,
        link="L1",
        token_hash="",
        subscription="",
        organisation="brugwerk",
        sub="",
        role="",
        case="C1",
        event="E1",
        referral="",
        acts=acts or ("confirm-match", "reject-match"),
        now=NOW,
        invitation=Invitation(side="MENTEE", match="M1", asker="Brugwerk", url="https://caserelay.example.org"),
    )


def posted(number: int = 0, secret: str | None = TOKEN, result: str = "SENT") -> RecordLetter:
    """A letter was posted."""
    return RecordLetter(at=NOW, by=BY, number=number, result=result, language="nl", secret=secret, now=NOW)


def ask(now: datetime = NOW) -> RequestCode:
    """Asks for a code."""
    return RequestCode(at=NOW, by=BY, code_hash="", now=now)


def act(action: str | None = "confirm-match", code: str = CODE, now: datetime = NOW, **more: Any) -> ActByLink:
    """Answers."""
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


def test_nobody_knows_its_token_before_the_letter_is_posted() -> None:
    """Not even an empty one; then the hash that was told counts, once."""
    (issued,) = decide(issue(), Link())
    assert isinstance(issued, LinkIssued)
    assert not given(issue()).is_of("")
    assert not given(issue()).is_of(TOKEN)
    link = given(issue(), posted())
    assert (link.is_of(TOKEN), link.is_of("u" * 64)) == (True, False)
    assert decide(posted(secret="u" * 64), link) == []


def test_a_letter_that_was_not_sent_opens_nothing() -> None:
    """There is no token, and the record says why."""
    link = given(issue(), posted(secret=None, result="NO_ADDRESS"))
    assert isinstance(link.out, LetterOut)
    assert link.out.result == "NO_ADDRESS"
    assert not link.is_of("")
    assert not link.is_of("0" * 64)


def test_a_code_is_wanted_of_who_posts_it() -> None:
    """One a minute and five in all, each with its number; it works for ten minutes from then."""
    sent: list[LinkCommand] = [issue(), posted()]
    for number in range(1, 6):
        sent.append(ask(after(minutes=number)))
        (wanted,) = decide(sent[-1], given(*sent[:-1]))
        assert isinstance(wanted, CodeWanted)
        assert (wanted.number, wanted.expires_at) == (number, after(minutes=number + 10))
    assert refusal(ask(after(minutes=4.5)), given(*sent[:-1])) == "CODE_JUST_SENT"
    assert refusal(ask(after(hours=1)), given(*sent)) == "TOO_MANY_CODES"


def test_before_its_hash_is_known_no_code_is_right() -> None:
    """Nor does an attempt count: there is nothing to guess yet."""
    link = given(issue(), posted(), ask())
    assert refusal(act(code=""), link) == "CODE_MISSING"
    known = given(issue(), posted(), ask(), posted(1, CODE))
    (used,) = decide(act(), known)
    assert isinstance(used, LinkUsed)
    assert used.answer == Answer(side="MENTEE", match="M1")


def test_the_hash_of_an_earlier_code_is_not_that_of_the_latest() -> None:
    """Its word came late: another code was asked for meanwhile."""
    link = given(issue(), posted(), ask(), ask(after(minutes=1)))
    assert decide(posted(1, CODE), link) == []
    (out,) = decide(posted(2, CODE), link)
    assert isinstance(out, CodeOut)
    assert decide(posted(2, "d" * 64), given(issue(), posted(), ask(), ask(after(minutes=1)), posted(2, CODE))) == []


def test_five_tries_spend_a_code() -> None:
    """As of every link."""
    begun = (issue(), posted(), ask(), posted(1, CODE))
    assert isinstance(decide(act(code="x" * 64), given(*begun))[0], CodeMistaken)
    assert refusal(act(), given(*begun, *[act(code="x" * 64)] * 5)) == "CODE_SPENT"


def test_a_link_ends_after_72_hours_and_works_once() -> None:
    """By the machine's clock."""
    begun = (issue(), posted(), ask(after(hours=71.9)), posted(1, CODE))
    assert isinstance(decide(act(now=after(hours=71.95)), given(*begun))[0], LinkUsed)
    assert refusal(act(now=after(hours=72)), given(*begun)) == "LINK_EXPIRED"
    assert refusal(act(now=after(hours=71.96)), given(*begun, act(now=after(hours=71.95)))) == "LINK_USED"


def test_a_pulse_has_its_number_and_a_no_its_reason() -> None:
    """And nothing else has either."""
    begun = (posted(), ask(), posted(1, CODE))
    pulse = given(issue("record-pulse"), *begun)
    assert refusal(act(None), pulse) == "SCORE_WITH_PULSE"
    (used,) = decide(act(None, score=2, reasons=("PRESSURE",)), pulse)
    assert isinstance(used, LinkUsed)
    assert used.answer == Answer(side="MENTEE", match="M1", score=2, reasons=("PRESSURE",))
    match = given(issue(), *begun)
    assert refusal(act("confirm-match", score=3), match) == "SCORE_WITH_PULSE"
    assert refusal(act("confirm-match", reasons=("PRESSURE",)), match) == "SCORE_WITH_PULSE"
    assert refusal(act("reject-match"), match) == "REASON_WITH_DECLINE"
    assert refusal(act("confirm-match", reason="OTHER"), match) == "REASON_WITH_DECLINE"
    assert refusal(act("record-pulse", score=3), match) == "ACT_NOT_OFFERED"
