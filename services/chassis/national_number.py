"""Finding Belgian national numbers in text that must not contain any.

The number identifies a person in the social security sector; it is neither needed nor allowed here. What counts as
valid (check digits before and from 2000, BIS numbers with the month raised by 20 or 40, unknown dates) is the
library's judgement; where in a text such a number may stand is decided here.
"""

from __future__ import annotations

import re
from typing import Final

from stdnum.be import ssn

_SHORTEST: Final = 11

# How the number is written: date of birth, serial number, check digits, with up to three separating characters
# between the groups, invisible ones included. The look-ahead lets a later number overlap an earlier candidate, so
# that digits before it do not hide it. A number after a plus sign is a telephone number.
_GAP: Final = r"[\s./_\u00b7\u00ad\u2010-\u2015\u2212\u200b-\u200d\u2060\ufeff-]{0,3}"
# The digit comes first because the engine skips to it quickly; what may not stand before it is looked at afterwards.
_CANDIDATE: Final = re.compile(rf"\d(?<![\d+].)(?=(\d{_GAP}\d\d{_GAP}\d\d{_GAP}\d\d\d{_GAP}\d\d)(?!\d))")
_NOT_A_DIGIT: Final = re.compile(r"\D")
_UUID: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE)


def find(text: str) -> bool:
    """Whether the text contains a valid national number (NISS, INSZ), a BIS number included.

    Digits of any script count. The digits of a UUID do not: they are drawn at random, and one in some hundred
    thousand would be taken for a person.
    """
    if len(text) < _SHORTEST:
        return False
    for candidate in _CANDIDATE.finditer(text):
        digits = "".join(str(int(digit)) for digit in _NOT_A_DIGIT.sub("", candidate[0] + candidate[1]))
        if ssn.is_valid(digits) and not _within_uuid(text, candidate.start(), candidate.end(1)):
            return True
    return False


def may_be_in(text: str) -> bool:
    """Whether anything in the text is written like a national number; False: `find` answers False for every part."""
    return _CANDIDATE.search(text) is not None


def _within_uuid(text: str, start: int, end: int) -> bool:
    return any(uuid.start() <= start and end <= uuid.end() for uuid in _UUID.finditer(text))
