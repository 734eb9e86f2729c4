"""Ports for servers that a test stops and starts again."""

from __future__ import annotations

import os
import random
import socket
from typing import Final

NOT_EPHEMERAL: Final = range(20_000, 32_000)
"""Ports that no outgoing connection gets: while the server is down, a client that tries again and again could
otherwise be given the very port as its own, connect to itself, and keep the server from coming back."""


WORKERS: Final = 8
"""Test processes that run side by side at most (`--maxprocesses` in the Makefile): each has ports of its own."""
_WORKER: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
_GIVEN: Final[set[int]] = set()


def free_port() -> int:
    """A port of the loopback address on which nobody listens, and which stays free while the server is down.

    It is given once: between the draw and the server's start it would look free to everyone else, and a test would
    speak to the server of another one.
    """
    # Runs side by side must not try the same ones, whatever seed they were given.
    for port in random.SystemRandom().sample(NOT_EPHEMERAL[_WORKER::WORKERS], 100):
        if port in _GIVEN:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            _GIVEN.add(port)
            return port
    raise AssertionError("no free port found")
