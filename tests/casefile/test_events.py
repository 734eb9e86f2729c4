"""One row for each event: what it says of the event agrees with what the code makes of it."""

from __future__ import annotations

import string
from typing import Any, get_args

import pytest

from contracts.message import CaseMessage
from services.casefile.domain.case import CaseEvent
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.steps import Moves
from services.casefile.events import EVENTS, EventRow
from services.casefile.publishing import publish
from services.casefile.reactions import REACTIONS
from services.casefile.sentences import sentence
from services.chassis.log.metadata import Metadata, Recorded
from tests.support.actors import LOTTE
from tests.support.dates import on
from tests.support.filled import fields_of, filled, plain

OF_CASES = [row for row in EVENTS if row.stored.startswith("case.")]


def recorded(event: Any) -> Recorded:
    """An event as it stands in the stream of its case."""
    meta = Metadata(event_id="e-1", actor=LOTTE, occurred_at=on(5, 1), recorded_at=on(6, 1), correlation_id="c-1")
    return Recorded(1, "case-C-1", 1, "topic", event, meta, b"stored")


def test_every_event_of_a_case_has_one_row() -> None:
    """One for each member of the union that the fold takes, and no stored name twice."""
    assert len({row.event for row in EVENTS}) == len({row.stored for row in EVENTS}) == len(EVENTS)
    assert {row.event for row in OF_CASES} == set(get_args(CaseEvent))


@pytest.mark.parametrize("row", OF_CASES, ids=lambda row: row.stored)
def test_an_event_is_published_as_the_message_of_its_row(row: EventRow) -> None:
    """Also as none: what nobody outside needs stays with the service."""
    published = publish(recorded(filled(row.event)))
    assert (type(published[1]) if published is not None else None) is row.message


@pytest.mark.parametrize("row", [row for row in OF_CASES if row.message is not None], ids=lambda row: row.stored)
def test_a_message_says_what_its_event_says(row: EventRow) -> None:
    """Every field of the message is that of the event, and no other's: none is left out or mixed up on the way."""
    assert row.message is not None
    event = filled(row.event)
    published = publish(recorded(event))
    assert published is not None
    for name in fields_of(row.message).keys() - fields_of(CaseMessage).keys() - {"deadlines"}:
        assert plain(getattr(published[1], name)) == plain(getattr(event, name)), name
    if "deadlines" in fields_of(row.message):
        begun = (
            [deadline for step in (*event.opens, *event.renews) for deadline in step.deadlines]
            if isinstance(event, Moves)
            else event.deadlines
        )
        assert plain(published[1].deadlines) == plain(begun)  # type: ignore[attr-defined]


def test_a_message_says_who_acted_when_and_of_which_case() -> None:
    """And has the digest of the stored bytes."""
    event = recorded(filled(next(row.event for row in OF_CASES if row.message is not None)))
    published = publish(event)
    assert published is not None
    case, message = published
    assert (case, message.case, message.digest) == ("C-1", "C-1", event.digest)
    assert (message.actor.sub, message.actor.role, message.actor.org) == (LOTTE.sub, LOTTE.role, LOTTE.org)
    assert (message.occurred_at, message.recorded_at) == (on(5, 1), on(6, 1))


@pytest.mark.parametrize("row", OF_CASES, ids=lambda row: row.stored)
def test_every_event_of_a_case_has_a_sentence(row: EventRow) -> None:
    """With what its fields hold in the places that the row names, and nothing left to fill in."""
    event = filled(row.event)
    if isinstance(event, ReferralEntryTaken):
        return
    said = sentence(event)
    assert said.endswith(".")
    assert not {"{", "}"} & set(said)
    for _, name, _, _ in string.Formatter().parse(row.sentence or ""):
        if name is not None and "." not in name:
            value = getattr(event, name)
            assert (value[-1] if isinstance(value, tuple) else str(value)) in said


ENTRY: ReferralEntryTaken = filled(ReferralEntryTaken)


@pytest.mark.parametrize("name", [kind.NAME for kind in REACTIONS if issubclass(kind, CaseMessage)])
def test_every_entry_of_a_referral_has_a_sentence(name: str) -> None:
    """By the name of the message that the referral service published."""
    given: dict[str, Any] = {**{field: getattr(ENTRY, field) for field in fields_of(ReferralEntryTaken)}, "name": name}
    entry = ReferralEntryTaken(**given)
    assert sentence(entry).partition(" Expected by ")[0].endswith(".")
