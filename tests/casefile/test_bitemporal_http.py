"""Reading a case as of a day, and as it was known on another; a clock that moves between what happens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.casefile.cases import CaseDesk, Told
from tests.people import INES, KARIM, LOTTE, Person, another_person

READS = ("", "/timeline", "/responsibility", "/events")


async def steps(desk: CaseDesk, case: Told, person: Person = INES, **asked: Any) -> dict[str, str]:
    """Who owns which open step."""
    told = await desk.running.read(person, f"{case.path}/responsibility", **asked)
    return {step["step"]: step["owner"]["sub"] for step in told["steps"]}


def january(day: int, hour: int = 9) -> datetime:
    """An hour of a day in January 2026."""
    return datetime(2026, 1, day, hour, tzinfo=UTC)


async def late_report(desk: CaseDesk) -> Told:
    """The first contact was on 14 January, and was reported on the 20th."""
    case = await desk.accepted()
    await desk.running.at(january(20))
    report = {"channel": "PHONE", "occurredAt": "2026-01-14T10:00:00Z"}
    await desk.running.done(LOTTE, case.path, "log-contact-attempt", report)
    return case


async def test_a_late_report_changes_what_was_so_and_not_what_was_known(desk: CaseDesk) -> None:
    """Asked today, contact was made on the 14th; asked with the knowledge of the 16th, it was still owed."""
    case = await late_report(desk)
    assert "FIRST_CONTACT" not in await steps(desk, case, asOf="2026-01-15")
    assert "FIRST_CONTACT" in await steps(desk, case, asOf="2026-01-13")
    assert "FIRST_CONTACT" in await steps(desk, case, asOf="2026-01-15", knownAt="2026-01-16")
    assert "FIRST_CONTACT" not in await steps(desk, case, asOf="2026-01-15", knownAt="2026-01-20")
    looks: tuple[tuple[dict[str, Any], bool], ...] = (
        ({"asOf": "2026-01-15"}, True),
        ({"asOf": "2026-01-13"}, False),
        ({"knownAt": "2026-01-16"}, False),
        ({"asOf": "2026-01-15", "knownAt": "2026-01-16"}, False),
    )
    for asked, told in looks:
        assert ("ContactAttempted" in await desk.kinds(case, **asked)) is told, asked


async def test_a_report_says_when_it_happened_and_when_it_was_recorded(desk: CaseDesk) -> None:
    """`occurredAt` is the caller's, `recordedAt` the clock's; the order of the timeline is that of recording."""
    case = await late_report(desk)
    items = (await desk.running.read(INES, f"{case.path}/timeline"))["items"]
    assert (items[-1]["occurredAt"], items[-1]["recordedAt"]) == ("2026-01-14T10:00:00Z", "2026-01-20T09:00:00Z")
    assert [item["position"] for item in items] == list(range(1, len(items) + 1))


async def test_a_bare_date_is_the_end_of_that_day_in_the_programmes_time_zone(desk: CaseDesk) -> None:
    """A second before midnight in Brussels counts, a second after it does not."""
    await desk.running.at(datetime(2026, 1, 14, 22, 59, 58, tzinfo=UTC))
    before = await desk.referred()
    await desk.running.at(datetime(2026, 1, 14, 23, 0, 1, tzinfo=UTC))
    after = await desk.referred()
    for parameter in ("asOf", "knownAt"):
        assert await desk.kinds(before, INES, **{parameter: "2026-01-14"})
        assert await desk.kinds(after, INES, **{parameter: "2026-01-14"}) == []
        assert await desk.kinds(after, INES, **{parameter: "2026-01-15"})
    nobody = await desk.running.read(INES, f"{after.path}/responsibility", asOf="2026-01-14")
    assert nobody == {"caseLead": None, "steps": []}


async def test_an_organisation_sees_a_case_from_its_own_addressing_on(desk: CaseDesk) -> None:
    """What went to another one before is not shown at any date, nor that there was anything."""
    await desk.running.at(january(13))
    first = await desk.opened()
    await desk.running.at(january(15))
    ref = (await desk.running.read(INES, first.offer))["client"]["ref"]
    await desk.accepted(another_person("samenstap", client={"ref": ref}), by=KARIM)
    for what in READS:
        assert "brugwerk" not in str(await desk.running.read(KARIM, first.path + what))
    for parameter in ("asOf", "knownAt"):
        for day in ("2026-01-13", "2026-01-14"):
            earlier = await desk.running.read(KARIM, f"{first.path}/responsibility", **{parameter: day})
            assert earlier == {"caseLead": None, "steps": []}
            assert await desk.kinds(first, KARIM, **{parameter: day}) == []
    assert set(await steps(desk, first, KARIM)) == {"FIRST_CONTACT", "INTAKE"}
