"""One run of the load generator wrk, and what it says: as many referrals as so many connections get answers for."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.bench.engines import NotToBeHad
from deploy.bench.requests import REFERRAL
from deploy.bench.system import System
from services.sandbox.demo import INES

SCRIPT: Final = Path(__file__).with_name("load.lua")
LOOK_AGAIN_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run found; times in milliseconds, `processor_ms` per answered request."""

    accepted: int
    refused: int
    failed: int
    rate: float
    p50: float
    p95: float
    processor_ms: float
    furthest_behind: dict[str, int]


def need_wrk() -> None:
    """Raises NotToBeHad."""
    if shutil.which("wrk") is None:
        raise NotToBeHad("wrk")


def run(system: System, connections: int, seconds: int, *, watch: bool = False) -> Run:
    """Submits referrals as fast as so many connections get answers. `watch` looks at the lag meanwhile."""
    body, token = system.place.data / "body.json", system.place.data / "token"
    body.write_text(json.dumps(REFERRAL))
    token.write_text(system.token(INES))
    over, furthest = threading.Event(), dict[str, int]()

    def look() -> None:
        while watch and not over.wait(LOOK_AGAIN_SECONDS):
            for part, positions in system.behind().items():
                furthest[part] = max(positions, furthest.get(part, 0))

    looking = threading.Thread(target=look)
    looking.start()
    used = system.processor_seconds()
    arguments = [str(body), str(token), f"b{uuid.uuid4().hex[:8]}k"]
    try:
        output = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT), system.url, "--", *arguments],  # noqa: S607 - found on the PATH, as need_wrk made sure
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        used = system.processor_seconds() - used
    finally:
        over.set()
        looking.join()
    measured = json.loads(output.strip().splitlines()[-1])
    accepted = measured["requests"] - measured["refused"]
    return Run(
        accepted=accepted,
        refused=measured["refused"],
        failed=measured["failed"],
        rate=accepted / measured["seconds"],
        p50=measured["p50_ms"],
        p95=measured["p95_ms"],
        processor_ms=1000 * used / max(1, measured["requests"]),
        furthest_behind=furthest,
    )
