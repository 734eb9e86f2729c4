"""Every answer carries a place in a trace, and its line in the log has the same: what somebody reports can be found."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from services.chassis.operating.request_notes import RequestNotes
from services.chassis.operating.telemetry import PROBES, Telemetry
from services.chassis.operating.traceparent import follow
from tests.chassis.asking import create
from tests.chassis.counting import Running, running
from tests.chassis.wire import request, serving

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0[01]")


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Running]:
    """The counters' service at work, with a small body limit."""
    async with running(tmp_path, body_limit=2048) as one:
        yield one


ASKED: Final[dict[str, tuple[str, str, dict[str, Any], int]]] = {
    "a read": ("GET", "/v1/counters", {}, 200),
    "a route that is not there": ("GET", "/v1/nothing", {}, 404),
    "a method that it does not take": ("DELETE", "/v1/counters", {}, 405),
    "no token": ("GET", "/v1/counters", {"headers": {"Authorization": ""}}, 401),
    "no key": ("POST", "/v1/counters", {"json": {"by": 1}}, 400),
    "a wrong body": ("POST", "/v1/counters", {"json": {"by": "x"}, "headers": {"Idempotency-Key": "k"}}, 422),
    "a body too large": ("POST", "/v1/counters", {"content": b"x" * 4096}, 413),
    "what nobody expected": ("POST", "/v1/fail", {}, 500),
    "a probe": ("GET", "/healthz", {}, 200),
    "another probe": ("GET", "/readyz", {}, 200),
    "the metrics": ("GET", "/metrics", {}, 200),
    "the document": ("GET", "/openapi.json", {}, 200),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("given", [None, GIVEN, "nonsense"])
async def test_every_answer_names_its_trace_and_so_does_its_line(
    here: Running, caplog: pytest.LogCaptureFixture, asked: str, given: str | None
) -> None:
    """Continued where the caller began one, new where not, or where what was sent is none."""
    caplog.set_level(logging.DEBUG)
    method, path, sent, status = ASKED[asked]
    headers = {**sent.get("headers", {}), **({"traceparent": given} if given else {})}
    answer = await here.client.request(method, path, **{**sent, "headers": headers})
    assert answer.status_code == status, answer.text
    (named,) = answer.headers.get_list("traceparent")
    found = FORM.fullmatch(named)
    assert found is not None, named
    trace, place = found.groups()
    if given == GIVEN:
        assert trace == GIVEN.split("-")[1]
        assert place != GIVEN.split("-")[2]
    lines = [one for one in caplog.records if one.getMessage() == "request"]
    assert [one.trace_id for one in lines] == [trace]  # type: ignore[attr-defined]
    assert [one.levelno == logging.DEBUG for one in lines] == [path in PROBES]


async def test_what_a_command_records_is_of_the_same_trace(here: Running) -> None:
    """From the answer one finds the event, and the messages that follow from it."""
    answer = await create(here)
    recorded = await here.service.log.read_all(0, 10)
    assert {one.meta.traceparent for one in recorded} == {answer.headers["traceparent"]}


async def test_what_nobody_expected_is_one_line_that_says_where(
    here: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """Its class and the place in the code; what it says may quote somebody."""
    answer = await here.client.post("/v1/fail", json={"name": "Samira"})
    assert answer.status_code == 500
    (line,) = [one.__dict__ for one in caplog.records if one.levelno >= logging.WARNING]
    assert (line["failure"], line["route"], line["status"]) == ("LookupError", "/v1/fail", 500)
    assert "chassis/counting.py" in line["where"]
    assert "must not be said" not in json.dumps(line, default=repr)


@pytest.mark.parametrize("probe", sorted(PROBES))
def test_a_probe_that_nobody_expected_to_fail_is_an_error_in_the_log(
    caplog: pytest.LogCaptureFixture, probe: str
) -> None:
    """At DEBUG, a fault of `/readyz` would take every replica out of service without a word."""
    Telemetry().request("GET", probe, 500, 0.1, RequestNotes(follow(None), unexpected=LookupError()))
    assert [(one.levelname, one.failure) for one in caplog.records] == [("ERROR", "LookupError")]  # type: ignore[attr-defined]


TURNED_AWAY: Final = {
    "headers that never end": (b"GET /ok HTTP/1.1\r\nX-A: " + b"a" * 20_000, None, 431, "HEADERS_TOO_LARGE"),
    "what is no request": (b"nonsense\r\n\r\n", None, 400, "MALFORMED_REQUEST"),
    "a head that stops": (b"GET /ok HTTP/1.1\r\n", None, 408, "HEADERS_TOO_SLOW"),
    "a body that stops": (
        request("/ok", "POST", "Content-Length: 9", f"traceparent: {GIVEN}") + b"a",
        GIVEN,
        408,
        "BODY_STOPPED",
    ),
}


@pytest.mark.parametrize("sent", TURNED_AWAY)
async def test_who_is_turned_away_before_any_application_is_told_a_trace_too(
    caplog: pytest.LogCaptureFixture, sent: str
) -> None:
    """It is in one line of the log, and the refusal is counted by its code like every other; continued if it can be."""
    caplog.set_level(logging.INFO)
    content, given, status, code = TURNED_AWAY[sent]
    async with serving(header_limit=4096, header_seconds=0.3, body_seconds=0.3) as wire:
        client = await (await wire.connect()).send(content)
        answer = await client.answer()
        answer.problem(status, code)
        found = FORM.fullmatch(answer.headers["traceparent"])
        assert found is not None
        assert given is None or found[1] == given.split("-")[1]
        lines = [one.__dict__ for one in caplog.records if one.getMessage() == "turned away"]
        assert [(one["trace_id"], one["status"], one["refusal"]) for one in lines] == [(found[1], status, code)]
        assert wire.telemetry.registry.get_sample_value("caserelay_refusals_total", {"code": code}) == 1
