"""An address is asked to confirm only so often, by anybody: three times in a row, and once a minute beyond that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from services.chassis.http.problems.problem import ProblemError
from services.chassis.memory_stores import MemoryStores
from services.notifications.email.confirmation_rate import ConfirmationRate
from tests.notifications.running import Running, running
from tests.notifications.subscribers import ENDPOINT, MAIL_SERVER, MAILBOX, Subscriber
from tests.support.problems import assert_problem

OTHER: Final = {**MAILBOX, "address": "intake@brugwerk.example.org"}


@pytest_asyncio.fixture
async def system(tmp_path: Path) -> AsyncIterator[Running]:
    """The service in memory, with a mail server set."""
    async with running(tmp_path, stores=MemoryStores(), smtp_url=MAIL_SERVER) as system:
        yield system


def assert_too_often(answer: Any) -> None:
    """Refused, and told when to come back."""
    assert_problem(answer, 429, "CONFIRMATION_SENT_RECENTLY")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


async def test_verify_asks_an_address_three_times_in_a_row(system: Running) -> None:
    """The letter of the beginning is one of them; a refused request changes nothing, and another address is free."""
    lotte = Subscriber(system)
    path = await lotte.created(MAILBOX)
    for _ in range(2):
        assert (await lotte.act(path, "verify")).status_code == 200
    etag = await lotte.etag(path)
    assert_too_often(await lotte.act(path, "verify"))
    assert await lotte.etag(path) == etag
    assert (await lotte.state(path)).challenges == 3
    other = await lotte.created(OTHER)
    assert (await lotte.act(other, "verify")).status_code == 200


async def test_no_other_subscription_and_no_other_way_has_more_letters_sent(system: Running) -> None:
    """Nor another organisation, nor another spelling of the address."""
    lotte = Subscriber(system)
    paths = [await lotte.created(MAILBOX) for _ in range(3)]
    assert_too_often(await lotte.create(MAILBOX))
    assert_too_often(await Subscriber(system, "samenstap").create(MAILBOX))
    local, _, domain = str(MAILBOX["address"]).partition("@")
    for spelling in (f"{local.upper()}@{domain}", f"{local}+again@{domain}"):
        assert_too_often(await lotte.create({**MAILBOX, "address": spelling}))
    assert_too_often(await lotte.act(paths[0], "verify"))
    other = await lotte.created(OTHER)
    etag = await lotte.etag(other)
    assert_too_often(await lotte.send("PUT", other, MAILBOX, If_Match=etag))


async def test_what_sends_no_letter_does_not_count(system: Running) -> None:
    """A dry run, a repeat, a stale version, other choices of the same reader; and a repeat is answered beyond it."""
    lotte = Subscriber(system)
    path = await lotte.created(MAILBOX)
    for number in range(4):
        assert (await lotte.send("POST", f"{path}/verify?dryRun=true", {}, If_Match=await lotte.etag(path))).status_code
        assert_problem(await lotte.act(path, "verify", If_Match='"99"'), 412, "STALE_VERSION")
        changed = {**MAILBOX, "language": ("nl", "fr")[number % 2]}
        assert (await lotte.send("PUT", path, changed, If_Match=await lotte.etag(path))).status_code == 200
    first = await lotte.act(path, "verify", Idempotency_Key='"once"')
    assert first.status_code == 200
    for _ in range(3):
        again = await lotte.act(path, "verify", Idempotency_Key='"once"')
        assert (again.status_code, again.json()) == (200, first.json())
    assert (await lotte.act(path, "verify")).status_code == 200
    assert_too_often(await lotte.act(path, "verify"))
    again = await lotte.act(path, "verify", Idempotency_Key='"once"')
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


async def test_the_challenge_of_an_endpoint_is_no_letter(system: Running) -> None:
    """It is bound by what the organisation may send at all."""
    lotte = Subscriber(system)
    path = await lotte.created(ENDPOINT)
    for _ in range(5):
        assert (await lotte.act(path, "verify")).status_code == 200


def test_one_comes_back_each_minute() -> None:
    """By a clock of the machine, which the sandbox does not move."""
    now = 0.0
    rate = ConfirmationRate(lambda: now)
    for _ in range(3):
        rate.take("a@example.org")
    with pytest.raises(ProblemError) as refused:
        rate.take("a@example.org")
    assert refused.value.headers == {"Retry-After": "60"}
    now = 59.5
    with pytest.raises(ProblemError) as refused:
        rate.take("a@example.org")
    assert refused.value.headers == {"Retry-After": "1"}
    now = 60.0
    rate.take("a@example.org")
    rate.give_back("a@example.org")
    rate.take("a@example.org")
    with pytest.raises(ProblemError):
        rate.take("a@example.org")
