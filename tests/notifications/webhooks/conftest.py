"""Receivers on loopback, one that speaks http and one with a certificate, and a sender that may reach both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from services.notifications.webhooks.sender import Sender
from tests.notifications.webhooks.sending import LOOPBACK, names
from tests.support.certificates import Authority
from tests.support.fault_receiver import FaultReceiver, receiving


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signed the certificates of all receivers."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def receiver() -> Iterator[FaultReceiver]:
    """Speaks http."""
    with receiving() as started:
        yield started


@pytest.fixture
def secure(authority: Authority) -> Iterator[FaultReceiver]:
    """Speaks https, as hooks.example.org."""
    with receiving(authority.server("hooks.example.org")) as started:
        yield started


@pytest.fixture
async def make_sender() -> AsyncIterator[Callable[..., Sender]]:
    """Makes senders, and closes what they leave open."""
    made: list[Sender] = []

    def make(*args: Any, **kwargs: Any) -> Sender:
        made.append(Sender(*args, **kwargs))
        return made[-1]

    yield make
    for sender in made:
        await sender.close()


@pytest.fixture
async def sender(make_sender: Callable[..., Sender], authority: Authority) -> Sender:
    """May reach loopback, where every name is."""
    return make_sender(LOOPBACK, trust=authority.trust(), resolve=names({}))


@pytest.fixture
async def hasty(make_sender: Callable[..., Sender], authority: Authority) -> Sender:
    """The same, and gives up after half a second."""
    return make_sender(LOOPBACK, trust=authority.trust(), resolve=names({}), seconds=0.5)
