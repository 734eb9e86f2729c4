"""A valid national number is found however it is commonly written, and little else is taken for one."""

from __future__ import annotations

import time
import timeit
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.national_number import find


def check_digits(nine: str, *, from_2000: bool) -> str:
    """The rule as the National Register publishes it: 97 minus the remainder, a 2 in front for births from 2000."""
    return f"{97 - int(('2' if from_2000 else '') + nine) % 97:02d}"


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Valid numbers of residents and BIS numbers, births from 1900 to 2025."""
    from_2000 = draw(st.booleans())
    year = draw(st.integers(0, 25 if from_2000 else 99))
    month = draw(st.integers(1, 12)) + draw(st.sampled_from([0, 20, 40]))
    nine = f"{year:02d}{month:02d}{draw(st.integers(1, 28)):02d}{draw(st.integers(1, 998)):03d}"
    return nine + check_digits(nine, from_2000=from_2000)


@st.composite
def written(draw: st.DrawFn) -> str:
    """A valid number as people write it."""
    number = draw(numbers())
    gap = st.sampled_from(["", "", " ", ".", "-", "/", " - ", "\u00a0", "\u2011", "\u2013", "\u200b", "\n", "_"])
    groups = number[:2], number[2:4], number[4:6], number[6:9], number[9:]
    return groups[0] + "".join(draw(gap) + group for group in groups[1:])


def digits_of(script: int) -> dict[int, int]:
    """A translation of ASCII digits to those of the script whose zero is at the code point given."""
    return {ord("0") + value: script + value for value in range(10)}


@given(
    written(), st.text(st.characters(categories=["L", "P", "Z"], exclude_characters="+"), max_size=20), st.text("abc .")
)
def test_a_valid_number_is_found_in_any_text(number: str, before: str, after: str) -> None:
    """Births before and from 2000, BIS numbers, all separators, with or without a space around it."""
    assert find(before + number + after)


@given(numbers(), st.sampled_from([0x0660, 0x06F0, 0x0966, 0xFF10]))
def test_digits_of_other_scripts_are_digits(number: str, script: int) -> None:
    """Arabic-Indic, Persian, Devanagari and full-width digits name the same person."""
    assert find(number.translate(digits_of(script)))


@given(numbers(), st.integers(1, 96))
def test_a_number_whose_check_digits_are_wrong_is_none(number: str, off: int) -> None:
    """Unless the other century's rule makes them right."""
    nine, check = number[:9], int(number[9:])
    wrong = f"{(check + off - 1) % 97 + 1:02d}"
    if wrong not in (check_digits(nine, from_2000=False), check_digits(nine, from_2000=True)):
        assert not find(nine + wrong)


@given(numbers(), st.text("0123456789", min_size=1, max_size=5), st.booleans())
def test_eleven_digits_of_a_longer_number_are_none(number: str, more: str, before: bool) -> None:  # noqa: FBT001
    """An account or order number is not searched through for a person."""
    assert not find(more + number if before else number + more)


@pytest.mark.parametrize(
    "text",
    [
        "85.07.30-033.28",
        "85073003328",
        "850730 033 28",
        "85 07 30 / 033 28",
        "17 07 30 033 84",
        "98.47.28-997.65",
        "NISS85073003328",
        "CL-85073003328",
        "2026 85 07 30 033 28",
        f"85.00.00-001.{check_digits('850000001', from_2000=False)}",
    ],
)
def test_known_notations_are_found(text: str) -> None:
    """Published examples, numbers glued to words, after other digits, and with an unknown date of birth."""
    assert find(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2411",
        "2026-01-12T09:10:00Z",
        "12345678901",
        "00000000000",
        "85.13.30-033.28",
        "85,07,30,033,28",
        "BE68 5390 0754 7034",
        "+32473001017",
    ],
)
def test_what_is_no_national_number_passes(text: str) -> None:
    """Codes, times, telephone numbers in international form, account numbers."""
    assert not find(text)


def test_a_telephone_number_with_matching_check_digits_is_still_a_telephone_number() -> None:
    """The plus sign in front tells: the same digits without it are refused."""
    nine = "324703001"
    number = nine + check_digits(nine, from_2000=False)
    assert find(number)
    assert not find("+" + number)


@given(numbers(), st.uuids(version=4))
def test_the_digits_of_a_uuid_are_nobodys_number(number: str, drawn: uuid.UUID) -> None:
    """A reference drawn at random is not refused because eleven of its digits happen to fit."""
    assert not find(f"{str(drawn)[:24]}a{number}")


@given(st.text())
def test_any_text_can_be_searched(text: str) -> None:
    """Lone surrogates, null bytes and all: without eleven digits there is nothing to find."""
    if sum(character.isdecimal() for character in text) < 11:
        assert not find(text)


def test_a_text_without_digits_is_searched_at_twenty_nanoseconds_a_character() -> None:
    """Every text of every payload is searched, so the usual case must cost next to nothing."""
    text = "available on Monday mornings and Thursday afternoons, " * 20
    best = min(timeit.repeat(lambda: find(text), timer=time.process_time, number=50, repeat=7)) / 50
    assert best / len(text) < 20e-9
