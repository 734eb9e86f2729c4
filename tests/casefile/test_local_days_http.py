"""Today is the day where the organisation works, and not where the server's clock is set."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.casefile.replay import replay_case
from tests.casefile.cases import PROFILE, CaseContext
from tests.support.people import INES, LOTTE, OPERATOR
from tests.support.problems import pointers


async def test_a_mentors_dates_are_days_where_the_organisation_works(context: CaseContext) -> None:
    """At ten past midnight in Brussels it is the 13th, and in UTC not yet; the 14th is still to come."""
    await context.running.at(datetime(2026, 1, 12, 23, 10, tzinfo=UTC))

    async def screened(day: str) -> Any:
        return await context.running.send(LOTTE, "PUT", f"/v1/mentors/M-{day}", {**PROFILE, "screenedOn": day})

    done = await screened("2026-01-13")
    assert done.status_code == 200, done.text
    refused = await screened("2026-01-14")
    assert pointers(refused) == {"/screenedOn": "IN_THE_FUTURE"}
    assert "clock reads 2026-01-12T23:10:00Z, and a date up to 2026-01-13 is accepted" in refused.text


async def test_a_mentors_date_may_come_from_a_clock_that_is_ahead(context: CaseContext) -> None:
    """Half a minute before midnight it may be the next day for the caller, and a second earlier not."""
    for second, status in ((29, 422), (30, 200)):
        await context.running.at(datetime(2026, 1, 12, 22, 59, second, tzinfo=UTC))
        body = {**PROFILE, "screenedOn": "2026-01-13"}
        answer = await context.running.send(LOTTE, "PUT", "/v1/mentors/M-late", body)
        assert answer.status_code == status, answer.text


async def test_the_day_of_an_organisation_is_that_of_its_programmes(context: CaseContext) -> None:
    """Of one that works in New York it is still the 12th when the 13th has begun in Brussels."""
    running = context.running
    version = (await running.read(INES, "/v1/programmes/mtw-be-2026"))["versions"][0]
    body = {name: value for name, value in version.items() if name != "version"}
    western = {**body, "timeZone": "America/New_York", "country": "US"}
    published = await running.send(OPERATOR, "PUT", "/v1/programmes/mtw-us/versions/1", western)
    assert published.status_code == 200, published.text
    organisation = await running.get(OPERATOR, "/v1/organisations/brugwerk")
    offers = {**organisation.json(), "programmes": ["mtw-us"]}
    done = await running.send(OPERATOR, "PUT", "/v1/organisations/brugwerk", offers, etag=organisation.headers["ETag"])
    assert done.status_code == 200, done.text
    await running.read(LOTTE, "/v1/mentors", waitFor=done.headers["Position"])
    await running.at(datetime(2026, 1, 12, 23, 10, tzinfo=UTC))
    answer = await running.send(LOTTE, "PUT", "/v1/mentors/M-west", {**PROFILE, "screenedOn": "2026-01-13"})
    assert pointers(answer) == {"/screenedOn": "IN_THE_FUTURE"}


@pytest.mark.on_files
async def test_a_date_on_the_shell_is_a_day_of_the_cases_programme(context: CaseContext) -> None:
    """What happens at three in the morning in Brussels still happens on the day before in New York."""
    running = context.running
    version = (await running.read(INES, "/v1/programmes/mtw-be-2026"))["versions"][0]
    body = {name: value for name, value in version.items() if name != "version"}
    western = {**body, "timeZone": "America/New_York", "validFrom": "2026-01-12"}
    published = await running.send(OPERATOR, "PUT", "/v1/programmes/mtw-be-2026/versions/2", western)
    assert published.status_code == 200, published.text
    await running.settle()
    case = await context.referred()
    await running.at(datetime(2026, 1, 13, 2, tzinfo=UTC))
    await context.follow(case, LOTTE, "receive")
    for day, told in ((date(2026, 1, 11), False), (date(2026, 1, 12), True)):
        replayed = await replay_case(running.settings, case.id, day, None)
        assert ("ReferralReceived" in "\n".join(replayed.to_lines())) is told
