"""The traceparent header is read strictly and passed on as the W3C recommendation says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.operating.traceparent import Traceparent, follow, parse, start

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def test_a_valid_header_is_read_and_written_back() -> None:
    """Trace, parent and the sampled flag survive."""
    assert parse(f"00-{TRACE}-{PARENT}-01") == Traceparent(TRACE, PARENT, sampled=True)
    assert str(Traceparent(TRACE, PARENT, sampled=False)) == f"00-{TRACE}-{PARENT}-00"


def test_flags_that_are_not_understood_are_dropped() -> None:
    """Only the sampled flag has a meaning here."""
    assert str(parse(f"00-{TRACE}-{PARENT}-ff")) == f"00-{TRACE}-{PARENT}-01"
    assert str(parse(f"00-{TRACE}-{PARENT}-02")) == f"00-{TRACE}-{PARENT}-00"


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    """Further fields may follow after another dash, and only there."""
    assert parse(f"cc-{TRACE}-{PARENT}-01-what-the-future") == Traceparent(TRACE, PARENT)
    assert parse(f"cc-{TRACE}-{PARENT}-01") == Traceparent(TRACE, PARENT)
    assert parse(f"cc-{TRACE}-{PARENT}-01.what") is None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01-",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-0g",
        f" 00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
        f"0x-{TRACE}-{PARENT}-01",
        "00-" + "\u0664" * 32 + f"-{PARENT}-01",
    ],
)
def test_an_invalid_header_starts_a_new_trace(header: str | None) -> None:
    """Whatever is wrong with it, nothing of it is passed on."""
    assert parse(header) is None
    assert follow(header).trace_id != TRACE


def test_following_a_header_stays_in_its_trace_at_a_new_place() -> None:
    """The child has the trace and the flag of its parent, and an id of its own."""
    child = follow(f"00-{TRACE}-{PARENT}-00")
    assert (child.trace_id, child.sampled) == (TRACE, False)
    assert child.parent_id != PARENT
    assert child.child().parent_id != child.parent_id


def test_a_new_trace_has_a_valid_header_of_its_own() -> None:
    """Two of them never share an id."""
    first, second = start(), start()
    assert parse(str(first)) == first
    assert first.trace_id != second.trace_id


@given(st.text() | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{30,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}"))
def test_any_header_gives_a_traceparent_that_can_be_sent_on(header: str) -> None:
    """Strangers' input never breaks the chain."""
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", str(follow(header)))
