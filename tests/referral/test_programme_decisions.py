"""How a programme's parameters are published, version after version."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.programme_parameters import ProgrammeParameters
from services.chassis.modelling.decider import Because
from services.referral.domain.programme import (
    DEFAULT_TERMS,
    PROGRAMME,
    Parameters,
    PublishVersion,
    Term,
    decide,
)
from tests.referral.office import PARAMETERS
from tests.support.actors import CLOCK
from tests.support.dates import MONDAY
from tests.support.given_when_then import Decisions

NEW_YEAR = date(2026, 1, 1)


def publish(version: int, parameters: Parameters = PARAMETERS, valid_from: date = NEW_YEAR) -> PublishVersion:
    """The command."""
    return PublishVersion(
        at=MONDAY,
        by=CLOCK,
        programme="mtw-be-2026",
        version=version,
        valid_from=valid_from,
        parameters=parameters,
    )


PROGRAMMES = Decisions(PROGRAMME, decide)


def test_publishing_the_same_version_again_changes_nothing() -> None:
    """A PUT may be repeated, also after a later version."""
    later = replace(PARAMETERS, name="Later")
    PROGRAMMES.after(publish(1), publish(2, later)).when(publish(1)).then()


def test_a_published_version_is_never_changed() -> None:
    """Decisions were taken under it."""
    other = publish(1, replace(PARAMETERS, name="Other"))
    PROGRAMMES.after(publish(1)).when(other).is_refused("VERSION_PUBLISHED", because=Because.STATE)


def test_a_version_published_before_a_term_existed_may_be_sent_again() -> None:
    """A system that publishes its programme whenever it starts meets the same version after an upgrade."""
    (published,) = PROGRAMMES.given().when(publish(1)).events
    fewer = {name: term for name, term in published.parameters.terms.items() if name != "SERVICE_GAP"}
    of_old = replace(published, parameters=replace(published.parameters, terms=fewer))
    PROGRAMMES.given(of_old).when(publish(1)).then()


def test_versions_follow_each_other_without_a_gap() -> None:
    """The next version is the latest plus one."""
    PROGRAMMES.given().when(publish(2)).is_refused("VERSION_GAP")
    PROGRAMMES.given().when(publish(0)).is_refused("VERSION_PUBLISHED")


def test_a_term_that_is_left_out_has_its_default() -> None:
    """The event holds every term, so that a default changed later rewrites nothing."""
    own = replace(PARAMETERS, terms={"DECISION": Term(n=5, unit="DAYS")})
    (published,) = PROGRAMMES.given().when(publish(1, own)).events
    assert published.parameters.terms == {**DEFAULT_TERMS, "DECISION": Term(n=5, unit="DAYS")}


def test_every_term_of_the_contract_has_a_default() -> None:
    """What others may ask for by name is there."""
    documented = (ProgrammeParameters.__doc__ or "").split("length:")[1].replace(".", " ").replace(",", " ").split()
    assert set(documented) == set(DEFAULT_TERMS)


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"kind": "PARTY"}, "/kind", "UNKNOWN_CODE"),
        ({"criteria": ()}, "/criteria", "REQUIRED"),
        ({"criteria": ("A", "A")}, "/criteria", "REPEATED"),
        ({"terms": {"TEA/TIME": Term(n=1, unit="DAYS")}}, "/terms/TEA~1TIME", "UNKNOWN_TERM"),
        ({"terms": {"RECEIPT": Term(n=0, unit="DAYS")}}, "/terms/RECEIPT/n", "NOT_POSITIVE"),
        ({"terms": {"RECEIPT": Term(n=1, unit="MOONS")}}, "/terms/RECEIPT/unit", "UNKNOWN_CODE"),
        ({"information_requests_max": -1}, "/informationRequestsMax", "TOO_SMALL"),
        ({"agreement_months_max": 0}, "/agreementMonthsMax", "TOO_SMALL"),
    ],
)
def test_parameters_that_cannot_work_are_refused(change: dict[str, Any], pointer: str, code: str) -> None:
    """With the pointer into the body."""
    command = publish(1, replace(PARAMETERS, **change))
    PROGRAMMES.given().when(command).is_refused(code, faults=[(pointer, code)])


def test_a_version_is_in_force_no_earlier_than_the_one_before_it() -> None:
    """Otherwise the older one would never have governed what was decided under it."""
    earlier = publish(2, replace(PARAMETERS, name="Later"), date(2025, 12, 31))
    code = "BEFORE_PREVIOUS_VERSION"
    PROGRAMMES.after(publish(1)).when(earlier).is_refused(code, faults=[("/validFrom", code)])


def test_the_latest_version_that_is_valid_governs() -> None:
    """From the first second of its day on, which in Brussels is the last hour of the day before in UTC."""
    programme = PROGRAMMES.after(publish(1), publish(2, replace(PARAMETERS, name="Later"), date(2026, 2, 1))).state
    moments = (
        datetime(2025, 12, 31, 22, 59, 59, tzinfo=UTC),
        datetime(2026, 1, 31, 22, 59, 59, tzinfo=UTC),
        datetime(2026, 1, 31, 23, tzinfo=UTC),
    )
    governing = [version.version if (version := programme.in_force(at)) else None for at in moments]
    assert governing == [None, 1, 2]


@pytest.mark.parametrize(("zone", "hour"), [("America/New_York", 5), ("Europe/Lisbon", 0)])
def test_a_version_begins_at_midnight_of_its_own_time_zone(zone: str, hour: int) -> None:
    """West of Greenwich hours after midnight in UTC: until then the version before it governs."""
    later = publish(2, replace(PARAMETERS, time_zone=zone), date(2026, 2, 1))
    programme, begins = PROGRAMMES.after(publish(1), later).state, datetime(2026, 2, 1, hour, tzinfo=UTC)
    before, then = programme.in_force(begins - timedelta(seconds=1)), programme.in_force(begins)
    assert [one.version for one in (before, then) if one is not None] == [1, 2]


def test_a_closing_day_stands_once() -> None:
    """The second mention is a slip."""
    told = replace(PARAMETERS, closing_days=(date(2026, 7, 11), date(2026, 12, 28), date(2026, 7, 11)))
    PROGRAMMES.given().when(publish(1, told)).is_refused("REPEATED", faults=[("/closingDays/2", "REPEATED")])
