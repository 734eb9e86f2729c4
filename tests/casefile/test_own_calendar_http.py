"""Both services count by one calendar, the programme's own, and what they have once counted stays as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from services.sandbox.demo import PROGRAMME, PROGRAMME_VERSION
from tests.casefile.cases import CaseContext, Told
from tests.support.people import INES, OPERATOR

TEN: Final = 10
"""In the morning, in UTC."""


async def published(context: CaseContext, **parameters: Any) -> None:
    """Another version of the programme, and both services have heard of it."""
    path = f"/v1/programmes/{PROGRAMME}/versions/2"
    answer = await context.running.send(OPERATOR, "PUT", path, {**PROGRAMME_VERSION, **parameters})
    assert answer.is_success, answer.text
    await context.running.settle()


async def terms_of(context: CaseContext, case: Told) -> dict[str, str]:
    """When the organisation has to have the intake done, and to reach the person first."""
    steps = (await context.running.read(INES, case.path))["steps"]
    return {step["step"]: step["dueAt"] for step in steps}


@pytest.mark.parametrize(
    ("parameters", "on", "offer", "intake"),
    [
        # 14 and 21 January are Wednesdays. Of ten working days both are left out, of two the first.
        (
            {"validFrom": "2026-01-12", "closingDays": ["2026-01-14", "2026-01-21"]},
            datetime(2026, 1, 12, TEN, tzinfo=UTC),
            {"receipt": "2026-01-15T22:59:59Z", "decision": "2026-01-28T22:59:59Z"},
            "2026-02-04T22:59:59Z",
        ),
        # Corpus Christi is on Thursday, 4 June, and Germany as a whole works on it.
        (
            {"validFrom": "2026-06-01", "country": "DE", "region": "DE-BY", "timeZone": "Europe/Berlin"},
            datetime(2026, 6, 1, TEN, tzinfo=UTC),
            {"receipt": "2026-06-03T21:59:59Z", "decision": "2026-06-16T21:59:59Z"},
            "2026-06-23T21:59:59Z",
        ),
        (
            {"validFrom": "2026-06-01", "country": "DE", "timeZone": "Europe/Berlin"},
            datetime(2026, 6, 1, TEN, tzinfo=UTC),
            {"receipt": "2026-06-03T21:59:59Z", "decision": "2026-06-15T21:59:59Z"},
            "2026-06-22T21:59:59Z",
        ),
    ],
    ids=["closing days", "a region", "its country"],
)
async def test_both_services_count_the_working_days_of_the_programme(
    context: CaseContext, parameters: dict[str, Any], on: datetime, offer: dict[str, str], intake: str
) -> None:
    """Receipt and decision in the referral service, and the intake of fifteen working days in casefile."""
    await context.running.at(on)
    await published(context, **parameters)
    case = await context.referred()
    due = (await context.running.read(INES, case.offer))["dueAt"]
    assert {name: due[name] for name in offer} == offer
    accepted = await context.accepted()
    assert (await terms_of(context, accepted))["INTAKE"] == intake


async def test_other_terms_and_another_calendar_leave_what_was_counted_before(context: CaseContext) -> None:
    """Counted on Monday, 12 January, by the version of that day; what begins on Wednesday is counted by the next."""
    await context.running.at(datetime(2026, 1, 12, TEN, tzinfo=UTC))
    offered, accepted = await context.referred(), await context.accepted()
    before = (await context.running.read(INES, offered.offer))["dueAt"], await terms_of(context, accepted)
    assert before[0]["decision"] == "2026-01-26T22:59:59Z"
    assert before[1]["INTAKE"] == "2026-02-02T22:59:59Z"
    shorter = {name: {"n": n, "unit": "WORKING_DAYS"} for name, n in (("DECISION", 2), ("INTAKE", 5))}
    await published(context, validFrom="2026-01-13", terms=shorter, closingDays=["2026-01-16"])
    await context.running.at(datetime(2026, 1, 14, TEN, tzinfo=UTC))
    later, taken = await context.referred(), await context.accepted()
    assert ((await context.running.read(INES, offered.offer))["dueAt"], await terms_of(context, accepted)) == before
    # Friday is closed: two days from Wednesday end on Monday, and five on Thursday of the week after.
    assert (await context.running.read(INES, later.offer))["dueAt"]["decision"] == "2026-01-19T22:59:59Z"
    assert (await terms_of(context, taken))["INTAKE"] == "2026-01-22T22:59:59Z"
