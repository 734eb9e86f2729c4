"""Stored names are stable, old bytes stay readable, and what cannot be read is said aloud."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import pytest

from services.chassis.log.event_types import EventTypes, UnknownEvent, UnknownTopic, Upcast
from services.chassis.log.metadata import Metadata
from tests.chassis.counters import REFERENCES, TYPES, Counted, metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A part of an event."""

    name: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """An event with everything that events are made of."""

    to: str
    on: date
    terms: tuple[Term, ...]
    answers: dict[str, bool]
    reason: str | None


def renamed(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 said `organisation`."""
    return {"to": data["organisation"], **{name: value for name, value in data.items() if name != "organisation"}}


def with_terms(data: dict[str, Any]) -> dict[str, Any]:
    """Version 2 had a single term."""
    return {**data, "terms": [{"name": "ANSWER", "due_at": data["due_at"]}]}


OFFERED = Offered(
    to="brugwerk",
    on=date(2026, 2, 28),
    terms=(Term(name="ANSWER", due_at=datetime(2026, 3, 1, 22, 59, 59, 5, tzinfo=UTC)),),
    answers={"RIGHT_TO_WORK": True, "ÜBER": False},
    reason=None,
)
VERSIONS = EventTypes(
    {"offer.made.v3": Offered},
    {"offer.made.v1": Upcast("offer.made.v2", renamed), "offer.made.v2": Upcast("offer.made.v3", with_terms)},
    REFERENCES,
)


def test_an_event_comes_back_as_it_went() -> None:
    """Nested parts, dates, times to the microsecond, null and every letter; with its metadata."""
    topic, state = VERSIONS.encode(OFFERED, metadata(legal_basis_id="lb-1"))
    assert topic == "offer.made.v3"
    assert VERSIONS.decode(topic, state) == (OFFERED, metadata(legal_basis_id="lb-1"))


def test_the_stored_bytes_are_plain_json_of_a_fixed_form() -> None:
    """What lies in the log can be read without this program, and does not change with the libraries' versions."""
    _, state = TYPES.encode(Counted(by=3), metadata("e-1"))
    assert state == (
        b'{"meta":{"event_id":"e-1","actor":{"sub":"ann","role":"COUNTER","org":"north","on_behalf_of":null},'
        b'"occurred_at":"2026-03-02T09:30:00Z","recorded_at":"2026-03-02T09:30:00Z","correlation_id":"c-1",'
        b'"causation_id":null,"legal_basis_id":null,"charter_version":null,"programme_version":null,'
        b'"idempotency_key":null,"fingerprint":null,"traceparent":null,"causation_sequence":null},"data":{"by":3,"note":null}}'
    )


def test_old_bytes_read_as_the_present_event_through_a_chain() -> None:
    """Two versions back: renamed first, then given its terms."""
    meta = TYPES.encode(Counted(by=1), metadata())[1].split(b',"data"')[0]
    data = (
        b',"data":{"organisation":"brugwerk","on":"2026-02-28","due_at":"2026-03-01T22:59:59.000005Z",'
        b'"answers":{"RIGHT_TO_WORK":true,"\xc3\x9cBER":false},"reason":null}}'
    )
    assert VERSIONS.decode("offer.made.v1", meta + data) == (OFFERED, metadata())
    newer = data.replace(b'"organisation"', b'"to"')
    assert VERSIONS.decode("offer.made.v2", meta + newer) == (OFFERED, metadata())


def test_metadata_of_older_events_may_lack_what_came_later() -> None:
    """Optional references that were not recorded then are None now."""
    state = (
        b'{"meta":{"event_id":"e-1","actor":{"sub":"ann","role":"COUNTER","org":"north"},"correlation_id":"c-1",'
        b'"occurred_at":"2026-03-02T09:30:00Z","recorded_at":"2026-03-02T09:30:00Z"},"data":{"by":3}}'
    )
    assert TYPES.decode("counter.counted.v1", state) == (Counted(by=3), metadata())


def test_an_unknown_topic_is_said_aloud() -> None:
    """A newer version of the service wrote it; skipping it would lose history."""
    _, state = TYPES.encode(Counted(by=3), metadata())
    with pytest.raises(UnknownTopic, match=r"counter\.counted\.v9"):
        TYPES.decode("counter.counted.v9", state)


def test_an_event_without_a_topic_cannot_be_stored() -> None:
    """The name is never derived from the class."""
    with pytest.raises(UnknownEvent, match="Offered"):
        TYPES.encode(OFFERED, metadata())


def test_upcasts_that_go_round_in_a_circle_are_refused() -> None:
    """At the start, not when the first old event is read."""
    with pytest.raises(ValueError, match="circle"):
        EventTypes({"a.v3": Offered}, {"a.v1": Upcast("a.v2", renamed), "a.v2": Upcast("a.v1", renamed)})
    with pytest.raises(ValueError, match="circle"):
        EventTypes({"a.v3": Offered}, {"a.v1": Upcast("a.v1", renamed)})


def test_upcasts_that_lead_nowhere_are_refused() -> None:
    """The end of every chain is a topic that has a class."""
    with pytest.raises(ValueError, match=r"a\.v2, which is not a topic"):
        EventTypes({"a.v3": Offered}, {"a.v1": Upcast("a.v2", renamed)})


def test_a_topic_that_is_written_is_not_upcast() -> None:
    """Else today's events would be read as if they were old ones."""
    with pytest.raises(ValueError, match="still has a class"):
        EventTypes({"a.v1": Counted, "a.v2": Offered}, {"a.v1": Upcast("a.v2", renamed)})


def test_a_class_has_one_topic() -> None:
    """Else it would not be clear under which name it is stored."""
    with pytest.raises(ValueError, match="two topics"):
        EventTypes({"a.v1": Offered, "a.v2": Offered})


class Row(NamedTuple):
    """A service's row of an event."""

    event: type
    stored: str


def test_rows_name_the_events_of_a_service() -> None:
    """Each row is a class and its stored name; two rows cannot share one."""
    types = EventTypes([Row(Counted, "counter.counted.v1"), Row(Offered, "offer.made.v3")])
    assert types.topics == ["counter.counted.v1", "offer.made.v3"]
    assert types.topic_of(OFFERED) == "offer.made.v3"
    with pytest.raises(ValueError, match=r"two events are stored as a\.v1"):
        EventTypes([Row(Counted, "a.v1"), Row(Offered, "a.v1")])


def test_a_service_names_what_its_metadata_refer_to() -> None:
    """The references are stored behind the causation, in the order in which they are named, and read by their names."""
    types = EventTypes({"counter.counted.v1": Counted}, references=("licence", "edition"))
    known: dict[str, Any] = {name: getattr(metadata(), name) for name in Metadata.__struct_fields__}
    known |= {"licence": "L-7", "edition": None}
    meta = types.metadata(**known)
    _, state = types.encode(Counted(by=1), meta)
    assert b'"causation_id":null,"licence":"L-7","edition":null,"idempotency_key":null,' in state
    read = types.decode("counter.counted.v1", state)[1]
    assert (read, read.references) == (meta, {"licence": "L-7", "edition": None})


def test_metadata_of_another_service_are_stored_as_this_ones() -> None:
    """References that this service does not know are left out, and those that are missing are null."""
    types = EventTypes({"counter.counted.v1": Counted}, references=("edition",))
    _, state = types.encode(Counted(by=1), metadata(legal_basis_id="lb-1"))
    assert b'"causation_id":null,"edition":null,"idempotency_key":null,' in state
    assert b"lb-1" not in state


def test_all_readable_topics_are_listed() -> None:
    """Old ones too: each of them needs a sample that keeps being read."""
    assert VERSIONS.topics == ["offer.made.v1", "offer.made.v2", "offer.made.v3"]
