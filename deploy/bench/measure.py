"""One measurement: wrk against a system, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.bench.issuer import LoopbackIssuer
from deploy.bench.system import System
from services.sandbox.demo import INES, PROGRAMME

SCRIPT = Path(__file__).with_name("load.lua")
LOOK_AGAIN_SECONDS = 0.5

REFERRAL: dict[str, Any] = {
    "programme": PROGRAMME,
    "to": "brugwerk",
    # The load script puts another pseudonym here in every request.
    "client": {"ref": "@PERSON@"},
    "contact": {"name": "Invented Person", "phone": "+32 470 00 11 22", "email": "invented@voorbeeld.example"},
    "contactLanguage": "ar",
    "languages": [{"tag": "nl", "level": "B1", "evidence": "TESTED"}],
    "occupations": [{"isco": "2411"}],
    "sectors": ["M"],
    "region": "BE234",
    "goals": ["SOCIAL", "CULTURAL", "INFORMATIONAL"],
    "supportNeeds": ["RECOGNITION_FILE"],
    "availability": ["MON_AM", "THU_PM"],
    "whyMentoring": "ADDED_CAPITAL",
    "alternativeConsidered": "JOB_COACHING",
    "recommendedMentorKind": "VOLUNTEER",
    "eligibility": {"REGISTERED_JOBSEEKER": True, "RIGHT_TO_WORK": True, "NO_CONCURRENT_PROGRAMME": True},
    "participationChoice": {"chosenAt": "2026-01-12T09:10:00Z", "method": "IN_PERSON", "language": "ar"},
    "legalBasis": {
        "kind": "CONSENT",
        "recipient": "brugwerk",
        "textVersion": "v3",
        "language": "ar",
        "givenAt": "2026-01-12T09:12:00Z",
    },
    "previousReferral": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one run of the load generator found; times in milliseconds, `processor_ms` per answered request."""

    connections: int
    accepted: int
    refused: int
    failed: int
    rate: float
    p50: float
    p95: float
    p99: float
    processor_ms: float
    load_average: float
    furthest_behind: dict[str, int]


def measure(system: System, issuer: LoopbackIssuer, connections: int, seconds: int, *, watch: bool = False) -> Measured:
    """Submits referrals as fast as so many connections get answers. `watch` looks at the lag meanwhile."""
    body, token = system.data / "body.json", system.data / "token"
    body.write_text(json.dumps(REFERRAL))
    token.write_text(issuer.token(sub=INES.sub, org=INES.org, role=INES.role))
    over, furthest = threading.Event(), dict[str, int]()

    def look() -> None:
        while watch and not over.wait(LOOK_AGAIN_SECONDS):
            for part, positions in system.behind().items():
                furthest[part] = max(positions, furthest.get(part, 0))

    looking = threading.Thread(target=look)
    looking.start()
    used = system.processor_seconds()
    try:
        arguments = [str(body), str(token), f"b{uuid.uuid4().hex[:8]}k"]
        said = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT), system.url, "--", *arguments],  # noqa: S607 - found on the PATH, as main made sure
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        used = system.processor_seconds() - used
    finally:
        over.set()
        looking.join()
    told = json.loads(said.strip().splitlines()[-1])
    accepted = told["requests"] - told["refused"]
    return Measured(
        connections=connections,
        accepted=accepted,
        refused=told["refused"],
        failed=told["failed"],
        rate=accepted / told["seconds"],
        p50=told["p50_ms"],
        p95=told["p95_ms"],
        p99=told["p99_ms"],
        processor_ms=1000 * used / max(1, told["requests"]),
        load_average=os.getloadavg()[0],
        furthest_behind=furthest,
    )
