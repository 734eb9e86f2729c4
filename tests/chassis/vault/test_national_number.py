"""A valid national number is found however it is commonly written, and little else is taken for one."""

from __future__ import annotations

import random
import sys
import time
import timeit
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban

from services.chassis.vault.national_number import KNOWN, find, may_be_in


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


NUMBERS = {"BE": numbers()}
"""Valid numbers of every country that is looked for."""

UNSEEN = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200c\u200d\u2060\ufeff\u00ad"
"""Direction marks (Unicode's UAX 9), joiners, and what else has no width."""


def formats() -> list[str]:
    """All format characters that there are."""
    everything = (chr(code) for code in range(sys.maxunicode + 1))
    return [one for one in everything if unicodedata.category(one) == "Cf"]


def digits_apart(draw: Callable[[st.SearchStrategy[Any]], Any], number: str, between: st.SearchStrategy[str]) -> str:
    """The number in groups of any length, with something between each two of them."""
    cuts = sorted(draw(st.sets(st.integers(1, len(number) - 1))))
    groups = [number[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(number)], strict=True)]
    return groups[0] + "".join(draw(between) + group for group in groups[1:])


def separates(text: str) -> bool:
    """No letter, no digit, as a third is one in compatibility form; and no sign that a telephone number begins."""
    plain = unicodedata.normalize("NFKC", text)
    return not any(one.isalnum() for one in plain) and (plain == "+" or not plain.endswith("+"))


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


@pytest.mark.parametrize("country", sorted(KNOWN))
@given(data=st.data())
def test_whatever_stands_between_its_digits_a_valid_number_is_found(country: str, data: st.DataObject) -> None:
    """Of every country that is looked for: any separator that is no letter and no digit, any character unseen."""
    separators = st.text(st.characters(categories=["P", "S", "Z"]), max_size=3).filter(separates)
    unseen = st.lists(st.sampled_from(UNSEEN), max_size=4).map("".join)
    between = st.builds(lambda one, two, three: one + two + three, unseen, separators, unseen)
    number = data.draw(NUMBERS[country])
    text = digits_apart(data.draw, number, between)
    assert find(text)
    assert may_be_in(text)


def test_no_format_character_hides_a_number() -> None:
    """All that Unicode has, before, between and behind the digits."""
    missed = [f"U+{ord(one):04X}" for one in formats() if not find(one.join(f" {one}85073003328 "))]
    assert not missed


def test_every_country_has_its_valid_numbers() -> None:
    """A country that is added to the detector comes into these tests."""
    assert set(NUMBERS) == set(KNOWN)


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
        "85,07,30,033,28",
        "(85)07(30)033(28)",
        "[85], [07], [30], [033], [28]",
        "\u200f85\u200e.07\u202a.30\u2066-033\u2069\u202c.\u061c28",
        "8\ufe0f\u20e35\ufe0f\u20e3073003328",
        "\u2078\u2075073003328",
        "85+07+30+033+28",
        "85\u02bc07\u02bc30\u02bc033\u02bc28",
        "85\u30fc07\u30fc30\u30fc033\u30fc28",
        "85\u064007\u064030\u0640033\u064028",
        "85.07.30-033.28\u00b9",
        "\u246085073003328",
        "32 85+07+30+033+28",
        "call +32 470 00 11 22 about 85073003328",
        "+32 85.07.30-033.28",
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


def ordinary_texts() -> list[str]:
    """What people write and systems send: invented, in the languages of the programmes, numbers of all kinds in it."""
    return (Path(__file__).parents[1] / "ordinary_texts.txt").read_text(encoding="utf-8").splitlines()


def test_ordinary_texts_are_accepted() -> None:
    """Dates, times, telephone numbers, accounts, addresses, references and amounts are nobody's national number."""
    texts = ordinary_texts()
    assert len(texts) > 100
    assert [text for text in texts if find(text)] == []


def telephone_numbers(chance: random.Random) -> Iterator[str]:
    """A number of each kind and region as the library's examples have it, the last digits drawn, in all notations."""
    notations = [getattr(phonenumbers.PhoneNumberFormat, name) for name in ("E164", "INTERNATIONAL", "NATIONAL")]
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
            if (example := phonenumbers.example_number_for_type(region, kind)) is None:
                continue
            number = example.national_number or 0
            example.national_number = number - number % 100 + chance.randrange(100)
            yield from (f"call {phonenumbers.format_number(example, one)}, please" for one in notations)


def accounts(chance: random.Random) -> Iterator[str]:
    """Valid IBANs of countries whose account numbers have no check digits of their own, in groups of four and not."""
    for country, length in {"DE": 22, "AT": 20, "DK": 18, "IE": 22, "GB": 22, "LU": 20}.items():
        for _ in range(100):
            bank = {"IE": "AIBK", "GB": "NWBK"}.get(country, "")
            number = bank + "".join(str(chance.randrange(10)) for _ in range(length - 4 - len(bank)))
            letters = "".join(str(int(one, 36)) for one in number + country + "00")
            account = f"{country}{98 - int(letters) % 97:02d}{number}"
            yield account
            yield "IBAN " + " ".join(account[at : at + 4] for at in range(0, length, 4)) + " is mine"


def moments(chance: random.Random) -> Iterator[str]:
    """Days, times and periods in the notations of several countries."""
    for _ in range(500):
        year, month, day = chance.randrange(1950, 2030), chance.randrange(1, 13), chance.randrange(1, 29)
        hour, minute, second = chance.randrange(24), chance.randrange(60), chance.randrange(60)
        yield f"{year}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}.{chance.randrange(1000):03d}Z"
        yield f"{year}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}:{second:02d}.{chance.randrange(1000):03d}"
        yield f"on {day}/{month}/{year} at {hour}:{minute:02d}"
        yield f"{day:02d}.{month:02d}.{year}, {hour:02d}.{minute:02d} - {(hour + 1) % 24:02d}.{minute:02d}"
        yield f"{day:02d}-{month:02d}-{year} / {day:02d}-{month:02d}-{year + 1}"


def ids(chance: random.Random) -> Iterator[str]:
    """References that systems make: random, counted, dated."""
    for _ in range(500):
        yield str(uuid.UUID(int=chance.getrandbits(128), version=4))
        yield f"CL-{chance.randrange(10**6):06d}"
        yield f"order {chance.randrange(10**10):010d}"
        yield f"{chance.randrange(2000, 2030)}/{chance.randrange(10**5):05d}/{chance.randrange(100):02d}"
        yield f"+++{chance.randrange(1000):03d}/{chance.randrange(10**4):04d}/{chance.randrange(10**5):05d}+++"
        yield f"{chance.getrandbits(96):024x}"


def test_how_often_something_else_is_taken_for_a_national_number_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    """The rate of false alarms, printed by kind: below one in a hundred of each, and none among times and accounts."""
    chance = random.Random(1)
    kinds: dict[str, Callable[[random.Random], Iterator[str]]] = {
        "telephone numbers": telephone_numbers,
        "accounts": accounts,
        "moments": moments,
        "ids": ids,
    }
    rates = {}
    for name, drawn in kinds.items():
        texts = list(drawn(chance))
        wrong = sum(map(find, texts))
        rates[name] = wrong / len(texts)
        with capsys.disabled():
            sys.stdout.write(f"\nfalse alarms: {wrong} of {len(texts)} {name}, {rates[name]:.2%}")
    assert max(rates.values()) < 0.01
    assert rates["accounts"] == rates["moments"] == 0
    assert all(iban.is_valid(one) for one in accounts(chance) if not one.startswith("IBAN"))


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
