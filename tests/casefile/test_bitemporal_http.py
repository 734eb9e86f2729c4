"""Reading a case as of a day, and as it was known on another; a clock that moves between what happens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.casefile.cases import CaseContext, Told
from tests.support.people import INES, KARIM, LOTTE, Person
from tests.support.requests import another_person

READS = ("", "/timeline", "/responsibility", "/events")


async def steps(context: CaseContext, case: Told, person: Person = INES, **asked: Any) -> dict[str, str]:
    """Who owns which open step."""
    told = await context.running.read(person, f"{case.path}/responsibility", **asked)
    return {step["step"]: step["owner"]["sub"] for step in told["steps"]}


def january(day: int, hour: int = 9) -> datetime:
    """An hour of a day in January 2026."""
    return datetime(2026, 1, day, hour, tzinfo=UTC)


async def late_report(context: CaseContext) -> Told:
    """The first contact was on 14 January, and was reported on the 20th."""
    case = await context.accepted()
    await context.running.at(january(20))
    report = {"channel": "PHONE", "occurredAt": "2026-01-14T10:00:00Z"}
    await context.running.done(LOTTE, case.path, "log-contact-attempt", report)
    return case


async def test_a_late_report_changes_what_was_so_and_not_what_was_known(context: CaseContext) -> None:
    """Asked today, contact was made on the 14th; asked with the knowledge of the 16th, it was still owed."""
    case = await late_report(context)
    assert "FIRST_CONTACT" not in await steps(context, case, asOf="2026-01-15")
    assert "FIRST_CONTACT" in await steps(context, case, asOf="2026-01-13")
    assert "FIRST_CONTACT" in await steps(context, case, asOf="2026-01-15", knownAt="2026-01-16")
    assert "FIRST_CONTACT" not in await steps(context, case, asOf="2026-01-15", knownAt="2026-01-20")
    looks: tuple[tuple[dict[str, Any], bool], ...] = (
        ({"asOf": "2026-01-15"}, True),
        ({"asOf": "2026-01-13"}, False),
        ({"knownAt": "2026-01-16"}, False),
        ({"asOf": "2026-01-15", "knownAt": "2026-01-16"}, False),
    )
    for asked, told in looks:
        assert ("ContactAttempted" in await context.kinds(case, **asked)) is told, asked


async def test_a_report_says_when_it_happened_and_when_it_was_recorded(context: CaseContext) -> None:
    """`occurredAt` is the caller's, `recordedAt` the clock's; the order of the timeline is that of recording."""
    case = await late_report(context)
    items = (await context.running.read(INES, f"{case.path}/timeline"))["items"]
    assert (items[-1]["occurredAt"], items[-1]["recordedAt"]) == ("2026-01-14T10:00:00Z", "2026-01-20T09:00:00Z")
    assert [item["position"] for item in items] == list(range(1, len(items) + 1))


async def test_a_bare_date_is_the_end_of_that_day_in_the_programmes_time_zone(context: CaseContext) -> None:
    """A second before midnight in Brussels counts, a second after it does not."""
    await context.running.at(datetime(2026, 1, 14, 22, 59, 58, tzinfo=UTC))
    before = await context.referred()
    await context.running.at(datetime(2026, 1, 14, 23, 0, 1, tzinfo=UTC))
    after = await context.referred()
    for parameter in ("asOf", "knownAt"):
        assert await context.kinds(before, INES, **{parameter: "2026-01-14"})
        assert await context.kinds(after, INES, **{parameter: "2026-01-14"}) == []
        assert await context.kinds(after, INES, **{parameter: "2026-01-15"})
    nobody = await context.running.read(INES, f"{after.path}/responsibility", asOf="2026-01-14")
    assert nobody == {"caseLead": None, "steps": []}


async def test_an_organisation_sees_a_case_from_its_own_addressing_on(context: CaseContext) -> None:
    """What went to another one before is not shown at any date, nor that there was anything."""
    await context.running.at(january(13))
    first = await context.opened()
    await context.running.at(january(15))
    ref = (await context.running.read(INES, first.offer))["client"]["ref"]
    await context.accepted(another_person("samenstap", client={"ref": ref}), by=KARIM)
    for what in READS:
        assert "brugwerk" not in str(await context.running.read(KARIM, first.path + what))
    for parameter in ("asOf", "knownAt"):
        for day in ("2026-01-13", "2026-01-14"):
            earlier = await context.running.read(KARIM, f"{first.path}/responsibility", **{parameter: day})
            assert earlier == {"caseLead": None, "steps": []}
            assert await context.kinds(first, KARIM, **{parameter: day}) == []
    assert set(await steps(context, first, KARIM)) == {"FIRST_CONTACT", "INTAKE"}
