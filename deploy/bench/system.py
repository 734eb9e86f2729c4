"""The system under test: a process of its own, started as in production, with the demo's scene set."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from deploy.bench.issuer import LoopbackIssuer
from services.sandbox.demo import OPERATOR, ORGANISATIONS, PROGRAMME, PROGRAMME_VERSION

START_SECONDS = 30.0
TICKS = os.sysconf("SC_CLK_TCK")


class System:
    """A server over the data of a directory, while it is entered."""

    def __init__(self, command: list[str], data: Path, issuer: LoopbackIssuer) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.data = data
        self._issuer = issuer
        self._command = command
        self._environment = {
            **os.environ,
            "CASERELAY_ISSUER": issuer.url,
            "CASERELAY_HOST": "127.0.0.1",
            "CASERELAY_PORT": str(port),
            "CASERELAY_DATA": str(data),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Starts it, waits until it is ready, and publishes the programme and the organisations."""
        self.data.mkdir(parents=True, exist_ok=True)
        # Its log goes to a file, as in production it goes to a collector.
        with (self.data / "stderr.log").open("wb") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stderr=log, stdout=log)
        try:
            self._wait_until_ready()
            self._set_the_scene()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it as a supervisor does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process is not None and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        said = (self.data / "stderr.log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"the system did not start:\n{said}")

    def _set_the_scene(self) -> None:
        token = self._issuer.token(sub=OPERATOR.sub, org=OPERATOR.org, role=OPERATOR.role)
        with httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}) as client:
            client.put(f"/v1/programmes/{PROGRAMME}/versions/1", json=PROGRAMME_VERSION).raise_for_status()
            for organisation, description in ORGANISATIONS.items():
                client.put(f"/v1/organisations/{organisation}", json=description).raise_for_status()

    def behind(self) -> dict[str, int]:
        """How many positions each part of each service has not taken in yet."""
        services: dict[str, Any] = httpx.get(f"{self.url}/readyz", timeout=30).json()["services"]
        return {f"{name} {part}": n for name, one in services.items() for part, n in one["behind"].items()}

    def processor_seconds(self) -> float:
        """Processor time that the server has used."""
        if self._process is None:
            return 0.0
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def stored(self) -> int:
        """Referrals that the log's file holds as submitted."""
        with sqlite3.connect(f"file:{self.data / 'referral-log.db'}?mode=ro", uri=True) as db:
            count = "SELECT COUNT(*) FROM stored_events WHERE topic = 'referral.submitted.v1'"
            return int(db.execute(count).fetchone()[0])
