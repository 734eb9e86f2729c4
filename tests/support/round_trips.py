"""Counts round trips to PostgreSQL where they can be seen: on the wire, between the client and the server."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

READY: Final = b"Z"
"""ReadyForQuery: the server has answered all that was sent, and waits
(https://www.postgresql.org/docs/current/protocol-message-formats.html)."""


class RoundTrips:
    """A relay in front of a server: every answer that the server ends by waiting for more is a round trip.

    It has threads of its own, so that a client may wait for it on the event loop.
    """

    def __init__(self, url: str) -> None:
        self.count = 0
        self.lost = 0
        self._server = conninfo_to_dict(url)
        self._meanwhile: Callable[[], object] | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        self._threads: list[Thread] = []
        port = self._listener.getsockname()[1]
        # In the clear, so that the messages can be told apart.
        self.url = make_conninfo(url, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")
        self._start(self._accept)

    def lose_next_answer(self, meanwhile: Callable[[], object]) -> None:
        """The next answer never arrives, and its connection ends; before that, `meanwhile` is done."""
        self._meanwhile = meanwhile

    def _start(self, work: Callable[..., None], *values: socket.socket) -> None:
        self._threads.append(Thread(target=work, args=values, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._connected()
                self._open += client, server
                self._start(self._ask, client, server)
                self._start(self._answer, server, client)

    def _connected(self) -> socket.socket:
        host, port = str(self._server["host"]), int(self._server.get("port") or 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(f"{host}/.s.PGSQL.{port}")
        return connected

    @staticmethod
    def _ask(client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while sent := client.recv(65_536):
                server.sendall(sent)
        _end(server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError, EOFError), server.makefile("rb") as answers:
            lost = False
            while not lost or self._meanwhile is not None:
                kind, length = _exactly(answers.read(1), 1), _exactly(answers.read(4), 4)
                rest = answers.read(int.from_bytes(length) - 4)
                self.count += kind == READY
                lost = self._meanwhile is not None
                if not lost:
                    client.sendall(kind + length + rest)
                elif kind == READY and self._meanwhile is not None:
                    meanwhile, self._meanwhile = self._meanwhile, None
                    meanwhile()
                    self.lost += 1
        _end(client)

    def close(self) -> None:
        """Ends every connection, and waits for the threads."""
        for one in self._open:
            _end(one)
        for thread in self._threads:
            thread.join(10)
        for one in self._open:
            one.close()


def _exactly(found: bytes, number: int) -> bytes:
    if len(found) < number:
        raise EOFError
    return found


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def counted(url: str) -> Iterator[RoundTrips]:
    """A relay in front of the database; its `url` is the way through it."""
    trips = RoundTrips(url)
    try:
        yield trips
    finally:
        trips.close()
