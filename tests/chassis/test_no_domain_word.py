"""The chassis would serve any other domain: no identifier and no text in it has a word of this one."""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

CHASSIS: Final = Path(__file__).parents[2] / "services" / "chassis"

WORDS: Final = frozenset(
    re.findall(
        "[a-z]+",
        """
    referral referrals referred casefile casefiles mentor mentors mentee mentees mentoring programme programmes charter
    arrangement agency agencies counsellor counsellors jobseeker jobseekers volunteer volunteers ngo dpo auditor
    auditors control handback handbacks packet packets consent consents basis worklist timeline trajectory intake
    disclosure disclosures eligibility pulse occupation occupations goal goals rematch accreditation accredited
    """,
    )
)
"""By hand, from docs/domain.md.

`organisation` is not among them: every caller belongs to one, so it is the chassis' word for a tenant, and part of
its settings and quotas. `case` is a word of the language and of Python; as a name it is looked for beside it. Neither
are `coordinator` and `match`, which Kafka's client and Python have of their own.
"""
NAMES: Final = frozenset({"case", "cases"})
"""Parts of identifiers that say what a case is to this domain."""
OTHERWISE: Final = {
    "basis": re.compile(r"legal.?basis", re.IGNORECASE),
    "control": re.compile(r"AGENCY_CONTROL|\bcontrol (?:body|bodies|unit|units)\b"),
}
"""Words of the domain only where others stand beside them."""
ROUTE: Final = re.compile(r"^f?[\"']/v1/[a-z]")


def parts(text: str) -> Iterator[str]:
    """The words of an identifier or a text, in small letters."""
    for word in re.findall(r"[A-Za-z]+", text):
        yield from (part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", word))


def found_in(source: str) -> list[str]:
    """The words of the domain in a module, each with its line; comments explain, and may compare."""
    found = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        named = token.type == tokenize.NAME and not keyword.iskeyword(token.string)
        if not named and token.type != tokenize.STRING:
            continue
        words = set(parts(token.string))
        here = (words & WORDS) - OTHERWISE.keys() | {word for word, at in OTHERWISE.items() if at.search(token.string)}
        if named and token.string not in ("case", "cases"):
            here |= words & NAMES
        if token.type == tokenize.STRING and ROUTE.match(token.string):
            here.add(token.string)
        found += [f"{token.start[0]}: {word}" for word in sorted(here)]
    return found


@pytest.mark.parametrize("path", sorted(CHASSIS.rglob("*.py")), ids=lambda path: str(path.relative_to(CHASSIS)))
def test_the_chassis_has_no_word_of_the_domain(path: Path) -> None:
    """What a service needs of it, the service passes in: names of references, bars, routes, examples."""
    assert found_in(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "legal_basis_id: str",
        'unlimited = {"/v1/referrals/bulk"}',
        "Role.AGENCY_CONTROL",
        'key = "charterVersion"',
        "def of_case(case_id: str) -> None: ...",
        '"the programme has no such term"',
    ],
)
def test_the_test_finds_what_was_there(line: str) -> None:
    """Each stood in the chassis once."""
    assert found_in(line) != []


@pytest.mark.parametrize(
    "line", ["match one:\n    case int():\n        pass", '"a case in point"', "# as a referral is"]
)
def test_other_words_may_stay(line: str) -> None:
    """A language has them too."""
    assert found_in(line) == []
