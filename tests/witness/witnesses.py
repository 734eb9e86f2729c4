"""Witnesses in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.chassis.transparency.keys import VerifierKey
from tests.faults.processes import PROGRAM, STOP_SECONDS


@dataclass
class Witness:
    """A running witness: its key, where it listens, and its process. `said` is all that it prints besides."""

    key: VerifierKey
    url: str
    process: subprocess.Popen[str]
    records: Path

    def ask(self, body: bytes) -> httpx.Response:
        """Its answer to a request for a cosignature."""
        return httpx.post(f"{self.url}/add-checkpoint", content=body, timeout=20)

    def kill(self) -> None:
        """SIGKILL: nothing has a chance to put anything in order."""
        self.process.kill()
        self.process.wait()


def command(key: Path, logs: list[str], *more: str) -> list[str]:
    """The command of a witness of these logs."""
    named = [word for log in logs for word in ("--log", log)]
    return [str(PROGRAM), "witness", "--key", str(key), *named, *more]


@contextmanager
def witnessing(key: Path, *logs: str, more: tuple[str, ...] = (), port: int = 0) -> Iterator[Witness]:
    """A witness of logs, by their vkeys, whose key is in a file; on a port that the system chooses, unless named."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CASERELAY_")}
    process = subprocess.Popen(
        command(key, [*logs], "--listen", f"127.0.0.1:{port}", *more),
        env={**kept, "CASERELAY_LOG_LEVEL": "WARNING"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        vkey = process.stdout.readline().strip()
        url = process.stdout.readline().strip().removeprefix("listening on ")
        yield Witness(VerifierKey.read(vkey), url, process, key.with_name(f"{key.name}.witnessed"))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)
        process.stdout.close()
