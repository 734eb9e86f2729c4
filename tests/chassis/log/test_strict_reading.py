"""How strictly stored bytes are read: members have the types they were written with, and unknown ones are passed by.

The answers were recorded by running the reading of before (pydantic's, in its lax mode) over the same bodies.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from services.chassis.log.event_types import EventTypes
from services.chassis.modelling.decider import Event
from tests.chassis.counters import metadata


class Everything(Event, frozen=True, kw_only=True):
    """An event with a member of every type that events have."""

    s: str
    i: int = 1
    f: float = 1.0
    b: bool = False
    at: datetime | None = None
    day: date | None = None
    names: tuple[str, ...] = ()
    terms: dict[str, int] | None = None
    free: Any = None


TYPES = EventTypes({"everything.v1": Everything})
_META = TYPES.encode(Everything(s="x"), metadata())[1].split(b',"data":')[0]

READ: dict[str, Everything] = {
    '{"s":"x"}': Everything(s="x"),
    '{"s":"x","new":{"a":1}}': Everything(s="x"),
    '{"s":"x","f":3}': Everything(s="x", f=3.0),
    '{"s":"x","at":"2026-03-02T09:30:00Z"}': Everything(s="x", at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
    '{"s":"x","at":"2026-03-02T09:30:00.123456Z"}': Everything(
        s="x", at=datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
    ),
    '{"s":"x","at":"2026-03-02T09:30:00+02:00"}': Everything(
        s="x", at=datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    ),
    '{"s":"x","day":"2026-03-02"}': Everything(s="x", day=date(2026, 3, 2)),
    '{"s":"x","names":["a"]}': Everything(s="x", names=("a",)),
    '{"s":"x","terms":{"a":1}}': Everything(s="x", terms={"a": 1}),
    '{"s":"x","free":{"a":[1,2.5,null,"2026-03-02"]}}': Everything(s="x", free={"a": [1, 2.5, None, "2026-03-02"]}),
    '{"s":"x","i":1,"i":2}': Everything(s="x", i=2),
}
REFUSED = [
    "{}",
    '{"s":null}',
    '{"s":1}',
    '{"s":"x","i":3.5}',
    '{"s":"x","i":null}',
    '{"s":"x","b":null}',
    '{"s":"x","at":"yesterday"}',
    '{"s":"x","day":"2026-02-30"}',
    '{"s":"x","names":"a"}',
    '{"s":"x","names":[1]}',
    '{"s":"x","names":null}',
    '{"s":"x","terms":[]}',
    "[]",
    "null",
    '{"s":"x"',
    '{"s":"\\ud800"}',
]
NO_LONGER_GUESSED = [
    '{"s":"x","i":"3"}',
    '{"s":"x","i":3.0}',
    '{"s":"x","i":true}',
    '{"s":"x","f":"3"}',
    '{"s":"x","b":1}',
    '{"s":"x","b":"true"}',
    '{"s":"x","at":1767225600}',
    '{"s":"x","at":"2026-03-02"}',
    '{"s":"x","day":1767225600}',
    '{"s":"x","day":"2026-03-02T00:00:00"}',
    '{"s":"x","terms":{"a":"1"}}',
]
"""Bodies that the reading of before took for what they might mean. No version ever stored one: a member is written as
the type that it has."""


def read(body: str) -> Everything:
    """The event that a stored body holds."""
    event: Everything = TYPES.decode("everything.v1", b'%b,"data":%b}' % (_META, body.encode()))[0]
    return event


@pytest.mark.parametrize("body", READ)
def test_what_was_read_before_is_read_as_the_same(body: str) -> None:
    """Members may be missing where they have a default, and unknown ones are passed by."""
    assert read(body) == READ[body]


@pytest.mark.parametrize("body", REFUSED)
def test_what_was_no_such_event_before_is_none_now(body: str) -> None:
    """Nothing is made up for a member that is missing, null, or of another type."""
    with pytest.raises(msgspec.DecodeError):
        read(body)


@pytest.mark.parametrize("body", NO_LONGER_GUESSED)
def test_a_member_of_another_type_is_not_guessed_at(body: str) -> None:
    """A number in quotes is no number: no writer of this event wrote it."""
    with pytest.raises(msgspec.DecodeError):
        read(body)


@pytest.mark.parametrize("event", READ.values())
def test_nothing_is_written_that_is_not_read_again(event: Everything) -> None:
    """So no body that is refused can come from this code."""
    assert TYPES.decode(*TYPES.encode(event, metadata()))[0] == event


def test_an_actor_who_passes_on_a_word_is_stored_with_the_reason_and_nobody_else() -> None:
    """Those who act in their own name have the bytes that they always had."""
    meta = metadata()
    own = TYPES.encode(Everything(s="x"), meta)[1]
    passing = TYPES.encode(Everything(s="x"), metadata(actor=meta.actor.passing_on("client-1", "BY_PHONE")))[1]
    assert b'"org":"north","on_behalf_of":null},' in own
    assert b'"org":"north","on_behalf_of":"client-1","on_behalf_reason":"BY_PHONE"},' in passing
    actor = TYPES.decode("everything.v1", passing)[1].actor
    assert (actor.on_behalf_of, actor.on_behalf_reason) == ("client-1", "BY_PHONE")
    assert (actor.in_own_name(), TYPES.decode("everything.v1", own)[1].actor.on_behalf_reason) == (meta.actor, None)
