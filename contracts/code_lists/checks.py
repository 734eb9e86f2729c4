"""Whether a code is one that its publisher knows, and in which form it is kept.

Each check takes a text and answers the code as events keep it. It raises a ValueError that names the list and its
nearest codes, and does not repeat the text: that may be anything that somebody pasted.

Checks are for what comes in. What is stored was checked by the lists of its day, and is read as it stands.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from functools import cache
from importlib import resources
from typing import Final

import iso3166

from contracts.code_lists.lists import NEAREST, CodeList, codes_of, groups

ESCO: Final = "http://data.europa.eu/esco/"
_ELSEWHERE: Final = {"EL": "GR", "UK": "GB"}
"""What a country is called in NUTS, or was."""


def isco(value: str) -> str:
    """A code of ISCO-08, of one to four digits."""
    known = _isco()
    if value in known:
        return value
    # A spreadsheet takes the zero off the armed forces.
    lost = [f"0{value}"] if f"0{value}" in known else []
    raise unknown(known.name, [*lost, *known.nearest(value)])


def esco(value: str) -> str:
    """The URI of an ESCO occupation, or of the ISCO-08 group that stands for all occupations in it."""
    known = _esco()
    if value in known:
        return value
    raise unknown(known.name, known.nearest(value.replace("https://", "http://", 1)))


def esco_isco(uri: str) -> str:
    """The ISCO-08 code that ESCO maps a concept to; the concept is known."""
    kind, _, concept = uri.removeprefix(ESCO).partition("/")
    return concept.removeprefix("C") if kind == "isco" else _mapped()[concept]


def region(value: str) -> str:
    """A code of NUTS 2024 of any level, a member state's included; or the first two digits of a postcode."""
    known = _nuts()
    if value in known or (len(value) == 2 and value.isascii() and value.isdigit()):
        return value
    written = value.upper()
    if len(written) > 2 and written.isascii() and written.isdigit():
        raise unknown(known.name, [written[:2]], "of a postcode the first two digits are a region")
    # What ISO 3166 calls GR, NUTS calls EL.
    hint = "Greece is EL in NUTS" if written.startswith("GR") else ""
    written = f"EL{written[2:]}" if hint else written
    raise unknown(known.name, [written] if written in known else known.nearest(written), hint)


def country(value: str) -> str:
    """A country of ISO 3166-1, by its two letters."""
    known = _countries()
    if value in known:
        return value
    written = _ELSEWHERE.get(value.upper(), value.upper())
    raise unknown(known.name, [written] if written in known else known.nearest(written))


def time_zone(value: str) -> str:
    """A time zone of the IANA database."""
    known = _zones()
    if value in known:
        return value
    raise unknown("the IANA time zone database", difflib.get_close_matches(value[:60], sorted(known), NEAREST, 0.0))


def unknown(source: str, nearest: Collection[str], hint: str = "") -> ValueError:
    """The refusal of a code that a list does not have."""
    named = ", ".join(dict.fromkeys(nearest))
    return ValueError(f"there is no such code in {source}; nearest: {named}" + (f"; {hint}" if hint else ""))


@cache
def _isco() -> CodeList:
    return CodeList("ISCO-08", frozenset(codes_of("isco-08")))


@cache
def _esco() -> CodeList:
    occupations = {f"{ESCO}occupation/{concept}" for concept in _mapped()}
    return CodeList("ESCO 1.2", frozenset(occupations | {f"{ESCO}isco/C{code}" for code in _isco().codes}))


@cache
def _mapped() -> dict[str, str]:
    return {concept: code for code, concepts in groups("esco-1.2").items() for concept in concepts}


@cache
def _nuts() -> CodeList:
    regions = frozenset(codes_of("nuts-2024"))
    return CodeList("NUTS 2024", regions | {code[:2] for code in regions})


@cache
def _countries() -> CodeList:
    # X and a letter is nobody's: ISO leaves it to its users.
    return CodeList(
        "ISO 3166-1", frozenset(country.alpha2 for country in iso3166.countries if not country.alpha2.startswith("X"))
    )


@cache
def _zones() -> frozenset[str]:
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
