"""One rule for identifiers, and one form in which the pseudonyms of persons are compared."""

from __future__ import annotations

import sys
import unicodedata
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.identifiers import is_identifier, is_one_person, one_person
from tests.support.identifiers import IDENTIFIERS, NO_IDENTIFIERS

IGNORABLE: Final = [
    *range(0x115F, 0x1161),
    0x034F,
    0x061C,
    *range(0x17B4, 0x17B6),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0x3164,
    *range(0xFE00, 0xFE10),
    0xFEFF,
    0xFFA0,
    *range(0xFFF0, 0xFFF9),
    *range(0x1BCA0, 0x1BCA4),
    *range(0x1D173, 0x1D17B),
    *range(0xE0000, 0xE1000),
    0x00AD,
]
"""Default_Ignorable_Code_Point, as DerivedCoreProperties.txt of Unicode 15 lists it."""


@pytest.mark.parametrize("text", IDENTIFIERS)
def test_what_is_printable_and_in_one_form_is_an_identifier(text: str) -> None:
    """Any script, blanks and punctuation inside."""
    assert is_identifier(text)


@pytest.mark.parametrize("text", NO_IDENTIFIERS)
def test_what_is_unseen_or_of_two_forms_is_none(text: str) -> None:
    """Refused, and not made into something else."""
    assert not is_identifier(text)


def test_no_character_that_nobody_sees_is_in_an_identifier() -> None:
    """None of those that Unicode has shown as nothing, and no control, blank or private character."""
    everything = (chr(code) for code in range(sys.maxunicode + 1))
    hidden = [one for one in everything if unicodedata.category(one) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}]
    taken = [one for one in [*hidden, *map(chr, IGNORABLE)] if is_identifier(f"a{one}b")]
    assert [f"U+{ord(one):04X}" for one in taken] == []


@given(st.text())
def test_an_identifier_is_its_own_normal_form(text: str) -> None:
    """So two that look alike because they are composed differently are not both identifiers."""
    if is_identifier(text):
        assert unicodedata.normalize("NFC", text) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [("CL-7F3A", "cl-7f3a"), ("CL-7F3A", "Cl-7F3a"), ("Ängström", "äNGSTRÖM"), ("straße", "STRASSE"), ("ΣΑΣ", "σας")],
)
def test_pseudonyms_that_differ_in_case_only_name_one_person(one: str, other: str) -> None:
    """By Unicode's full case folding."""
    assert is_one_person(one, other)
    assert one_person(one) == one_person(other)


@pytest.mark.parametrize(("one", "other"), [("CL-1", "CL-2"), ("CL-1", "CL1"), ("CL-O", "CL-0"), ("é", "e")])
def test_other_pseudonyms_name_other_persons(one: str, other: str) -> None:
    """Punctuation, digits and accents tell persons apart."""
    assert not is_one_person(one, other)


@given(st.text(max_size=30))
def test_the_form_in_which_persons_are_compared_is_reached_at_once(text: str) -> None:
    """Compared again, it is the same; and so is the same text in capitals or in another normal form."""
    assert one_person(one_person(text)) == one_person(text)
    assert one_person(unicodedata.normalize("NFD", text)) == one_person(text)
