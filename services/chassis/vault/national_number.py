"""Finding national numbers in text that must not contain any.

Such a number identifies a person in everything that a state keeps; it is neither needed nor allowed here. What counts
as valid (for Belgium: check digits before and from 2000, BIS numbers with the month raised by 20 or 40, unknown dates)
is the library's judgement; where in a text such a number may stand is decided here.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from stdnum import iban
from stdnum.be import ssn


@dataclass(frozen=True, slots=True)
class Kind:
    """A country's numbers: how many digits they have, and whether so many ASCII digits are one."""

    digits: int
    is_valid: Callable[[str], bool]


KNOWN: Final[Mapping[str, Kind]] = {"BE": Kind(11, ssn.is_valid)}
"""The numbers that are looked for, by country (ISO 3166). Each has check digits: without them, any number is one."""

_LENGTHS: Final = frozenset(kind.digits for kind in KNOWN.values())
_SHORTEST: Final = min(_LENGTHS)
_LONGEST: Final = max(_LENGTHS)

# What may stand between digits: anything that is neither letter nor digit. The text has been made plain before, so
# nothing of it is invisible.
_GAP: Final = r"[\W_]"
_WIDEST: Final = 8
_RUN: Final = re.compile(rf"\d+(?:{_GAP}{{1,{_WIDEST}}}\d+)*")
_GROUP: Final = re.compile(r"\d+")
# Begins with a digit because the engine skips to it quickly; what may not stand before it is looked at afterwards.
_WRITTEN: Final = rf"\d(?<![\d+].)(?:{_GAP}{{0,{_WIDEST}}}\d){{{_SHORTEST - 1}}}"
_CANDIDATE: Final = re.compile(_WRITTEN)
# Every request is looked through: of ASCII alone the engine asks no tables, and takes three fifths of the time.
_CANDIDATE_IN_ASCII: Final = re.compile(_WRITTEN, re.ASCII)
# A plus sign begins a telephone number, unless it joins digits itself.
_TELEPHONE: Final = re.compile(r"(?:\D|\A)\+\d")
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
# Format characters, and marks on or around the character before them: direction marks, joiners, soft hyphens,
# variation selectors, keycaps.
_UNSEEN: Final = frozenset({"Cf", "Mn", "Me"})

# Notations of something else, whose digits are nobody's: drawn at random, or the time of day.
_UUID: Final = r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])"
_TIME: Final = r"(?<!\d)\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?!\d)"
_OTHERWISE: Final = re.compile(f"{_UUID}|{_TIME}", re.IGNORECASE)
_ACCOUNT: Final = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d\d(?: ?[A-Z0-9]{2,4}){3,8}(?![A-Z0-9])", re.IGNORECASE)


def find(text: str) -> bool:
    """Whether the text contains a valid national number of a country that is KNOWN.

    However its digits are grouped, and whatever stands between the groups, unless it is a letter or very long: spaces,
    commas, brackets, line breaks. Characters that nobody sees make no difference, and digits of any script count. The
    number begins and ends with a group: eleven digits of a longer one are none. Behind a plus sign begins a telephone
    number. The digits of a UUID, of a time in ISO 8601, and of a valid IBAN are none.
    """
    return len(text) >= _SHORTEST and any(_is_in(reading) for reading in _readings(text))


def may_be_in(text: str) -> bool:
    """Whether anything in the text is written like a national number; False: `find` answers False for every part."""
    if text.isascii():
        return _CANDIDATE_IN_ASCII.search(text) is not None
    return any(_CANDIDATE.search(reading) is not None for reading in _readings(text))


def _is_in(text: str) -> bool:
    """Whether a plain text has a valid number that belongs to nothing else."""
    if _CANDIDATE.search(text) is None:
        return False
    numbers = _numbers(text)
    return bool(numbers) and not _belong_elsewhere(text, numbers)


def _readings(text: str) -> Iterator[str]:
    """The text made plain; with a superscript or a circled figure, which may be a digit or a note, in both ways."""
    yield _plain(text)
    if text.isascii():
        return
    noted = _NOT_ASCII.sub(lambda found: " " if unicodedata.category(found[0]) == "No" else found[0], text)
    if noted != text:
        yield _plain(noted)


def _plain(text: str) -> str:
    """The text as far as it is seen: in compatibility form, without what is invisible."""
    if text.isascii():
        return text
    return _NOT_ASCII.sub(_shown, unicodedata.normalize("NFKC", text))


def _shown(found: re.Match[str]) -> str:
    category = unicodedata.category(found[0])
    if category in _UNSEEN:
        return ""
    # Letters by their class only: an apostrophe, the dash of kana, the line that stretches Arabic words.
    return " " if category == "Lm" else found[0]


def _numbers(text: str) -> list[tuple[int, int]]:
    """Where in a plain text valid numbers stand: from their first digit to behind their last."""
    found = []
    for run in _RUN.finditer(text):
        groups = [(group.start(), group.end()) for group in _GROUP.finditer(text, run.start(), run.end())]
        for first, (start, _) in enumerate(groups):
            digits = ""
            # A group has a digit at least.
            for begin, end in groups[first : first + _LONGEST]:
                if _TELEPHONE.match(text, max(begin - 2, 0)) is not None:
                    break
                digits += text[begin:end]
                if len(digits) >= _SHORTEST and len(digits) in _LENGTHS and _is_valid(digits):
                    found.append((start, end))
                if len(digits) >= _LONGEST:
                    break
    return found


def _is_valid(digits: str) -> bool:
    ascii_digits = "".join(str(int(digit)) for digit in digits)
    return any(kind.digits == len(digits) and kind.is_valid(ascii_digits) for kind in KNOWN.values())


def _belong_elsewhere(text: str, numbers: list[tuple[int, int]]) -> bool:
    """Whether all digits of each of the numbers are those of something that is written otherwise."""
    # Looked for once, however many numbers there are: anybody may send a text with as many as fit into it.
    otherwise = [other.span() for other in _OTHERWISE.finditer(text)]
    accounts = [(account.start(), account.start() + _length_of_iban(account[0])) for account in _ACCOUNT.finditer(text)]
    return all(_is_inside(number, otherwise) or _is_inside(number, accounts) for number in numbers)


def _is_inside(number: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    """Whether a stretch is inside one of the others, which stand in their order and apart."""
    start, end = number
    before = bisect_right(others, start, key=itemgetter(0))
    return before > 0 and end <= others[before - 1][1]


def _length_of_iban(text: str) -> int:
    """How much of a text from its beginning on is a valid IBAN: the words behind one look like more of it."""
    while text:
        if iban.is_valid(text):
            return len(text)
        text = text.rpartition(" ")[0]
    return 0
