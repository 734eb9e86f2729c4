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

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0
TICKS: Final = os.sysconf("SC_CLK_TCK")


class Process:
    """A command that serves HTTP on a port of its own; its log goes to a file, as in production to a collector."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._environment = {**os.environ, "CASERELAY_HOST": "127.0.0.1", "CASERELAY_PORT": str(port), **environment}
        self._command = list(command)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, without waiting."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stderr=log, stdout=log)

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

    def processor_seconds(self) -> float:
        """Processor time that it and its worker have used."""
        return sum(self.processor_seconds_each())

    def processor_seconds_each(self) -> list[float]:
        """The same, of the process that answers first, then of its worker, if there is one."""
        used = list[float]()
        for stat in self._of_the_kernel("stat"):
            fields = stat.rpartition(")")[2].split()
            used.append((int(fields[11]) + int(fields[12])) / TICKS)
        return used

    def resident_megabytes(self) -> float:
        """Its memory that is in RAM, and its worker's; what they share counts once."""
        return sum(int(one.partition("Pss:")[2].split()[0]) / 1024 for one in self._of_the_kernel("smaps_rollup"))

    def _of_the_kernel(self, what: str) -> list[str]:
        if self._process is None:
            raise RuntimeError("it was not started")
        pid = self._process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [Path(f"/proc/{one}/{what}").read_text(encoding="ascii") for one in (pid, *workers)]


def busy_seconds() -> float:
    """Processor time that the whole machine has spent on something."""
    of_all = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()[1:]
    user, nice, system, _idle, _waiting, *interrupts = map(int, of_all)
    return (user + nice + system + sum(interrupts[:2])) / TICKS
