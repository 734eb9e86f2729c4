"""How an organisation's system follows what happens: by subscription, by pulling, and by waiting for a position."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent, connect_sse

from tests.journeys.sandbox import Outsider, sandbox
from tests.support.people import AUDITOR, INES, KARIM, LOTTE, Person
from tests.support.requests import another_person

pytestmark = pytest.mark.xdist_group("journey of following")

SOON = 15.0
"""Longer than a busy machine takes for anything."""


@pytest.fixture(scope="module")
def outside(engines: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outsider]:
    """Developers of both sides, at an empty sandbox on 12 January."""
    with sandbox(tmp_path_factory.mktemp("following") / "var", "--empty", **engines) as (_, developer):
        developer.clock(INES, "2026-01-12T10:00:00Z", frozen=False)
        yield developer


class Listener:
    """A subscriber's connection: events arrive in a queue, until it hangs up."""

    def __init__(self, outside: Outsider, person: Person, **headers: str) -> None:
        self._outside = outside
        self._headers = {**outside.headers(person), **headers}
        self._events: queue.Queue[ServerSentEvent] = queue.Queue()
        self._connected = threading.Event()
        self._hang_up = threading.Event()
        self._last: str | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self._connected.wait(SOON)

    def _listen(self) -> None:
        # The line of its own ends with the test's sandbox, if nothing more comes.
        with (
            suppress(httpx.TransportError),
            httpx.Client(base_url=self._outside.url, timeout=60) as http,
            connect_sse(http, "GET", "/v1/stream", headers=self._headers) as source,
        ):
            assert source.response.status_code == 200
            self._connected.set()
            for event in source.iter_sse():
                self._events.put(event)
                if self._hang_up.is_set() and self._last in (None, event.json()["subject"]):
                    return

    def next(self) -> tuple[str, dict[str, Any], float]:
        """The next event: its id, the CloudEvent, and when it was taken from the line."""
        event = self._events.get(timeout=SOON)
        message: dict[str, Any] = json.loads(event.data)
        assert event.event == message["type"]
        return event.id, message, time.monotonic()

    def until(self, case: str, kind: str) -> tuple[list[str], str]:
        """The ids of the messages of a case up to the first of a type, and the cursor behind it."""
        seen: list[str] = []
        while True:
            cursor, message, _ = self.next()
            if message["subject"] == case:
                seen.append(message["id"])
                if message["type"].endswith(kind):
                    return seen, cursor

    def hang_up(self, case: str | None = None) -> None:
        """Ends the connection with the next event that comes, or with the next one of a case."""
        self._last = case
        self._hang_up.set()


def test_a_subscriber_receives_a_referral_the_moment_it_is_posted(outside: Outsider, engines: dict[str, str]) -> None:
    """Within a second of the agency's answer the organisation's system has the message, over Kafka soon after."""
    listener = Listener(outside, LOTTE)
    posted = outside.refer(INES, another_person()).json()
    answered = time.monotonic()
    while True:
        _, message, arrived = listener.next()
        if message["subject"] == posted["case"]:
            break
    assert message["type"] == "org.caserelay.referral.submitted.v1"
    assert message["data"]["referral"] == posted["id"]
    assert arrived - answered < (5 if engines else 1)
    assert "contact" not in message["data"]
    listener.hang_up()
    outside.refer(INES, another_person())


def test_a_subscriber_that_comes_back_loses_nothing_and_is_told_nothing_twice(outside: Outsider) -> None:
    """What happened while it was away comes first, from the last id that it has seen."""
    listener = Listener(outside, LOTTE)
    posted = outside.refer(INES, another_person()).json()
    case, offer = posted["case"], f"/v1/referrals/{posted['id']}"
    listener.hang_up(case)
    before, cursor = listener.until(case, "referral.submitted.v1")
    outside.does(LOTTE, offer, "receive")
    outside.does(LOTTE, offer, "accept", {"coordinator": LOTTE.sub})
    again = Listener(outside, LOTTE, **{"Last-Event-ID": cursor})
    after, _ = again.until(case, "case.responsibility_transferred.v1")
    again.hang_up()
    seen = before + after
    assert len(seen) == len(set(seen))
    told = [one["id"] for one in outside.feed(LOTTE) if one["subject"] == case]
    assert seen == told


def test_the_feed_goes_on_where_the_subscription_ended(outside: Outsider) -> None:
    """One cursor for both: an id of the stream goes into `after` of the feed."""
    listener = Listener(outside, LOTTE)
    posted = outside.refer(INES, another_person()).json()
    listener.hang_up(posted["case"])
    _, cursor = listener.until(posted["case"], "referral.submitted.v1")
    done = outside.does(LOTTE, f"/v1/referrals/{posted['id']}", "receive")
    page = outside.read(LOTTE, "/v1/feed", after=cursor, waitFor=done.headers["Position"])
    kinds = [one["type"] for one in page["items"] if one["subject"] == posted["case"]]
    assert kinds[-1] == "org.caserelay.referral.received.v1"
    assert "org.caserelay.referral.submitted.v1" not in kinds


def test_what_follows_from_a_message_names_it_and_its_position_and_comes_behind_it(outside: Outsider) -> None:
    """So a reader that follows several topics with a client of its own can tell whether it has had the cause."""
    listener = Listener(outside, LOTTE)
    case = outside.refer(INES, another_person()).json()["case"]
    told = dict[str, dict[str, Any]]()
    while "org.caserelay.case.opened.v1" not in told:
        _, message, _ = listener.next()
        if message["subject"] == case:
            told[message["type"]] = message
    cause, effect = told["org.caserelay.referral.submitted.v1"], told["org.caserelay.case.opened.v1"]
    assert (effect["causationid"], effect["causationsequence"]) == (cause["id"], cause["sequence"])
    assert not {"causationid", "causationsequence"} & cause.keys()
    listener.hang_up()
    outside.refer(INES, another_person())


def test_a_stranger_to_the_case_is_sent_nothing_of_it(outside: Outsider) -> None:
    """The organisation that was not addressed learns nothing, neither pushed nor pulled."""
    posted = outside.refer(INES, another_person())
    page = outside.read(KARIM, "/v1/feed", waitFor=posted.headers["Position"], limit=200)
    assert posted.json()["case"] not in json.dumps(page)


@pytest.mark.parametrize("path", ["/v1/cases/{case}", "/v1/cases/{case}/timeline", "/v1/cases/{case}/responsibility"])
def test_a_read_at_casefile_covers_the_referral_that_it_waits_for(outside: Outsider, path: str) -> None:
    """The position of the POST is understood by the service that follows."""
    for _ in range(3):
        posted = outside.refer(INES, another_person())
        answer = outside.get(INES, path.format(case=posted.json()["case"]), waitFor=posted.headers["Position"])
        assert answer.status_code == 200


def test_lists_worklist_and_feed_cover_the_referral_that_they_wait_for(outside: Outsider) -> None:
    """Whatever is asked next, the referral is in it."""
    for _ in range(3):
        posted = outside.refer(INES, another_person())
        case, position = posted.json()["case"], posted.headers["Position"]
        for path in ("/v1/worklist", "/v1/feed", "/v1/cases"):
            answer = outside.read(LOTTE, path, waitFor=position, limit=200)
            assert case in json.dumps(answer), path


def test_a_position_of_casefile_is_understood_by_the_referral_service(outside: Outsider) -> None:
    """The accepted handback completes the referral, and a reader who waits for it reads it completed."""
    posted = outside.refer(INES, another_person())
    case, offer = f"/v1/cases/{posted.json()['case']}", f"/v1/referrals/{posted.json()['id']}"
    outside.does(LOTTE, offer, "receive")
    accepted = outside.does(LOTTE, offer, "accept", {"coordinator": LOTTE.sub})
    unsuitable = {"suitable": False, "reason": "NEEDS_OTHER_SUPPORT"}
    outside.does(LOTTE, case, "conclude-intake", unsuitable, wait_for=accepted.headers["Position"])
    closed = outside.does(INES, case, "accept-handback", {"decision": "RE_REFER"})
    read = outside.read(INES, offer, waitFor=closed.headers["Position"])
    assert read["state"] == "COMPLETED"


def test_a_position_that_nobody_gave_is_refused(outside: Outsider) -> None:
    """422 with the parameter's name, and no waiting."""
    unreadable = outside.get(AUDITOR, "/v1/cases", waitFor="nonsense")
    assert (unreadable.status_code, unreadable.json()["errors"][0]["pointer"]) == (422, "/query/waitFor")
