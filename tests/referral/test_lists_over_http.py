"""Lists of referrals and organisations: which filters there are, page by page, and what nobody finds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.referral.context import REFERRALS, ReferralContext
from tests.support.people import AUDITOR, INES, KARIM, LOTTE, Person
from tests.support.problems import assert_problem, pointers
from tests.support.requests import another_person


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "abc"},
        {"limit": "-1"},
        {"limit": "1.5"},
        {"state": "NOWHERE"},
        {"state": "submitted"},
        {"cursor": "abc"},
        {"cursor": ""},
        {"cursor": "x" * 300},
        {"case": "x" * 81},
    ],
)
async def test_what_a_list_cannot_read_is_422(context: ReferralContext, query: dict[str, str]) -> None:
    """Limits outside 1..200, unreadable cursors and unknown filter values are refused, never clamped."""
    assert_problem(await context.running.get(INES, REFERRALS, **query), 422)


async def test_a_list_goes_on_where_it_was_while_others_write(context: ReferralContext) -> None:
    """Going through the pages shows every referral of the beginning exactly once, whatever is written meanwhile."""
    first = [(await context.submit()).rpartition("/")[2] for _ in range(7)]
    seen, cursor = [], None
    while True:
        page = await context.running.read(INES, REFERRALS, limit=2, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]
        if len(seen) < 14:
            await context.submit()
            await context.running.done(LOTTE, f"{REFERRALS}/{first[0]}", "receive") if len(seen) == 2 else None
    assert seen[:7] == first
    assert len(seen) == len(set(seen))


async def test_lists_filter_by_state_case_and_organisation(context: ReferralContext) -> None:
    """Each filter keeps what matches; together they keep what matches all."""
    paths = await context.in_each_state()
    for state, path in paths.items():
        listed = await context.running.read(INES, REFERRALS, state=state, limit=200)
        assert [item["id"] for item in listed["items"]] == [path.rpartition("/")[2]], state
    elsewhere = await context.submit(another_person("samenstap"))
    listed = await context.running.read(INES, REFERRALS, organisation="samenstap")
    assert [item["links"]["self"] for item in listed["items"]] == [elsewhere]
    case = (await context.running.read(INES, elsewhere))["case"]
    listed = await context.running.read(INES, REFERRALS, case=case, state="SUBMITTED", organisation="samenstap")
    assert [item["links"]["self"] for item in listed["items"]] == [elsewhere]
    assert (await context.running.read(INES, REFERRALS, case=case, state="DRAFT"))["items"] == []


async def test_a_list_takes_several_states_and_has_what_is_in_any_of_them(context: ReferralContext) -> None:
    """In the order of all, page by page, once each, also with a state that is named twice; for both sides."""
    paths = await context.in_each_state()
    ids = {path.rpartition("/")[2]: state for state, path in paths.items()}
    for person in (INES, LOTTE):
        everything = [item["id"] for item in (await context.running.read(person, REFERRALS, limit=200))["items"]]
        for wanted in (["DECLINED", "SUBMITTED"], ["SUBMITTED", "SUBMITTED", "ACCEPTED", "WAITLISTED"]):
            expected = [one for one in everything if ids[one] in wanted]
            met: list[str] = []
            asked: dict[str, str] = {}
            while True:
                page = await context.running.read(person, REFERRALS, state=wanted, limit=1, **asked)
                met += [item["id"] for item in page["items"]]
                if page["next"] is None:
                    break
                asked = {"cursor": page["next"]}
            assert met == expected, wanted
    case = (await context.running.read(INES, paths["ACCEPTED"]))["case"]
    listed = await context.running.read(INES, REFERRALS, case=case, state=["ACCEPTED", "DECLINED"])
    assert [item["state"] for item in listed["items"]] == ["ACCEPTED"]
    unknown = await context.running.get(INES, REFERRALS, state=["SUBMITTED", "NOWHERE"])
    assert_problem(unknown, 422)
    assert pointers(unknown) == {"/query/state": "INVALID_VALUE"}


async def test_organisations_are_listed_by_several_kinds(context: ReferralContext) -> None:
    """In the order of all, page by page."""
    everything = (await context.running.read(INES, "/v1/organisations", limit=200))["items"]
    wanted = ["AUDIT_BODY", "AGENCY"]
    expected = [one["id"] for one in everything if one["kind"] in wanted]
    assert len(expected) == 3
    met: list[str] = []
    asked: dict[str, Any] = {}
    for _ in expected:
        page = await context.running.read(INES, "/v1/organisations", kind=wanted, limit=1, **asked)
        met += [one["id"] for one in page["items"]]
        asked = {"cursor": page["next"]}
    assert met == expected
    assert asked["cursor"] is None


async def test_a_list_shows_nobody_what_is_not_theirs(context: ReferralContext) -> None:
    """An organisation's list has its own referrals, without drafts, and asking for another's gives nothing."""
    mine, draft, other = (
        await context.submit(),
        await context.draft(),
        await context.submit(another_person("samenstap")),
    )
    listed = [item["links"]["self"] for item in (await context.running.read(LOTTE, REFERRALS))["items"]]
    assert listed == [mine]
    assert (await context.running.read(LOTTE, REFERRALS, organisation="samenstap"))["items"] == []
    assert [i["links"]["self"] for i in (await context.running.read(KARIM, REFERRALS))["items"]] == [other]
    listed = [item["links"]["self"] for item in (await context.running.read(INES, REFERRALS))["items"]]
    assert listed == [mine, draft, other]


async def assert_summaries_are_true(context: ReferralContext, person: Person) -> None:
    """Each summary says what the referral itself says."""
    for summary in (await context.running.read(person, REFERRALS))["items"]:
        whole = await context.running.read(person, summary["links"]["self"])
        same = ("id", "case", "state", "version", "agency", "dueAt", "overdue", "links")
        never = whole["state"] == "DRAFT" or whole["reason"] == "DRAFT_LAPSED"
        addressed = None if never else whole["to"]
        assert summary == {
            **{name: whole[name] for name in same},
            "organisation": addressed,
            "clientRef": whole["client"]["ref"],
        }


async def test_a_summary_says_what_the_referral_says(context: ReferralContext) -> None:
    """In every state that a list meets, to all who read it, before its terms have passed and after."""
    await context.in_each_state()
    for days in (0, 4, 11, 40):
        await context.running.at(context.running.clock.now() + timedelta(days=days))
        for person in (INES, LOTTE, AUDITOR):
            await assert_summaries_are_true(context, person)


async def test_expand_full_answers_whole_referrals_and_nothing_else_is_accepted(context: ReferralContext) -> None:
    """Each as it is read by itself, with the actions that are possible."""
    path = await context.submit()
    whole = await context.running.read(LOTTE, path)
    assert (await context.running.read(LOTTE, REFERRALS, expand="full"))["items"] == [whole]
    refused = assert_problem(await context.running.get(LOTTE, REFERRALS, expand="all"), 422)
    assert refused["errors"][0]["pointer"] == "/query/expand"
