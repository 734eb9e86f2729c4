"""Bells between the processes of one data directory: a process that commits to a file rings, and those waiting wake up.

A bell is a datagram socket in the directory `bells` beside the file, whose name says of which file and process it is:
it works wherever processes of one system share files, also across containers, and nobody else can ring it, since only
the owner may enter the directory. A ring says only that there may be something new. It may be missed, so waiters also
look from time to time (`services.chassis.engines.sqlite_wakeup`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

DIRECTORY: Final = "bells"
LONGEST_ADDRESS: Final = 103
"""In bytes, on the system that allows least (macOS)."""
TICK_NS: Final = 20_000_000
"""Longer than a tick of a file system's clock: the directory's time does not show who arrives within one tick."""


class Bell:
    """The bells of one file: those of other processes, to ring, and its own, to hear."""

    def __init__(self, path: Path) -> None:
        """Touches nothing: the first listener makes the directory."""
        self._directory = path.parent / DIRECTORY
        self._prefix = f"{path.name}."
        self._own: socket.socket | None = None
        self._name = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._caller: socket.socket | None = None
        self._others: tuple[str, ...] = ()
        self._listed = 0
        self._perhaps_more = True
        self._opened: int | None = None

    def listen(self, heard: Callable[[], object]) -> bool:
        """From now on the running loop calls `heard` when a process rings; False: there can be no bell here.

        Call it again to hang a bell that was taken away, or for which there was no room.
        """
        if self._own is None or not self._hangs():
            self._take_down()
            if not self._hang():
                return False
        if self._loop is None and self._own is not None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._own.fileno(), self._ring_heard, heard)
        return True

    def deafen(self) -> None:
        """Stops listening for now. Rings meanwhile are heard later."""
        loop, self._loop = self._loop, None
        if loop is not None and self._own is not None and not loop.is_closed():
            loop.remove_reader(self._own.fileno())

    def ring(self) -> None:
        """Rings at all other listening processes. Never waits: a process with unanswered rings needs no further one."""
        try:
            changed = os.stat(self._directory).st_mtime_ns  # noqa: PTH116 - for every commit, and half as dear
        except OSError:
            return
        if changed != self._listed or self._perhaps_more:
            self._listed, self._perhaps_more = changed, abs(time.time_ns() - changed) < TICK_NS
            names = os.listdir(self._directory)  # noqa: PTH208 - as above
            self._others = tuple(name for name in names if name.startswith(self._prefix) and name != self._name)
        for name in self._others:
            self._call(name)

    def _call(self, name: str) -> None:
        if self._caller is None:
            self._caller = _socket()
        try:
            self._caller.sendto(b"\0", self._address(name))
        except ConnectionRefusedError:
            # Its process was killed. The name is never used again.
            with contextlib.suppress(OSError):
                (self._directory / name).unlink()
        except OSError:
            # It has unanswered rings, or has just ended.
            return

    def _hang(self) -> bool:
        name = f"{self._prefix}{os.getpid()}-{secrets.token_hex(4)}"
        own = _socket()
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            self._forget_directory()
            own.bind(self._address(name))
        except OSError:
            # No room, no rights, or a file system that has no sockets.
            own.close()
            return False
        self._own, self._name = own, name
        return True

    def _hangs(self) -> bool:
        return os.path.lexists(self._directory / self._name)

    def _take_down(self) -> None:
        self.deafen()
        own, self._own = self._own, None
        if own is not None:
            own.close()
            with contextlib.suppress(OSError):
                (self._directory / self._name).unlink()

    def _ring_heard(self, heard: Callable[[], object]) -> None:
        with contextlib.suppress(OSError):
            while self._own is not None and self._own.recv(1):
                pass
        heard()

    def _address(self, name: str) -> str:
        plain = f"{self._directory}{os.sep}{name}"
        if len(os.fsencode(plain)) <= LONGEST_ADDRESS:
            return plain
        # Where the system has this, the path of the directory may be of any length.
        if self._opened is None:
            self._opened = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._opened}/{name}"

    def _forget_directory(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            os.close(opened)

    def close(self) -> None:
        """Takes its own bell down."""
        self._take_down()
        self._forget_directory()
        if self._caller is not None:
            self._caller.close()
            self._caller = None


def _socket() -> socket.socket:
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bell.settimeout(0.0)
    return bell
