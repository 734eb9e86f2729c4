"""Cursors: what they are bound to, what they keep to themselves, and what their refusals say."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import Role
from services.chassis.access.identity import Caller
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.cursors import LONGEST, Cursors, Pages, Place
from services.chassis.log.epochs import Epoch, Epochs, another

ANN = Caller("ann", "north", Role.AGENCY_COUNSELLOR)
KEY = bytes(range(64))
FIRST, SECOND = Epoch("first", 0), Epoch("second", 100)


def cursors(*epochs: Epoch, key: bytes = KEY, through: int = 10**18, head: int | None = None) -> Cursors:
    """The cursors of a log with these epochs, whose index reaches `through` and which itself reaches `head`."""

    async def asked() -> int:
        return through if head is None else head

    async def indexed() -> int:
        return through

    return Cursors(Epochs(key, epochs or (FIRST,)), indexed, asked)


def pages(
    service: Cursors,
    sent: str | None = None,
    *,
    caller: Caller = ANN,
    name: str = "/v1/things",
    earlier: bool = False,
    **filters: Any,
) -> Pages:
    """The pages of a list."""
    return service.of(caller, name, filters.items(), sent, outlives_versions=earlier)


async def refusal(asked: Pages) -> ProblemError:
    """Why a cursor is not taken: 422, with a pointer, and with what to do."""
    with pytest.raises(ProblemError) as refused:
        await asked.number()
    error = refused.value
    assert (error.status, [fault.pointer for fault in error.errors or ()]) == (422, ["/query/cursor"])
    assert "leave `cursor` out" in error.detail
    return error


@given(st.integers(0, 10**18 - 1) | st.tuples(st.text(max_size=40), st.text(max_size=80)))
async def test_a_list_goes_on_where_its_cursor_says(place: Place) -> None:
    """Behind numbers, and behind what is due; read by another process with the same key."""
    made = pages(cursors(), kind="A").next(place)
    asked = pages(cursors(), made, kind="A")
    assert (await asked.number() if isinstance(place, int) else await asked.due()) == place


async def test_without_a_cursor_a_list_begins() -> None:
    """At 0, or before all that is due."""
    assert (await pages(cursors()).number(), await pages(cursors()).due()) == (0, None)
    assert pages(cursors()).next(None) is None


def test_the_same_place_has_the_same_cursor() -> None:
    """Who asks twice reads the same page twice, from whatever replica."""
    assert pages(cursors()).next(5) == pages(cursors()).next(5)
    assert pages(cursors()).next(5) != pages(cursors()).next(6)


def test_a_cursor_says_nothing_of_its_place() -> None:
    """Neither the number nor how large it is; and it needs no escaping in a URL."""
    made = [str(pages(cursors()).next(10**17 + n)) for n in range(50)]
    for number, token in enumerate(made, 10**17):
        inside = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        assert str(number).encode() not in inside
        assert number.to_bytes(8, "big").lstrip(b"\0") not in inside
        assert number.to_bytes(8, "little").rstrip(b"\0") not in inside
        assert b"things" not in inside
        assert token.replace("-", "").replace("_", "").isalnum()
    # Neighbours have no beginning in common, as they would if only a part were sealed.
    assert len({token[:8] for token in made}) == len(made)


def test_the_longest_place_fits() -> None:
    """A worklist's: a time, a case and what there is to do."""
    made = pages(cursors(), name=f"/v1/cases/{'x' * 80}/timeline").next(("9999-12-31T23:59:59.999999Z", "k" * 200))
    assert len(str(made)) <= LONGEST


async def test_a_cursor_of_another_list_is_refused() -> None:
    """Its place is none there."""
    made = pages(cursors()).next(5)
    assert (await refusal(pages(cursors(), made, name="/v1/others"))).code == "CURSOR_OF_ANOTHER_LIST"


@pytest.mark.parametrize("filters", [{}, {"kind": "B"}, {"kind": "A", "late": "true"}, {"late": "A"}])
async def test_a_cursor_of_other_filters_is_refused(filters: dict[str, Any]) -> None:
    """One less, another value, one more, another name."""
    made = pages(cursors(), kind="A").next(5)
    error = await refusal(pages(cursors(), made, **filters))
    assert error.code == "CURSOR_OF_OTHER_FILTERS"
    assert "same filters" in error.detail


async def test_the_order_of_filters_is_no_matter() -> None:
    """They are the same ones."""
    made = pages(cursors(), kind="A", late="true").next(5)
    assert await pages(cursors(), made, late="true", kind="A").number() == 5


@pytest.mark.parametrize("change", [{"sub": "bob"}, {"org": "south"}, {"role": Role.AGENCY_TEAM_LEAD}])
async def test_a_cursor_of_another_caller_is_refused(change: dict[str, Any]) -> None:
    """Whatever differs. It is said before anything else, so that nobody learns what another's cursor is of."""
    made = pages(cursors()).next(5)
    other = replace(ANN, **change)
    for name in ("/v1/things", "/v1/others"):
        assert (await refusal(pages(cursors(), made, caller=other, name=name))).code == "CURSOR_OF_ANOTHER_CALLER"


async def test_what_was_changed_in_one_bit_is_refused() -> None:
    """Wherever it is; as is what another service sealed, or a log that was begun again from nothing."""
    made = str(pages(cursors()).next(5))
    inside = base64.urlsafe_b64decode(made + "=" * (-len(made) % 4))
    for bit in range(len(inside) * 8):
        changed = bytearray(inside)
        changed[bit // 8] ^= 1 << bit % 8
        token = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        assert (await refusal(pages(cursors(), token))).code == "CURSOR_UNREADABLE"
    assert (await refusal(pages(cursors(key=bytes(64)), made))).code == "CURSOR_UNREADABLE"


@pytest.mark.parametrize("sent", ["", "x", "🎯", "AAAA", "A" * 5000, "YzE6MQ", "YzE6MQ==", "dzF8MjAyNnxr"])
async def test_what_nobody_sealed_is_refused(sent: str) -> None:
    """Also what versions made that sealed nothing: a log of today never gave that out."""
    assert (await refusal(pages(cursors(), sent, earlier=True))).code == "CURSOR_UNREADABLE"


async def test_a_cursor_beyond_the_log_says_so() -> None:
    """An empty page for ever would look like silence. The head counts where the index lags behind."""
    made = pages(cursors()).next(50)
    assert (await refusal(pages(cursors(through=49), made))).code == "CURSOR_BEYOND_LOG"
    assert await pages(cursors(through=50), made).number() == 50
    assert await pages(cursors(through=3, head=50), made).number() == 50


async def test_of_an_earlier_epoch_a_cursor_holds_as_far_as_the_log_was_restored() -> None:
    """However long the log is by then: behind that the same positions are other events."""
    old, restored = cursors(FIRST), cursors(FIRST, SECOND)
    for place, holds in ((99, True), (100, True), (101, False), (10**6, False)):
        asked = pages(restored, pages(old).next(place))
        if holds:
            assert await asked.number() == place
        else:
            error = await refusal(asked)
            assert error.code == "CURSOR_BEYOND_LOG"
            assert "restored from a backup" in error.detail
    assert await pages(restored, pages(restored).next(10**6)).number() == 10**6


def test_what_a_backup_holds_has_the_same_cursors_before_and_after_it_was_restored() -> None:
    """Anyone who reads the same page finds the same answer; behind it they differ."""
    old, restored = cursors(FIRST), cursors(FIRST, SECOND)
    for place in (0, 1, 99, 100, ("2026-01-05", "key")):
        assert pages(restored).next(place) == pages(old).next(place)
    assert pages(restored).next(101) != pages(old).next(101)


async def test_a_cursor_of_an_epoch_that_was_undone_is_refused() -> None:
    """The log was restored twice from one backup: what was between is not its past."""
    between, now = cursors(FIRST, Epoch("between", 100)), cursors(FIRST, SECOND)
    assert (await refusal(pages(now, pages(between).next(101)))).code == "CURSOR_BEYOND_LOG"
    assert await pages(now, pages(between).next(100)).number() == 100


async def test_a_place_in_a_stream_is_as_old_as_its_event() -> None:
    """Version 3 of a stream may be a late event: what counts is where it stands in the log."""
    old, restored = cursors(FIRST), cursors(FIRST, SECOND)
    assert await pages(restored, pages(old).next(3, recorded=100)).number() == 3
    assert (await refusal(pages(restored, pages(old).next(3, recorded=101)))).code == "CURSOR_BEYOND_LOG"


async def test_of_a_log_that_is_older_than_seals_earlier_cursors_go_on_where_callers_keep_them() -> None:
    """A feed's do; anyone who is in the middle of a list begins again."""
    upgraded = cursors(Epoch("first", 40))
    for place in (7, 40, 45):
        assert await pages(upgraded, earlier(f"c1:{place}"), earlier=True).number() == place
    assert (await refusal(pages(upgraded, earlier("c1:7")))).code == "CURSOR_OUTDATED"
    assert (await refusal(pages(upgraded, earlier("w1|2026-01-05|key")))).code == "CURSOR_OUTDATED"
    restored = cursors(Epoch("first", 40), SECOND)
    assert await pages(restored, earlier("c1:100"), earlier=True).number() == 100
    assert (await refusal(pages(restored, earlier("c1:101"), earlier=True))).code == "CURSOR_BEYOND_LOG"
    for nonsense in ("c1:-1", "c1:", "c1:1 ", f"c1:{10**18}", "c2:1"):
        assert (await refusal(pages(upgraded, earlier(nonsense), earlier=True))).code == "CURSOR_UNREADABLE"


def earlier(text: str) -> str:
    """A cursor as it was before they were sealed."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_keys_are_drawn_by_chance_and_kept_from_epoch_to_epoch() -> None:
    """A restored log still reads what it gave out."""
    first, other = another([], 0), another([], 0)
    assert first[2] != other[2]
    assert len(first[2]) == 64
    following = another([first], 12)
    assert (following[1], following[2], following[0] != first[0]) == (12, first[2], True)
    assert first[2].hex() not in repr(Epochs.of([first, following]))
