"""An organisation hears by its other endpoints that one of them fails: each of them once, and never without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from standardwebhooks.webhooks import Webhook

from contracts.subscription_codes import DisabledBecause, SubscriptionState, WarningCode
from services.chassis.memory_stores import MemoryStores
from services.chassis.store_opener import StoreOpener
from services.chassis.stores import Stores
from services.notifications.app import build
from services.notifications.delivering.recording import Recording
from services.notifications.domain import subscribing
from services.notifications.domain.warning import EndpointWarned
from tests.notifications.links.mailbox import forget_the_index
from tests.notifications.messages import BRUGWERK
from tests.notifications.receiving import Answer, Received, Receiver, Subscriptions, until
from tests.support.running import Running, running

BEGAN: Final = datetime(2026, 1, 12, 9, tzinfo=UTC)
SINCE: Final = datetime(2026, 1, 12, 8, 29, 15, tzinfo=UTC)
WARNING: Final = "org.caserelay.subscription.warning.v1"
CLOSED: Final = ("org.caserelay.case.closed.v1",)
MINUTE: Final = timedelta(minutes=1)


class Warned:
    """The service on a clock that stands still, and endpoints of organisations at one receiver."""

    def __init__(self, system: Running, there: Receiver) -> None:
        self.system, self.there = system, there
        self.subscriptions = Subscriptions(system.service("notifications"))

    async def endpoint(self, path: str, organisation: str = BRUGWERK, **more: Any) -> str:
        """A proven one."""
        return await self.subscriptions.active(organisation, f"{self.there.url}{path}", **more)

    async def endpoints(self, *paths: str, organisation: str = BRUGWERK) -> list[str]:
        """Several, proven side by side."""
        return await asyncio.gather(*(self.endpoint(path, organisation) for path in paths))

    async def warn(self, subscription: str, warning: WarningCode = WarningCode.FAILING) -> None:
        """It is decided that somebody has to hear of an endpoint, which was away since half past eight."""
        service = self.system.service("notifications")
        recording, state = Recording(service.streams, service.clock), await self.subscriptions.state(subscription)
        await recording.warn(state, warning, SINCE)
        if warning is WarningCode.DISABLED:
            await recording.disable(state, DisabledBecause.GONE, 410)

    async def pass_by(self, time: timedelta) -> None:
        """The clock goes on."""
        await self.system.at(self.system.clock.now() + time)

    async def came(self, count: int) -> list[Received]:
        """All that has come to any endpoint, once it is so much, and a moment later is no more."""
        await until(lambda: len(self.there.received) >= count)
        await self.rested()
        assert len(self.there.received) == count
        return self.there.received

    async def rested(self) -> None:
        """Returns once all that is due now was posted."""
        service = self.system.service("notifications")

        async def nothing_is_due() -> bool:
            await service.projection.catch_up()
            rows = await service.index.first("warnings", "at", limit=50)
            now = self.system.clock.now()
            return not [row for row in rows if datetime.fromisoformat(str(row.columns["at"])) <= now]

        await until(nothing_is_due)


@asynccontextmanager
async def warned(directory: Path, there: Receiver, stores: StoreOpener | None = None) -> AsyncIterator[Warned]:
    """The service over the data of a directory, or of these stores."""
    settings: dict[str, Any] = {"webhook_allow": "127.0.0.0/8", "public_url": "https://caserelay.example.org"}
    async with running(directory, {"notifications": build}, since=BEGAN, stores=stores, **settings) as system:
        yield Warned(system, there)


@pytest.fixture(params=["memory", "files", "postgres"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> StoreOpener:
    """Those of each engine."""
    if request.param == "memory":
        return MemoryStores()
    return Stores(tmp_path / "data", request.getfixturevalue("database_url") if request.param == "postgres" else None)


async def test_other_endpoints_of_the_organisation_are_told(
    tmp_path: Path, there: Receiver, stores: StoreOpener
) -> None:
    """By a signed event that says which, what and since when, whatever types they chose; nobody else is told."""
    async with warned(tmp_path, there, stores) as organisation:
        failing = await organisation.endpoint("/failing?token=secret")
        other = await organisation.endpoint("/other", types=CLOSED)
        await organisation.endpoint("/elsewhere", "samenstap")
        await organisation.warn(failing)
        (came,) = await organisation.came(1)
        assert came.path == "/other"
        assert came.event == {
            "specversion": "1.0",
            "id": came.headers["webhook-id"],
            "source": "/services/notifications",
            "type": WARNING,
            "subject": failing,
            "time": "2026-01-12T09:00:00Z",
            "datacontenttype": "application/json",
            "data": {
                "subscription": failing,
                "warning": "FAILING",
                "since": "2026-01-12T08:29:15Z",
                "href": f"https://caserelay.example.org/v1/subscriptions/{failing}",
            },
        }
        vault = organisation.system.service("notifications").vault
        assert vault is not None
        kept = await vault.read(f"subscription-{other}.keys.1")
        assert kept is not None
        assert Webhook(kept["secret"]).verify(came.body, came.headers) == came.event
        await organisation.warn(failing, WarningCode.DISABLED)
        _, ended = await organisation.came(2)
        assert (ended.path, ended.event["data"]["warning"]) == ("/other", "DISABLED")
        assert ended.event["id"] != came.event["id"]


async def test_endpoints_that_lead_to_one_system_get_one_event(tmp_path: Path, there: Receiver) -> None:
    """Under one id, by which it knows the second one for a repeat."""
    async with warned(tmp_path, there, MemoryStores()) as organisation:
        failing, *_ = await organisation.endpoints("/failing", "/one", "/two")
        await organisation.warn(failing)
        one, two = await organisation.came(2)
        assert {one.path, two.path} == {"/one", "/two"}
        assert one.body == two.body


async def test_who_pauses_or_is_not_proven_is_not_told(tmp_path: Path, there: Receiver) -> None:
    """Nor who fails as well, of whom others were told before."""
    async with warned(tmp_path, there, MemoryStores()) as organisation:
        failing, paused, gone = await organisation.endpoints("/failing", "/paused", "/gone")
        await organisation.warn(gone, WarningCode.DISABLED)
        await organisation.came(2)
        await organisation.subscriptions.give(paused, subscribing.PauseSubscription)
        await organisation.subscriptions.subscribe(BRUGWERK, "http://127.0.0.1:1/nobody")
        await organisation.warn(failing)
        await organisation.pass_by(MINUTE)
        await organisation.came(2)


async def test_a_warning_that_is_not_taken_is_dropped(tmp_path: Path, there: Receiver) -> None:
    """Tried six times in 80 minutes; it is no delivery, and its receiver is not said to fail by it."""
    async with warned(tmp_path, there, MemoryStores()) as organisation:
        failing, other = await organisation.endpoints("/failing", "/other")
        there.answering = lambda *_: Answer(500)
        await organisation.warn(failing)
        await organisation.came(1)
        for number, minutes in enumerate((5, 5, 10, 20, 40), 2):
            await organisation.pass_by(minutes * MINUTE - timedelta(seconds=1))
            await organisation.came(number - 1)
            await organisation.pass_by(timedelta(seconds=1))
            await organisation.came(number)
        await organisation.pass_by(timedelta(days=4))
        await organisation.came(6)
        state = await organisation.subscriptions.state(other)
        assert (state.state, state.warned) == (SubscriptionState.ACTIVE, None)
        assert await organisation.subscriptions.events(other) == []


@pytest.mark.parametrize(("answer", "again"), [(Answer(410), None), (Answer(503, {"Retry-After": "1200"}), 20)])
async def test_what_an_endpoint_says_is_heeded(
    tmp_path: Path, there: Receiver, answer: Answer, again: int | None
) -> None:
    """One that is gone is left alone, and disables itself by its next delivery; `Retry-After` makes a pause longer."""
    async with warned(tmp_path, there, MemoryStores()) as organisation:
        failing, other = await organisation.endpoints("/failing", "/other")
        there.answering = lambda *_: answer
        await organisation.warn(failing)
        await organisation.came(1)
        await organisation.pass_by(19 * MINUTE)
        await organisation.came(1)
        await organisation.pass_by(MINUTE)
        await organisation.came(1 if again is None else 2)
        assert (await organisation.subscriptions.state(other)).state is SubscriptionState.ACTIVE


async def test_endpoints_that_fail_together_do_not_warn_one_another_on_and_on(tmp_path: Path, there: Receiver) -> None:
    """Each may be tried once before it is known of it that it fails; after that nobody tries."""
    async with warned(tmp_path, there, MemoryStores()) as organisation:
        endpoints = await organisation.endpoints("/1", "/2", "/3", "/4")
        there.answering = lambda *_: Answer(503)
        for endpoint in endpoints:
            await organisation.warn(endpoint)
        await organisation.rested()
        # The first may have been tried at three others, the second at two, the third at one.
        tried = len(there.received)
        assert tried <= 3 + 2 + 1
        for _ in range(6):
            await organisation.pass_by(timedelta(hours=2))
            await organisation.rested()
        assert len(there.received) == tried


async def test_an_endpoint_that_hangs_holds_up_its_own_organisation_alone(tmp_path: Path, there: Receiver) -> None:
    """Whose warnings go out one after the other; another organisation is told at once."""
    async with warned(tmp_path, there, MemoryStores()) as organisation:
        mine = await organisation.endpoints(*(f"/mine/{number}" for number in range(18)), organisation="samenstap")
        failing, _ = await organisation.endpoints("/failing", "/other")
        there.answering = lambda *_: Answer(503)
        for endpoint in mine[:17]:
            await organisation.warn(endpoint)
        await organisation.rested()
        hangs = 4.0
        there.answering = lambda path, _: Answer(after=hangs if path.startswith("/mine") else 0.0)
        # At once, and not on a journey, which would take as long.
        organisation.system.clock.move(organisation.system.clock.now() + 10 * MINUTE, frozen=True)
        await until(lambda: there.open["/mine/17"] > 0)
        await organisation.warn(failing)
        await until(lambda: len(there.taken("/other")) == 1)
        hung, other = there.received[-2:]
        assert (hung.path, other.path) == ("/mine/17", "/other")
        assert other.at - hung.at < hangs
        assert there.most_open["/mine/17"] == 1
        await until(lambda: not sum(there.open.values()))


@pytest.mark.on_files
async def test_each_endpoint_is_told_once(tmp_path: Path, there: Receiver) -> None:
    """It does not take it at first, the process ends, and all that the index knows is made again."""
    async with warned(tmp_path, there) as organisation:
        failing, *_ = await organisation.endpoints("/failing", "/at-once", "/later")
        there.answering = lambda path, _: Answer(503 if path == "/later" else 204)
        await organisation.warn(failing)
        await organisation.came(2)
    forget_the_index(tmp_path)
    there.answering = lambda *_: Answer()
    for _ in range(2):
        async with warned(tmp_path, there) as organisation:
            await organisation.pass_by(2 * 60 * MINUTE)
            came = await organisation.came(3)
            assert sorted(each.path for each in came if each.took) == ["/at-once", "/later"]
            log = organisation.system.service("notifications").log
            events = [each.event for each in await log.read_all(0, 1000)]
            assert sum(isinstance(event, EndpointWarned) for event in events) == 2


@pytest.mark.on_files
async def test_what_waited_while_nothing_ran_is_dropped(tmp_path: Path, there: Receiver) -> None:
    """It was tried once, and the next process comes after days in which none of the services was there."""
    async with warned(tmp_path, there) as organisation:
        failing, _ = await organisation.endpoints("/failing", "/other")
        there.answering = lambda *_: Answer(503)
        await organisation.warn(failing)
        await organisation.came(1)
    async with warned(tmp_path, there) as organisation:
        await organisation.pass_by(timedelta(days=6))
        await organisation.came(1)


@pytest.mark.on_files
async def test_no_endpoint_is_told_the_past(tmp_path: Path, there: Receiver) -> None:
    """One came after another was disabled; all that the index knows is made again days later."""
    async with warned(tmp_path, there) as organisation:
        failing = await organisation.endpoint("/failing")
        await organisation.warn(failing, WarningCode.DISABLED)
        await organisation.pass_by(timedelta(days=6))
        await organisation.endpoint("/new")
    forget_the_index(tmp_path)
    async with warned(tmp_path, there) as organisation:
        await organisation.pass_by(2 * 60 * MINUTE)
        await organisation.came(0)
