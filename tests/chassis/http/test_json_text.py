"""JSON that means one thing: every name once, UTF-8 alone, and numbers whatever their spelling."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.json_text import read_json
from tests.chassis.asking import NATIONAL_NUMBER


def refusal(written: bytes) -> ProblemError:
    """What is said of a text that is refused."""
    with pytest.raises(ProblemError) as raised:
        read_json(written)
    assert raised.value.status == 400
    return raised.value


@pytest.mark.parametrize(
    ("written", "pointers"),
    [
        ('{"a": 1, "a": 1}', ["/a"]),
        ('{"a": 1, "\\u0061": 2}', ["/a"]),
        ('{"a": {"b": 1, "b": 2}, "c": [0, {"d": 1, "e": {}, "d": 1, "e": 2}]}', ["/a/b", "/c/1/d", "/c/1/e"]),
        ('{"a": {"x": 1, "x": 1}, "a": 2}', ["/a"]),
        ('{"a": 1, "a": {"x": 1, "x": 1}}', ["/a", "/a/x"]),
        ("[[{}, {" + '"":1,"":1' + "}]]", ["/0/1/(unnamed)"]),
        (f'{{"{NATIONAL_NUMBER}": 1, "{NATIONAL_NUMBER}": 1}}', ["/(unnamed)"]),
    ],
)
def test_a_name_that_stands_twice_is_refused_with_its_place(written: str, pointers: list[str]) -> None:
    """At every depth, however it is escaped; what may be a datum is not repeated."""
    told = refusal(written.encode())
    assert (told.code, [fault.pointer for fault in told.errors]) == ("DUPLICATE_NAME", pointers)
    assert NATIONAL_NUMBER not in told.detail


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "cp1252"])
def test_no_other_encoding_is_guessed(encoding: str) -> None:
    """What Python's own reader would find out for itself is refused."""
    assert refusal('{"naam": "é"}'.encode(encoding)).code == "UNREADABLE_JSON"


@pytest.mark.parametrize(
    "written",
    [b"NaN", b'{"a": Infinity}', b"[-Infinity]", b"01", b"1.", b".5", b"+1", b"'a'", b"{a: 1}", b"[1,]", b"", b"1 2"],
)
def test_what_the_standard_does_not_have_is_refused(written: bytes) -> None:
    """RFC 8259, and none of what programs have added to it."""
    assert refusal(written).code == "UNREADABLE_JSON"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("12.0", 12),
        ("1.2e1", 12),
        ("120e-1", 12),
        ("-0.0", 0),
        ("1e22", 10**22),
        ("9007199254740993.0", 9007199254740993),
        ("12", 12),
    ],
)
def test_a_number_without_a_fraction_is_an_integer(written: str, number: int) -> None:
    """However it is written (JSON Schema, 6.1.1), and to the last digit."""
    for value in (read_json(written.encode()), read_json(f'{{"a": [{written}]}}'.encode())["a"][0]):
        assert (value, type(value)) == (number, int)


@pytest.mark.parametrize(
    "written",
    [
        "12.5",
        "1e-1",
        "1e400",
        "1.00000000000000000001",
        "9007199254740992.5",
        f"1e-{9 * '9'}",
        f"1e-{20 * '9'}",
        f"0e{20 * '9'}",
    ],
)
def test_a_number_with_a_fraction_or_without_bounds_is_none(written: str) -> None:
    """Also where a float is too coarse to hold the fraction."""
    assert type(read_json(written.encode())) is float


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-(2.0**53), 2.0**53) | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=20,
)


@given(value=_VALUES, escaped=st.booleans())
def test_everything_else_is_read_as_python_reads_it(value: Any, escaped: bool) -> None:  # noqa: FBT001 - drawn
    """Any sound text means to us what it means to everybody."""
    text = json.dumps(value, ensure_ascii=escaped)
    try:
        written = text.encode()
    except UnicodeEncodeError:
        return
    assert read_json(written) == json.loads(text)
