"""The real program in processes of its own, which a test starts, kills and starts again over the same data."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import httpx

from tests.support.ports import free_port

PROGRAM: Final = Path(sys.executable).with_name("caserelay")
START_SECONDS: Final = 90.0
STOP_SECONDS: Final = 20.0


class Program:
    """`caserelay` with these arguments over a data directory, on a port that it keeps from start to start."""

    def __init__(self, *arguments: str, data: Path, issuer: str | None = None, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.said = data.with_name(f"{data.name}-{'-'.join(arguments)}-{self.port}.out")
        self._arguments = arguments
        self._issuer = issuer
        self._settings = {name.upper(): value for name, value in settings.items()}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_sandbox(self) -> bool:
        """Whether it is the sandbox, with its own issuer and a clock to move."""
        return self._arguments[0] == "sandbox"

    @property
    def pid(self) -> int:
        """The running process that answers."""
        assert self._process is not None
        return self._process.pid

    @property
    def pids(self) -> list[int]:
        """The running processes: the one that answers, and the worker that it started, if it works with one."""
        return [self.pid, *children(self.pid)]

    def launch(self) -> None:
        """Starts the process and does not wait for it."""
        settings = {
            "DATA": str(self.data),
            "PORT": str(self.port),
            "ISSUER": self._issuer or "",
            "LOG_LEVEL": "WARNING",
            **self._settings,
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CASERELAY_")}
        environment = {**kept, **{f"CASERELAY_{name}": value for name, value in settings.items()}}
        with self.said.open("ab") as said:
            self._process = subprocess.Popen(
                [PROGRAM, *self._arguments], env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )

    async def answers(self, path: str = "/readyz") -> None:
        """Returns once the process answers there with 200."""
        assert self._process is not None
        until = time.monotonic() + START_SECONDS
        async with httpx.AsyncClient(base_url=self.url) as http:
            while True:
                assert self._process.poll() is None, f"the program has ended:\n{self._last_words()}"
                assert time.monotonic() < until, f"no answer within {START_SECONDS} s:\n{self._last_words()}"
                try:
                    if (await http.get(path)).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.02)

    async def start(self) -> None:
        """Starts the process and returns once it takes work."""
        self.launch()
        await self.answers()

    async def ends(self) -> None:
        """Runs a command that ends by itself, and has to end well."""
        self.launch()
        assert self._process is not None
        status = await asyncio.to_thread(self._process.wait, START_SECONDS)
        assert status == 0, f"it ended with {status}:\n{self._last_words()}"

    def pause(self) -> None:
        """SIGSTOP to all that it is: its connections stay open, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT: it goes on as if no time had passed."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids:
            # A worker may end by itself meanwhile.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """SIGKILL to all that it is: nothing has a chance to put anything in order."""
        if self._process is not None and self._process.poll() is None:
            self._signal(signal.SIGKILL)
            assert self._process.wait(STOP_SECONDS) == -signal.SIGKILL

    async def stop(self) -> None:
        """SIGTERM: the process has to end cleanly."""
        assert self._process is not None
        self._process.terminate()
        status = await asyncio.to_thread(self._process.wait, STOP_SECONDS)
        assert status == 0, f"it ended with {status}:\n{self._last_words()}"

    def _last_words(self) -> str:
        return self.said.read_text(errors="replace")[-2000:]


def children(pid: int) -> list[int]:
    """The processes that a process has started; none where the system does not say so."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
