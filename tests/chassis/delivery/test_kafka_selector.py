"""The selector of the clients of Kafka finds what Python's own does, and asks nothing of the system for it."""

from __future__ import annotations

import selectors
import socket
import sys
from collections.abc import Iterator
from types import FrameType

import pytest

from services.chassis.delivery.kafka.clients import Cluster
from services.chassis.delivery.kafka.selector import Selector


@pytest.fixture
def selector() -> Iterator[Selector]:
    """One that watches nothing yet."""
    with Selector() as selector:
        yield selector


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two that are connected."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_it_finds_what_is_registered(selector: Selector, pair: tuple[socket.socket, socket.socket]) -> None:
    """By the socket as by its number, and after it was closed by itself, as Python's own does."""
    registered, _ = pair
    key = selector.register(registered, selectors.EVENT_READ, "a task")
    assert selector.get_key(registered) is selector.get_key(registered.fileno()) is key
    registered.close()
    assert selector.get_key(registered) is key
    assert selector.unregister(registered) == key


def test_what_is_not_registered_is_told_without_a_question_to_the_system(
    selector: Selector, pair: tuple[socket.socket, socket.socket]
) -> None:
    """Also once it is closed, where it has no number."""
    lacking, other = pair
    selector.register(other, selectors.EVENT_READ)
    called = list[str]()

    def note(_frame: FrameType, event: str, function: object) -> None:
        if event == "c_call":
            called.append(getattr(function, "__name__", ""))

    sys.setprofile(note)
    try:
        with pytest.raises(KeyError):
            selector.get_key(lacking)
    finally:
        sys.setprofile(None)
    assert "fileno" in called
    assert {"getsockname", "getpeername"}.isdisjoint(called)
    lacking.close()
    with pytest.raises(ValueError, match="Invalid file"):
        selector.get_key(lacking)


def test_every_client_has_it() -> None:
    """Else they have Python's own."""
    assert Cluster.at("127.0.0.1:9092").options()["selector"] is Selector
