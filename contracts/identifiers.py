"""One rule for identifiers, wherever they are written: in bodies, tokens, paths and on the shell.

An identifier names an organisation, a programme, a mentor, a client (by the agency's pseudonym) or a member of staff.
All of them may stand in a token as `sub` or `org`, and so they all have the form of one.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final, TypeGuard

LONGEST_IDENTIFIER: Final = 200
IDENTIFIER_RULE: Final = (
    f"1 to {LONGEST_IDENTIFIER} printable characters, all of them visible but for blanks inside, not dots alone, and "
    "in Unicode's normal form C"
)

FILLERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that look like nothing: four fillers of Hangul, and Braille without a dot."""
UNSEEN_MARKS: Final = frozenset(
    "\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f" + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Marks without a form of their own: they choose among the forms of the character before them (UAX 44: ignorable)."""


def is_identifier(value: object) -> TypeGuard[str]:
    """Whether a value can name somebody or something: IDENTIFIER_RULE.

    One form, so that whom a body names is whom the token of that person names: of one text composed in two ways, one
    is refused, and so is what nobody sees. Different characters may still look the same.
    """
    # Format characters (Cf) are not printable, and neither is any blank but the space.
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_IDENTIFIER
        and value.isprintable()
        and (value.isascii() or _all_seen(value))
        and value == value.strip()
        and value.strip(".") != ""
    )


def _all_seen(value: str) -> bool:
    return unicodedata.is_normalized("NFC", value) and not FILLERS & set(value) and not UNSEEN_MARKS & set(value)


def is_one_person(person: str, other: str) -> bool:
    """Whether two pseudonyms of the same agency name one person."""
    return person == other or one_person(person) == one_person(other)


@lru_cache(maxsize=4096)
def one_person(ref: str) -> str:
    """The form in which the pseudonyms of persons are compared: those that differ in case only name one person.

    Unicode's canonical caseless matching (The Unicode Standard, D145), in normal form C.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", ref).casefold())
