"""The system under test: a process of its own, started as in production, with the demo's scene set."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import psycopg

from deploy.bench.engines import Place
from deploy.bench.issuer import LoopbackIssuer
from services.chassis.migrations import log_of
from services.sandbox.client import Person
from services.sandbox.demo import OPERATOR, ORGANISATIONS, PROGRAMME, PROGRAMME_VERSION

START_SECONDS: Final = 60.0
CATCH_UP_SECONDS: Final = 120.0
TICKS: Final = os.sysconf("SC_CLK_TCK")


class System:
    """A server over the data of a place, while it is entered. `scene`: whether programme and organisations are told."""

    def __init__(
        self,
        command: Sequence[str],
        place: Place,
        issuer: LoopbackIssuer,
        *,
        scene: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.place = place
        self.started_in = 0.0
        self._issuer = issuer
        self._command = list(command)
        self._scene = scene
        # Nothing that is set where the benchmark runs may change what is measured.
        ours = {name: value for name, value in os.environ.items() if not name.startswith("CASERELAY_")}
        told = {"CASERELAY_ISSUER": issuer.url, "CASERELAY_HOST": "127.0.0.1", "CASERELAY_PORT": str(port)}
        self._environment = {**ours, **told, **place.environment, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Starts it, waits until it is ready, and publishes the programme and the organisations."""
        # Its log goes to a file, as in production it goes to a collector.
        with self._said.open("ab") as log:
            since = time.monotonic()
            self._process = subprocess.Popen(self._command, env=self._environment, stderr=log, stdout=log)
        try:
            self._wait_until_ready()
            self.started_in = time.monotonic() - since
            if self._scene:
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

    @property
    def _said(self) -> Path:
        return self.place.data / "stderr.log"

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        with httpx.Client(base_url=self.url, timeout=START_SECONDS) as client:
            while time.monotonic() < until and self._process is not None and self._process.poll() is None:
                try:
                    if client.get("/readyz").status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                time.sleep(0.01)
        raise RuntimeError(f"the system did not start:\n{self._said.read_text(errors='replace')[-2000:]}")

    def _set_the_scene(self) -> None:
        with httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token(OPERATOR)}"}) as client:
            client.put(f"/v1/programmes/{PROGRAMME}/versions/1", json=PROGRAMME_VERSION).raise_for_status()
            for organisation, description in ORGANISATIONS.items():
                client.put(f"/v1/organisations/{organisation}", json=description).raise_for_status()

    def token(self, person: Person) -> str:
        """A bearer token of somebody."""
        return self._issuer.token(sub=person.sub, org=person.org, role=person.role)

    def behind(self) -> dict[str, int]:
        """How many positions each part of each service has not taken in yet."""
        services: dict[str, Any] = httpx.get(f"{self.url}/readyz", timeout=30).json()["services"]
        return {f"{name} {part}": n for name, one in services.items() for part, n in one["behind"].items()}

    def catch_up(self) -> float:
        """Waits until every part is abreast; how long that took, in seconds."""
        since, abreast = time.monotonic(), 0
        # Twice in a row: what one part takes in may be work for another.
        while abreast < 2:
            abreast = abreast + 1 if not any(self.behind().values()) else 0
            if (passed := time.monotonic() - since) > CATCH_UP_SECONDS:
                raise RuntimeError(f"not abreast after {passed:.0f} s: {self.behind()}")
            time.sleep(0.02)
        return time.monotonic() - since

    def processor_seconds(self) -> float:
        """Processor time that the server has used."""
        if self._process is None:
            return 0.0
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def resident_megabytes(self) -> float:
        """Memory of the process that is in RAM."""
        if self._process is None:
            return 0.0
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def stored(self) -> int:
        """Referrals that the log holds as submitted."""
        count = "SELECT COUNT(*) FROM stored_events WHERE topic = 'referral.submitted.v1'"
        if self.place.database is not None:
            with psycopg.connect(log_of(self.place.database, "referral").conninfo) as connection:
                row = connection.execute(count).fetchone()
                return int(row[0]) if row is not None else 0
        with sqlite3.connect(f"file:{self.place.data / 'referral-log.db'}?mode=ro", uri=True) as db:
            return int(db.execute(count).fetchone()[0])
