"""The feed, page by page."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import referral
from contracts.casefile.closing import CaseReopened
from contracts.message import as_json
from services.chassis.log.epochs_sqlite import begin_in_restored_file
from services.chassis.log.position import Position
from services.notifications.catalogue import MESSAGES
from services.notifications.lists import _runs
from tests.notifications.messages import AGENCY, BRUGWERK, LOTTE, SAMENSTAP, Story, described
from tests.notifications.running import Running, running


def lose_the_index(directory: Path) -> None:
    """As a broken disk, or somebody who tidies up, might."""
    files = list(directory.glob("notifications-index.db*"))
    assert files
    for file in files:
        file.unlink()


def forget_epochs(directory: Path) -> None:
    """As the log was that a version without epochs has written."""
    with closing(sqlite3.connect(directory / "notifications-log.db")) as db:
        db.execute("DROP TABLE log_epochs")


def cut(directory: Path, head: int) -> None:
    """As the log is that was restored from a backup made at that head."""
    path = directory / "notifications-log.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DELETE FROM stored_events WHERE position > ?", (head,))
        db.execute("UPDATE sqlite_sequence SET seq = ?", (head,))
    begin_in_restored_file(path)


def earlier(position: int) -> str:
    """A cursor as versions made them that did not seal any."""
    return base64.urlsafe_b64encode(f"c1:{position}".encode()).decode().rstrip("=")


async def test_what_is_published_is_in_the_feed_as_it_was_published(system: Running) -> None:
    """An item is the CloudEvent itself, envelope and data."""
    (sent,) = await system.publishing.publish(Story("case-1").submitted(BRUGWERK))
    assert await system.items(BRUGWERK) == [as_json(sent)]


async def test_both_sides_read_the_same_items_in_the_same_order_their_own_acts_included(system: Running) -> None:
    """What the organisation did itself is in its feed like what the agency did."""
    story = Story("case-1")
    sent = await system.publishing.publish(
        story.submitted(BRUGWERK),
        story.of_referral(referral.ReferralReceived, BRUGWERK, by=LOTTE),
        story.of_referral(referral.ReferralAccepted, BRUGWERK, by=LOTTE, coordinator="lotte.claes"),
    )
    assert await system.seen(BRUGWERK) == await system.seen(AGENCY) == [event.id for event in sent]


async def test_next_leads_through_the_whole_feed_without_loss_or_repeat(system: Running) -> None:
    """Pages of any size show everything once, and the end of the feed goes on where something new will stand."""
    sent = await system.publishing.publish(
        *(Story(f"case-{n % 3}").submitted(BRUGWERK, name=f"-{n}") for n in range(7))
    )
    seen: list[str] = []
    query = {"limit": "3"}
    for expected in (3, 3, 1, 0):
        page = (await system.get(BRUGWERK, **query)).json()
        assert len(page["items"]) == expected
        seen += [item["id"] for item in page["items"]]
        query["after"] = page["next"]
    assert seen == [event.id for event in sent]
    (later,) = await system.publishing.publish(Story("case-9").submitted(BRUGWERK))
    assert [item["id"] for item in await system.items(BRUGWERK, **query)] == [later.id]


async def test_next_is_there_before_anything_has_happened_and_goes_on_from_there(system: Running) -> None:
    """An empty feed has a place too."""
    page = (await system.get(BRUGWERK)).json()
    assert page["items"] == []
    (sent,) = await system.publishing.publish(Story("case-1").submitted(BRUGWERK))
    assert [item["id"] for item in await system.items(BRUGWERK, after=page["next"])] == [sent.id]


async def test_next_advances_past_what_the_caller_may_not_see(system: Running) -> None:
    """A feed that shows nothing still moves on, so that nobody reads over others' messages again and again."""
    before = (await system.get(SAMENSTAP)).json()
    await system.publishing.publish(*(Story(f"case-{n}").submitted(BRUGWERK) for n in range(3)))
    after = (await system.get(SAMENSTAP, after=before["next"])).json()
    assert after["items"] == []
    assert after["next"] != before["next"]
    assert system.place(after["next"]) == system.place((await system.get(BRUGWERK)).json()["next"]) == 3


async def test_types_narrow_the_feed_to_what_was_asked_for(system: Running) -> None:
    """One type or several; the others are passed over."""
    story = Story("case-1")
    sent = await system.publishing.publish(
        story.submitted(BRUGWERK), story.of_referral(referral.ReferralReceived, BRUGWERK), described(SAMENSTAP)
    )
    wanted = f"{referral.OrganisationDescribed.TYPE},{referral.ReferralSubmitted.TYPE}"
    assert [item["id"] for item in await system.items(BRUGWERK, types=wanted)] == [sent[0].id, sent[2].id]
    several = await system.items(BRUGWERK, types=wanted.split(","))
    assert [item["id"] for item in several] == [sent[0].id, sent[2].id]
    received = await system.get(BRUGWERK, types=referral.ReferralReceived.TYPE, limit=1)
    assert [item["id"] for item in received.json()["items"]] == [sent[1].id]


@pytest.mark.parametrize("types", ["", "org.caserelay.nothing.v1", "org.caserelay.referral.submitted.v1,,"])
async def test_an_unknown_type_is_refused_with_all_that_are_known(system: Running, types: str) -> None:
    """Nobody has to guess how a type is spelt, and a misspelt one does not look like silence."""
    answer = await system.get(BRUGWERK, types=types)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("UNKNOWN_TYPE", "/query/types")
    assert all(kind in problem["detail"] for kind in MESSAGES)
    assert "nothing.v1" not in answer.text


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"after": "!"}, "/query/after"),
        ({"after": ""}, "/query/after"),
        ({"after": "x" * 5000}, "/query/after"),
        ({"after": "AAAA"}, "/query/after"),
        ({"after": Position("notifications", 1).token()}, "/query/after"),
        ({"limit": "0"}, "/query/limit"),
        ({"limit": "201"}, "/query/limit"),
        ({"limit": "many"}, "/query/limit"),
        ({"waitFor": "YzE6MQ"}, "/query/waitFor"),
        ({"waitFor": Position("elsewhere", 1).token()}, "/query/waitFor"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_its_pointer(
    system: Running, query: dict[str, str], pointer: str
) -> None:
    """Cursors, positions and limits of a wrong kind are a 422 that names the parameter; nothing is clamped."""
    answer = await system.get(BRUGWERK, **query)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_wait_for_answers_once_the_feed_covers_the_position(system: Running) -> None:
    """A caller finds what it has just done in the feed by the Position of the answer."""
    (sent,) = await system.publishing.publish(Story("case-1").submitted(BRUGWERK))
    async with system.client(BRUGWERK) as client:
        answer = await client.get("/v1/feed", params={"waitFor": Position("referral", int(sent.sequence)).token()})
    assert [item["id"] for item in answer.json()["items"]] == [sent.id]


async def test_a_repeated_message_is_in_the_feed_once(system: Running) -> None:
    """The bus delivers at least once; the feed shows it once, and no message is written twice."""
    sent = await system.publishing.publish(Story("case-1").submitted(BRUGWERK), described(BRUGWERK))
    for event in sent:
        await system.publishing.repeat(event)
    await system.abreast()
    assert await system.seen(BRUGWERK) == [event.id for event in sent]
    assert await system.service.log.head() == len(sent)


async def test_a_cursor_of_other_types_is_refused(system: Running) -> None:
    """It would pass over what the other types have behind it; in another order they are the same types."""
    await system.publishing.publish(Story("case-1").submitted(BRUGWERK), described(SAMENSTAP))
    one, other = referral.ReferralSubmitted.TYPE, referral.OrganisationDescribed.TYPE
    page = (await system.get(BRUGWERK, types=f"{one},{other}", limit=1)).json()
    assert len(await system.items(BRUGWERK, types=f"{other},{one}", after=page["next"])) == 1
    for query in ({}, {"types": one}, {"types": other}):
        refused = await system.get(BRUGWERK, after=page["next"], **query)
        assert (refused.status_code, refused.json()["code"]) == (422, "CURSOR_OF_OTHER_FILTERS")
        assert "first event" in refused.json()["detail"]


async def test_a_cursor_of_another_caller_is_refused(system: Running) -> None:
    """Of another organisation, another role."""
    await system.publishing.publish(Story("case-1").submitted(BRUGWERK))
    following = (await system.get(BRUGWERK)).json()["next"]
    for org, role in ((AGENCY, None), (BRUGWERK, "NGO_LEAD")):
        refused = await system.get(org, role, after=following)
        assert (refused.status_code, refused.json()["code"]) == (422, "CURSOR_OF_ANOTHER_CALLER")


async def test_cursors_of_a_log_older_than_their_seal_go_on(tmp_path: Path) -> None:
    """Subscribers have stored `c1:<position>`; what a younger log never gave out it does not take."""
    async with running(tmp_path) as system:
        sent = await system.publishing.publish(*(Story(f"case-{n}").submitted(BRUGWERK) for n in range(3)))
        await system.abreast()
        refused = await system.get(BRUGWERK, after=earlier(1))
        assert (refused.status_code, refused.json()["code"]) == (422, "CURSOR_UNREADABLE")
    forget_epochs(tmp_path)
    async with running(tmp_path) as system:
        assert [item["id"] for item in await system.items(BRUGWERK, after=earlier(1))] == [one.id for one in sent[1:]]
        (later,) = await system.publishing.publish(Story("case-4").submitted(BRUGWERK))
        assert [item["id"] for item in await system.items(BRUGWERK, after=earlier(3))] == [later.id]
        refused = await system.get(BRUGWERK, after=earlier(5))
        assert (refused.status_code, refused.json()["code"]) == (422, "CURSOR_BEYOND_LOG")
    # A backup made by the earlier version: what a cursor of then stands behind may be lost, or told once more.
    forget_epochs(tmp_path)
    begin_in_restored_file(tmp_path / "notifications-log.db")
    async with running(tmp_path) as system:
        await system.publishing.publish(*(Story(f"case-{n}").submitted(BRUGWERK) for n in range(5, 8)))
        assert len(await system.items(BRUGWERK, after=earlier(4))) == 3
        refused = await system.get(BRUGWERK, after=earlier(5))
        assert (refused.status_code, refused.json()["code"]) == (422, "CURSOR_BEYOND_LOG")


async def test_a_cursor_beyond_a_log_that_was_cut_says_so_for_ever(tmp_path: Path) -> None:
    """Also once the log is as long again: what it stands behind are other events."""
    async with running(tmp_path) as system:
        sent = await system.publishing.publish(*(Story(f"case-{n}").submitted(BRUGWERK) for n in range(3)))
        pages = [(await system.get(BRUGWERK, limit=n)).json()["next"] for n in (1, 2, 3)]
    cut(tmp_path, 2)
    lose_the_index(tmp_path)
    async with running(tmp_path) as system:
        refused = await system.get(BRUGWERK, after=pages[2])
        assert (refused.status_code, refused.json()["code"]) == (422, "CURSOR_BEYOND_LOG")
        await system.publishing.publish(Story("case-8").submitted(BRUGWERK), Story("case-9").submitted(BRUGWERK))
        refused = await system.get(BRUGWERK, after=pages[2])
        assert (refused.status_code, refused.json()["code"]) == (422, "CURSOR_BEYOND_LOG")
        assert "leave `after` out" in refused.json()["detail"]
        # What the backup held is where it was.
        assert [item["id"] for item in await system.items(BRUGWERK, after=pages[0], limit=1)] == [sent[1].id]
        assert len(await system.items(BRUGWERK, after=pages[1])) == 2


async def test_a_restart_changes_nothing_and_what_came_meanwhile_follows(tmp_path: Path) -> None:
    """The feed is kept, its cursors stay valid, and nothing published while the service was down is missing."""
    async with running(tmp_path) as system:
        before = await system.publishing.publish(Story("case-1").submitted(BRUGWERK), described(BRUGWERK))
        page = (await system.get(BRUGWERK, limit=1)).json()
    async with running(tmp_path) as system:
        (meanwhile,) = await system.publishing.publish(Story("case-2").submitted(BRUGWERK))
        following = await system.items(BRUGWERK, after=page["next"])
        assert [item["id"] for item in following] == [before[1].id, meanwhile.id]


async def test_a_lost_index_is_put_together_again_from_the_log(tmp_path: Path) -> None:
    """The index is no source of anything: without it the feed is the same."""
    async with running(tmp_path) as system:
        story = Story("case-1")
        await system.publishing.publish(
            story.submitted(BRUGWERK), story.declined(BRUGWERK), story.submitted(SAMENSTAP), described(BRUGWERK)
        )
        feeds = [await system.seen(org) for org in (AGENCY, BRUGWERK, SAMENSTAP)]
    lose_the_index(tmp_path)
    async with running(tmp_path) as system:
        assert [await system.seen(org) for org in (AGENCY, BRUGWERK, SAMENSTAP)] == feeds


async def test_a_message_of_a_type_that_nobody_knows_waits_aside_and_holds_up_only_its_case(system: Running) -> None:
    """A newer writer may be ahead: what its message means for the parties is not guessed."""
    story, other = Story("case-1"), Story("case-2")
    first, *_ = await system.publishing.publish(story.submitted(BRUGWERK))
    unknown = await system.publishing.publish_unknown(story.declined(BRUGWERK), "org.caserelay.referral.praised.v1")
    (second,) = await system.publishing.publish(other.submitted(BRUGWERK))
    assert await system.seen(BRUGWERK) == [first.id, second.id]
    assert await system.service.parked() == {"referral": 1, "casefile": 0}
    assert unknown.id not in await system.seen("rekenhof-demo")


async def test_a_cause_is_in_the_feed_before_its_effect(system: Running) -> None:
    """The topics are read side by side; what casefile says of a case still follows the referral that opened it."""
    # Many referrals to take in before the one that matters, and a single message on the other topic.
    stories = [Story(f"case-{n}") for n in range(150)]
    causes = await system.publishing.publish(*(story.submitted(BRUGWERK) for story in stories))
    effect = await system.publishing.publish_what_follows(causes[-1], stories[-1].of_case(CaseReopened))
    assert await system.seen(AGENCY) == [*(event.id for event in causes), effect.id]


def test_every_published_message_is_known_by_its_type() -> None:
    """Whatever the contracts of the two services declare can be taken in and asked for."""
    assert {"org.caserelay.referral.submitted.v1", "org.caserelay.case.handback_accepted.v1"} <= MESSAGES.keys()
    assert all(kind == model.TYPE and model.NAME for kind, model in MESSAGES.items())


@settings(max_examples=50)
@given(st.sets(st.integers(1, 60)))
def test_neighbouring_positions_are_read_together_and_no_others(positions: set[int]) -> None:
    """The runs hold exactly the positions asked for, and no two of them touch."""
    runs = _runs(sorted(positions))
    assert [place for first, count in runs for place in range(first, first + count)] == sorted(positions)
    assert all(first + count < following for (first, count), (following, _) in pairwise(runs))
