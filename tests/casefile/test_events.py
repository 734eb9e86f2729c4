"""One row for each event: what it says of the event agrees with what the code makes of it."""

from __future__ import annotations

import string
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from contracts import casefile
from contracts.casefile.by_link import AnswerByLinkTaken
from contracts.letters import MentorsLetterPosted
from contracts.message import CaseMessage, published
from services.casefile.domain.by_link import AnswerByLinkNoted
from services.casefile.domain.case import CaseEvent
from services.casefile.domain.referral_entry import EntryName, ReferralEntryTaken
from services.casefile.domain.steps import Moves
from services.casefile.event_rows import EventRow
from services.casefile.events import CASE_EVENTS, EVENTS, Event, sentence
from services.casefile.publishing import publish
from services.chassis.log.metadata import Metadata, Recorded
from services.chassis.mail.postbox import LetterPosted
from tests.support.actors import LOTTE
from tests.support.dates import on
from tests.support.filled import fields_of, filled, plain

OF_CASES = list(CASE_EVENTS)


def recorded(event: Any, stream: str = "case-C-1") -> Recorded:
    """An event as it stands in its stream, which is that of its case."""
    meta = Metadata(event_id="e-1", actor=LOTTE, occurred_at=on(5, 1), recorded_at=on(6, 1), correlation_id="c-1")
    return Recorded(1, stream, 1, "topic", event, meta, b"stored")


def test_every_event_has_one_row() -> None:
    """One for each member of the union, those of a case in a row with sentence and message; no stored name twice."""
    assert len({row.event for row in EVENTS}) == len({row.stored for row in EVENTS}) == len(EVENTS)
    assert {row.event for row in EVENTS} == set(get_args(Event))
    assert {row.event for row in OF_CASES} == set(get_args(CaseEvent))
    assert all(row.stored.startswith("case.") for row in OF_CASES)


PRIVATE = {
    # The referral service has published these, or has them in the message of the submission.
    "ReferralEntryTaken",
    "ReferralNoteTaken",
    "EligibilityConfirmed",
    "ParticipationChosen",
    "LegalBasisRecorded",
    "CaseReferred",
    "OfferEntryTaken",
    "OfferTermTaken",
    "CaseOffered",
    "OffersEnded",
}
"""The events of a case that others do not get."""


@pytest.mark.parametrize("row", OF_CASES, ids=lambda row: row.stored)
def test_an_event_is_published_under_its_own_name(row: EventRow[Any]) -> None:
    """Or not at all: what nobody outside needs stays with the service."""
    event = publish(recorded(filled(row.event)))
    assert (event[1].NAME if event is not None else None) == (
        row.event.__name__ if row.event.__name__ not in PRIVATE else None
    )


def test_each_message_of_the_service_is_that_of_one_event() -> None:
    """None is described that nothing publishes, and none is published that is not described."""
    made = [type(event[1]) for row in OF_CASES if (event := publish(recorded(filled(row.event)))) is not None]
    told = [*(kind.TYPE for kind in made), AnswerByLinkTaken.TYPE, MentorsLetterPosted.TYPE]
    assert sorted(told) == list(published(casefile))


def test_what_is_told_of_links_and_letters_is_told_of_their_case() -> None:
    """What they say is that of their event; the addressee of a letter is a match of the case."""
    noted = AnswerByLinkNoted(link="L-1", case="C-1", action="record-pulse", refusal="CASE_CLOSED")
    taken = AnswerByLinkTaken(link="L-1", case="C-1", act="record-pulse", refusal="CASE_CLOSED")
    assert publish(recorded(noted, "answer-by-link-L-1")) == ("C-1", taken)
    posted = LetterPosted(
        letter="L-1", number=2, addressee="C-1/M-1", result="SENT", language="fr", secret="a" * 64, at=on(6, 1)
    )
    told = MentorsLetterPosted(
        letter="L-1", number=2, case="C-1", result="SENT", language="fr", secret="a" * 64, at=on(6, 1)
    )
    assert publish(recorded(posted, "letter-L-1.2")) == ("C-1", told)


@pytest.mark.parametrize("row", [row for row in OF_CASES if row.message is not None], ids=lambda row: row.stored)
def test_a_message_says_what_its_event_says(row: EventRow[Any]) -> None:
    """Every field of the message is that of the event, and no other's: none is left out or mixed up on the way."""
    event = filled(row.event)
    found = publish(recorded(event))
    assert found is not None
    message: Any = found[1]
    for name in fields_of(type(message)).keys() - fields_of(CaseMessage).keys() - {"deadlines"}:
        assert plain(getattr(message, name)) == plain(getattr(event, name)), name
    if "deadlines" in fields_of(type(message)):
        begun = (
            [deadline for step in (*event.opens, *event.renews) for deadline in step.deadlines]
            if isinstance(event, Moves)
            else event.deadlines
        )
        assert plain(message.deadlines) == plain(begun)


def test_a_message_says_who_acted_when_and_of_which_case() -> None:
    """And has the digest of the stored bytes."""
    event = recorded(filled(next(row.event for row in OF_CASES if row.message is not None)))
    found = publish(event)
    assert found is not None
    case, message = found
    assert isinstance(message, CaseMessage)
    assert (case, message.case, message.digest) == ("C-1", "C-1", event.digest)
    assert (message.actor.sub, message.actor.role, message.actor.org) == (LOTTE.sub, LOTTE.role, LOTTE.org)
    assert (message.occurred_at, message.recorded_at) == (on(5, 1), on(6, 1))


@pytest.mark.parametrize("row", OF_CASES, ids=lambda row: row.stored)
def test_every_event_of_a_case_has_a_sentence(row: EventRow[Any]) -> None:
    """With what its fields hold in the places that the row names, and nothing left to fill in."""
    event = filled(row.event)
    if isinstance(event, ReferralEntryTaken):
        return
    said = sentence(event)
    assert said.endswith(".")
    assert not {"{", "}"} & set(said)
    named = string.Formatter().parse(row.sentence) if isinstance(row.sentence, str) else ()
    for _, name, _, _ in named:
        if name is not None and "." not in name:
            value = getattr(event, name)
            assert (value[-1] if isinstance(value, tuple) else str(value)) in said


ENTRY: ReferralEntryTaken = filled(ReferralEntryTaken)


@pytest.mark.parametrize("name", get_args(EntryName))
def test_every_entry_of_a_referral_has_a_sentence(name: EntryName) -> None:
    """By the name of what happened in the referral service."""
    entry = replace(ENTRY, name=name)
    assert sentence(entry).partition(" Expected by ")[0].endswith(".")
