"""One server process, started as in production and stopped as a supervisor does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx

from deploy.bench import processes

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0


class Process:
    """A command that serves HTTP on a port of its own; its log goes to a file, as in production to a collector.

    What it has used, and what it holds, is that of the processes that it has started as well.
    """

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str], directory: Path | None = None
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._environment = {**os.environ, "CASERELAY_HOST": "127.0.0.1", "CASERELAY_PORT": str(port), **environment}
        self._command = list(command)
        self._log = log
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, without waiting."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stderr=log, stdout=log, cwd=self._directory
            )

    def wait_until_ready(self) -> None:
        """Returns at the first 200 of `/readyz`. Raises RuntimeError with what it said, if it does not come."""
        until = time.monotonic() + START_SECONDS
        with httpx.Client(base_url=self.url, timeout=START_SECONDS) as client:
            while time.monotonic() < until and self._process is not None and self._process.poll() is None:
                try:
                    if client.get("/readyz").status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                time.sleep(0.01)
        raise RuntimeError(f"the system did not start:\n{self._log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """Asks it to end, and ends it if it does not."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """The process that was started. Raises RuntimeError before."""
        if self._process is None:
            raise RuntimeError("it was not started")
        return self._process.pid

    def processor_seconds(self) -> float:
        """Processor time that has been used."""
        return processes.processor_seconds(processes.tree(self.pid))

    def resident_megabytes(self) -> float:
        """Memory that is in RAM; what processes share counts once."""
        return processes.proportional_megabytes(processes.tree(self.pid))


def busy_seconds() -> float:
    """Processor time that the whole machine has spent on something."""
    of_all = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()[1:]
    user, nice, system, _idle, _waiting, *interrupts = map(int, of_all)
    return (user + nice + system + sum(interrupts[:2])) / processes.TICKS
