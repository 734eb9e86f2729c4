"""Ports for servers that a test stops and starts again."""

from __future__ import annotations

import random
import socket
from typing import Final

NOT_EPHEMERAL: Final = range(20_000, 32_000)
"""Ports that no outgoing connection gets: while the server is down, a client that tries again and again could
otherwise be given the very port as its own, connect to itself, and keep the server from coming back."""


def free_port() -> int:
    """A port of the loopback address on which nobody listens, and which stays free while the server is down."""
    # Tests that run at once must not try the same ones, whatever seed they were given.
    for port in random.SystemRandom().sample(NOT_EPHEMERAL, 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port found")
