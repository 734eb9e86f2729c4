"""One rule for the names of people, and of what people run: any script, as it is spelled, and nothing unseen."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from contracts.identifiers import FILLERS, UNSEEN_MARKS

NAME_RULE: Final = (
    "a name has at least one letter, and no control or format characters but the joiners that its script needs"
)

_BLANK: Final = re.compile(r"[^\S\t\r\n\v\f\x1c-\x1f\x85\u2028\u2029]+")
"""A run of blanks of any width, without those that end a line."""
_ZWJ: Final = "\u200d"
_JOINERS: Final = frozenset({"\u200c", _ZWJ})
_VIRAMA: Final = 9
"""The combining class of viramas (UAX 44); where a joiner may follow one: UAX 31, 2.3."""
_JOINING_SCRIPTS: Final = frozenset(
    "ADLAM ARABIC BALINESE BENGALI BRAHMI CHAKMA DEVANAGARI GRANTHA GUJARATI GURMUKHI JAVANESE KAITHI KANNADA KHMER "  # noqa: SIM905 - words
    "LIMBU MALAYALAM MANDAIC MEETEI MONGOLIAN MYANMAR NEWA NKO ORIYA PHAGS-PA SHARADA SINHALA SYRIAC TAMIL TELUGU "
    "TIBETAN TIRHUTA".split()
)
"""Scripts in which ZWJ and ZWNJ are spelling (The Unicode Standard, 23.2), as the names of their characters begin."""
_SELECTING_SCRIPTS: Final = frozenset({"CJK", "MONGOLIAN"})
"""Scripts in which a variant of a character is part of a name."""


def read_name(text: str) -> str | None:
    """A name in the form in which it is kept: normal form C, blanks as single spaces; None for what is no name."""
    name = unicodedata.normalize("NFC", _BLANK.sub(" ", text).strip(" "))
    if not any(_is_letter(character) for character in name):
        return None
    return name if all(_belongs(name, place) for place in range(len(name))) else None


def _is_letter(character: str) -> bool:
    return unicodedata.category(character).startswith("L") and character not in FILLERS


def _belongs(name: str, place: int) -> bool:
    character = name[place]
    if character in _JOINERS:
        before = _script_before(name, place)
        # A joiner behind a virama is a letter's form, at a word's end too: Malayalam's chillus, Bengali's khanda ta.
        ends = character == _ZWJ and place > 0 and unicodedata.combining(name[place - 1]) == _VIRAMA
        return before in _JOINING_SCRIPTS and (ends or _script_at(name, place + 1) == before)
    if character in UNSEEN_MARKS:
        return _script_before(name, place) in _SELECTING_SCRIPTS
    return character.isprintable() and character not in FILLERS


def _script_before(name: str, place: int) -> str | None:
    return _script_at(name, place - 1) if place else None


def _script_at(name: str, place: int) -> str | None:
    """The first word of the name of a letter or mark, which is its script's; None for anything else, and the end."""
    if place >= len(name) or unicodedata.category(name[place])[0] not in "LM":
        return None
    return unicodedata.name(name[place], "").partition(" ")[0]
