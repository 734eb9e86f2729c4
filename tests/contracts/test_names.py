"""One rule for names: every script as it is spelled, and nothing that nobody sees."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.names import read_name


@pytest.mark.parametrize(
    "name",
    [
        "Samira (demo)",
        "Ines De Backer",
        "O’Neil-D'Arcy, Jr.",
        "Brugwerk vzw, afd. 2",
        "Nguyễn Thị Hồng",
        "محمد بن أحمد",
        "رضا\u200cزاده",
        "ක්\u200dෂාන්ති",
        "শ্রী\u200dমতী",
        "র\u200d্যাব",
        "രാധാകൃഷ്ണന്\u200d",
        "രാജന്\u200d പി.",
        "ልዑል ተስፋዬ",
        "李雷",
        "葛\U000e0100城",
        "Ægir Þór",
        "דוד בן־גוריון",
    ],
)
def test_a_name_stays_as_it_is_spelled(name: str) -> None:
    """Joiners in Persian, Sinhala, Bengali and Malayalam, a variant of an ideograph, apostrophes and brackets."""
    assert read_name(name) == name


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (unicodedata.normalize("NFD", "Amélie"), "Amélie"),
        ("De\u00a0Backer", "De Backer"),
        ("山田\u3000太郎", "山田 太郎"),
        ("  Ines   De\u2009Backer ", "Ines De Backer"),
    ],
)
def test_a_name_is_kept_in_one_form(written: str, kept: str) -> None:
    """Composed, and with single blanks."""
    assert read_name(written) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\u00a0",
        "\u200b",
        "\u200d",
        "\u3164",
        "\u2800",
        "…",
        "12",
        "Sam\x00ira",
        "Sam\nira",
        "Samira\n",
        "Sam\tira",
        "Sam\x85ira",
        "Sam\u200bira",
        "Sam\u200dira",
        "Sam\u200cira",
        "Sam\u00adira",
        "\u202eSamira",
        "Sam\u2066ira",
        "Samira\u200d",
        "\u200cرضا",
        "رضا\u200c",
        "രാജന്\u200c",
        "രാജന\u200d",
        "رضا\u200c\u200cزاده",
        "رضا\u200czade",
        "Samira\ufe0f",
        "Sam\u3164ira",
        "Sam\ud800ira",
        "Sam\ue000ira",
    ],
)
def test_what_has_no_letter_or_something_unseen_is_no_name(text: str) -> None:
    """Controls, bidi overrides, joiners where no spelling has them, and texts without a letter."""
    assert read_name(text) is None


@given(st.text())
def test_a_name_that_was_kept_is_read_as_it_stands(text: str) -> None:
    """What is sent back as it was read changes nothing."""
    name = read_name(text)
    assert name is None or read_name(name) == name
