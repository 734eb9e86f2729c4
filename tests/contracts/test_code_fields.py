"""Every field of every body that holds a code of an outside standard is checked by its list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic import AfterValidator, BaseModel

from contracts.code_lists.checks import country, esco, isco, region, time_zone
from contracts.code_lists.languages import language
from contracts.code_lists.sectors import sector
from contracts.codes import CefrLevel, CefrSkill
from contracts.fields import Body
from services.casefile.routes import requests as casefile
from services.referral.routes import requests as referral

STANDARDS: dict[str, Any] = {
    r"(^|_)(language|languages|tag|tags|locale)$": language,
    r"(^|_)(isco|occupation)$": isco,
    r"(^|_)esco$": esco,
    r"(^|_)(sector|sectors|nace|industry)$": sector,
    r"(^|_)(region|regions|nuts)$": region,
    r"(^|_)(country|countries|nationality|nationalities|citizenship)$": country,
    r"(^|_)(time_?zone|zone)$": time_zone,
    r"(^|_)currency$": "a list of ISO 4217, which is yet to be shipped",
}
BY_THE_CALENDAR = {("ProgrammeVersionBody", "region")}
"""ISO 3166-2 and not NUTS: whose public holidays are kept, `services/chassis/time/calendar.py` says."""
BODIES = sorted(
    {
        body
        for module in (casefile, referral)
        for body in vars(module).values()
        if isinstance(body, type) and issubclass(body, Body) and body is not Body
    },
    key=lambda body: f"{body.__module__}.{body.__name__}",
)


def _parts(annotation: Any) -> Iterator[Any]:
    """What an annotation is made of, with what is said of each part."""
    yield annotation
    for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        yield from _parts(part)


def _checks(body: type[BaseModel], name: str) -> set[Any]:
    field = body.model_fields[name]
    parts = [*_parts(field.annotation), *field.metadata]
    return {part.func for part in parts if isinstance(part, AfterValidator)}


def _texts(body: type[BaseModel]) -> Iterator[str]:
    """The fields that are texts or lists of texts."""
    for name, field in body.model_fields.items():
        parts = list(_parts(field.annotation))
        if str in parts and dict not in (get_origin(part) or part for part in parts):
            yield name


@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{body.__module__.split('.')[1]}.{body.__name__}")
def test_a_field_named_like_a_standard_is_checked_by_it(body: type[BaseModel]) -> None:
    """Anyone who adds a field for a language, an occupation, a sector, a place or a zone gives it its kind."""
    for name in _texts(body):
        for pattern, check in STANDARDS.items():
            if re.search(pattern, name) and (body.__name__, name) not in BY_THE_CALENDAR:
                assert check in _checks(body, name), f"{body.__name__}.{name}"


def test_the_rule_finds_the_fields_that_there_are() -> None:
    """As many as were counted by hand: a rule that finds nothing would pass as well."""
    found = [
        (body.__name__, name)
        for body in BODIES
        for name in _texts(body)
        if any(re.search(pattern, name) for pattern in STANDARDS)
    ]
    # Four of a referral and three of each of its parts; organisation, mentor, programme. A bulk line is a referral.
    assert sorted(found) == [
        ("BulkLine", "contact_language"),
        ("BulkLine", "region"),
        ("BulkLine", "sectors"),
        ("LanguageBody", "tag"),
        ("LegalBasisBody", "language"),
        ("MentorBody", "languages"),
        ("MentorBody", "sectors"),
        ("OccupationBody", "esco"),
        ("OccupationBody", "isco"),
        ("OrganisationBody", "languages"),
        ("OrganisationBody", "sectors"),
        ("ParticipationChoiceBody", "language"),
        ("ProgrammeVersionBody", "country"),
        ("ProgrammeVersionBody", "region"),
        ("ProgrammeVersionBody", "time_zone"),
        ("ReferralBody", "contact_language"),
        ("ReferralBody", "region"),
        ("ReferralBody", "sectors"),
    ]


def test_the_frameworks_levels_and_skills_are_those_of_the_framework() -> None:
    """Council of Europe, CEFR: Pre-A1 to C2, and the five skills of the self-assessment grid."""
    assert set(CefrLevel) == {"PRE_A1", "A1", "A2", "B1", "B2", "C1", "C2"}
    skills = {"LISTENING", "READING", "SPOKEN_INTERACTION", "SPOKEN_PRODUCTION", "WRITING"}
    assert set(CefrSkill) == skills
    assert get_args(casefile.ConcludeIntakeBody.model_fields["cefr"].annotation) == (CefrSkill, CefrLevel)
