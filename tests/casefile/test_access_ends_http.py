"""When an organisation's access ends: one rule, written down by who ends its part, and read by both services."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from services.chassis.log.event_log import Write
from services.chassis.modelling.plain import members
from services.referral.events import EVENT_TYPES
from services.sandbox.demo import PROGRAMME, PROGRAMME_VERSION
from tests.casefile.cases import ANSWER, REPORT, CaseContext, Told, assert_problem
from tests.support.golden import corpus
from tests.support.people import INES, LOTTE, OPERATOR, TOM

TWENTY_WORKING_DAYS: Final[dict[str, Any]] = {
    **PROGRAMME_VERSION,
    "terms": {"NGO_ACCESS": {"n": 20, "unit": "WORKING_DAYS"}},
}
TUESDAY: Final = datetime(2026, 1, 13, 9, tzinfo=UTC)
LAST: Final = datetime(2026, 2, 10, 22, 59, 59, tzinfo=UTC)
"""The end of Tuesday 10 February in Brussels: the twentieth working day after 13 January, by the wall calendar."""
JUST_BEFORE: Final = LAST.replace(second=58)


@pytest.fixture
async def context(context: CaseContext) -> CaseContext:
    """On Tuesday 13 January, with a programme in which access ends twenty working days after the part."""
    published = await context.running.send(
        OPERATOR, "PUT", f"/v1/programmes/{PROGRAMME}/versions/2", TWENTY_WORKING_DAYS
    )
    assert published.status_code == 200, published.text
    await context.running.settle()
    await context.running.at(TUESDAY)
    return context


async def statuses(context: CaseContext, case: Told) -> tuple[int, int]:
    """What the organisation is answered by the referral and by the case."""
    referral = await context.running.get(LOTTE, case.offer)
    return referral.status_code, (await context.running.get(LOTTE, case.path)).status_code


async def ends_with_the_twentieth_working_day(context: CaseContext, case: Told) -> None:
    """Both are open to the last second of it, and both closed from then on."""
    await context.running.settle()
    await context.running.at(JUST_BEFORE)
    assert await statuses(context, case) == (200, 200)
    await context.running.at(LAST)
    assert await statuses(context, case) == (403, 403)
    for path in (case.offer, case.path, f"{case.path}/timeline"):
        assert_problem(await context.running.get(LOTTE, path), 403, "ACCESS_ENDED")


@pytest.mark.parametrize("end", ["decline", "withdraw", "error"])
async def test_both_services_end_the_access_at_the_same_moment(context: CaseContext, end: str) -> None:
    """Of a referral that ended unanswered: in working days, by the calendar of the programme's country."""
    case = await context.referred()
    await context.follow(case, LOTTE, "receive")
    if end == "decline":
        await context.follow(case, LOTTE, "decline", {"reason": "CAPACITY_FULL"})
    elif end == "withdraw":
        await context.follow(case, INES, "withdraw", {"reason": "CLIENT_MOVED"})
    else:
        await context.follow(case, INES, "mark-error", {"justification": "another person was meant"})
        await context.follow(case, TOM, "confirm-error")
    await ends_with_the_twentieth_working_day(context, case)


async def test_after_a_handback_it_is_counted_from_the_end_of_the_trajectory(context: CaseContext) -> None:
    """Not from the day on which the agency accepts the report, days later."""
    case = await context.brought_to("HANDBACK_DUE")
    await context.running.at(datetime(2026, 1, 21, 9, tzinfo=UTC))
    await context.running.done(LOTTE, case.path, "request-handback", REPORT)
    await context.running.at(datetime(2026, 1, 26, 9, tzinfo=UTC))
    await context.running.done(INES, case.path, "accept-handback", ANSWER)
    await context.running.settle()
    assert (await context.running.read(INES, case.offer))["state"] == "COMPLETED"
    await ends_with_the_twentieth_working_day(context, case)


async def test_an_end_of_old_that_says_nothing_of_it_keeps_the_rule_of_old(context: CaseContext) -> None:
    """Bytes from before: the access to the referral ends as many days later as the term has, as it did then."""
    types = EVENT_TYPES
    case = await context.referred()
    await context.follow(case, LOTTE, "receive")
    log = context.running.service("referral").log
    stream = f"referral-{case.offer.rsplit('/', 1)[1]}"
    received = (await log.read(stream))[-1].event
    old, meta = types.decode("referral.declined.v1", corpus("referral").samples()["referral.declined.v1"])
    assert old.access is None
    declined = type(old)(
        **{name: getattr(old, name) for name in members(type(old)) or ()} | {"offer": received.offer, "at": TUESDAY}
    )
    await log.append([Write(stream, 2, [(declined, meta)])])
    for day, status in ((2, 200), (2, 403)):
        hour = 8 if status == 200 else 9
        await context.running.at(datetime(2026, 2, day, hour, tzinfo=UTC))
        assert (await context.running.get(LOTTE, case.offer)).status_code == status
