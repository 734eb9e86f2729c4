"""A sandbox that is stopped and started again goes on where it was, and stops at once when it is asked to."""

from __future__ import annotations

import signal
import time
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.conftest import ENGINES
from tests.journeys.sandbox import Outsider, Program, outsider
from tests.support.people import INES, LOTTE
from tests.support.repetitions import in_full
from tests.support.requests import samira
from tests.support.timelines import without_tellings

pytestmark = pytest.mark.xdist_group("journey over restarts")

STOPS_WITHIN = 5.0
STARTS_WITHIN = 20.0
"""Whatever else the machine does: how long a start takes is measured by the bench, and here only that it ends."""
"""Topics and schemas are looked at first."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
KEY = "5f0c5a36-5a6f-4b0e-8f5d-1f8b0a9a7c11"


def everything(outside: Outsider, case: str, offer: str) -> dict[str, Any]:
    """All that both sides read."""
    reads: dict[str, Any] = {"clock": outside.read(INES, "/v1/sandbox/clock")}
    for person in (INES, LOTTE):
        for path in (f"/v1/cases/{case}", f"/v1/cases/{case}/timeline", f"/v1/cases/{case}/responsibility", offer):
            reads[f"{path} for {person.org}"] = without_tellings(outside.read(person, path))
        reads[f"contact for {person.org}"] = outside.read(person, f"{offer}/contact")
        reads[f"worklist of {person.org}"] = outside.read(person, "/v1/worklist")
        reads[f"feed of {person.org}"] = outside.feed(person)
    return reads


@pytest.mark.slow
@pytest.mark.parametrize(
    ("own_engines", "number"),
    in_full([*product(ENGINES, SIGNALS)], short=[*zip(ENGINES, SIGNALS, strict=True)]),
    indirect=["own_engines"],
)
def test_a_stopped_sandbox_goes_on_where_it_was(
    own_engines: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """Stopped within a story, with a listener on the line: it ends cleanly within seconds, and all is kept.

    CI takes each signal and each engine once.
    """
    first = Program(tmp_path / "var", "sandbox", "--empty", port=None, **own_engines)
    try:
        first.wait_until_ready()
        outside = outsider(first)
        outside.clock(INES, "2026-01-12T10:00:00Z")
        headers = {"Idempotency-Key": KEY}
        posted = outside.send(INES, "POST", "/v1/referrals", samira(), headers=headers)
        case, offer = posted.json()["case"], f"/v1/referrals/{posted.json()['id']}"
        outside.does(LOTTE, offer, "receive", wait_for=posted.headers["Position"])
        accepted = outside.does(LOTTE, offer, "accept", {"coordinator": LOTTE.sub})
        outside.clock(INES, "2026-01-19T10:00:00Z")
        outside.does(LOTTE, f"/v1/cases/{case}", "log-contact-attempt", {"channel": "PHONE"})
        outside.clock(INES, "2026-01-19T10:00:01Z")
        before = everything(outside, case, offer)
        etag = outside.get(LOTTE, f"/v1/cases/{case}").headers["ETag"]
        with outside.http.stream("GET", "/v1/stream", headers=outside.headers(LOTTE)) as listening:
            assert listening.status_code == 200
            began = time.monotonic()
            assert first.stop(number) == 0
            assert time.monotonic() - began < STOPS_WITHIN
        outside.http.close()
    finally:
        first.stop()
    again = Program(tmp_path / "var", "sandbox", "--empty", port=first.port, **own_engines)
    try:
        assert again.wait_until_ready() < STARTS_WITHIN
        outside = outsider(again)
        assert everything(outside, case, offer) == before
        _goes_on(outside, case, offer, etag, posted, accepted)
        assert again.stop(number) == 0
        outside.http.close()
    finally:
        again.stop()


def _goes_on(
    outside: Outsider, case: str, offer: str, etag: str, posted: httpx.Response, accepted: httpx.Response
) -> None:
    repeated = outside.send(INES, "POST", "/v1/referrals", samira(), headers={"Idempotency-Key": KEY})
    assert repeated.headers["Idempotency-Replayed"] == "true"
    assert repeated.json()["id"] == posted.json()["id"]
    assert outside.get(INES, offer, waitFor=accepted.headers["Position"]).json()["state"] == "ACCEPTED"
    intake = {"suitable": True, "goals": ["SOCIAL"], "expectations": ["honest feedback"]}
    concluded = outside.send(LOTTE, "POST", f"/v1/cases/{case}/conclude-intake", intake, headers={"If-Match": etag})
    assert concluded.status_code == 200, concluded.text
    assert outside.timeline(INES, case)[-1]["type"] == "IntakeConcluded"
