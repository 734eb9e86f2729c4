"""Sectors: sections and divisions of NACE, each of a revision.

A sector is sent as `N` or `62` of Rev. 2.1, the division with its section (`K62`) if one likes; `2.1:` may stand before
it. One of Rev. 2 is sent as `2.0:M`. Events keep the revision with every sector, since the same letter means something
else in the other: real estate is M today and was L. Where a message or an answer has none, it is 2.1.

An event from before this rule has a sector without a revision. Nobody asked for it then, and nobody knows it now.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from contracts.code_lists.checks import unknown
from contracts.code_lists.lists import CodeList, codes_of

TODAY: Final = "2.1"
OLDER: Final = "2.0"


def sector(value: str) -> str:
    """A section or division of NACE with its revision, as events keep it; a bare one is of Rev. 2.1.

    Raises ValueError.
    """
    stated, colon, code = value.rpartition(":")
    revision = stated if colon else TODAY
    if revision not in (TODAY, OLDER):
        raise unknown("NACE by that revision", [f"{TODAY}:{code}"] if code in _sectors(TODAY) else ["2.1:N", "2.0:M"])
    known = _sectors(revision)
    if code in known:
        return f"{revision}:{code}"
    nearest = [code.upper()] if code.upper() in known else known.nearest(code.upper())
    if not colon and code in _sectors(OLDER):
        nearest, revision = [f"{OLDER}:{code}", *nearest], TODAY
    elif revision == OLDER:
        nearest = [f"{OLDER}:{near}" for near in nearest]
    raise unknown(f"the sections and divisions of {known.name}", nearest)


def as_sent(kept: Iterable[str]) -> list[str]:
    """Sectors as messages and answers have them: those of Rev. 2.1 bare, as they are sent."""
    return [code.removeprefix(f"{TODAY}:") for code in kept]


@cache
def _sectors(revision: str) -> CodeList:
    found: set[str] = set()
    section = ""
    for code in codes_of(f"nace-{revision}"):
        if code.isalpha():
            section = code
            found.add(code)
        elif len(code) == 2:
            found |= {code, f"{section}{code}"}
    return CodeList({TODAY: "NACE Rev. 2.1", OLDER: "NACE Rev. 2"}[revision], frozenset(found))
