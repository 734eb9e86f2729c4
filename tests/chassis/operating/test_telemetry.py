"""What operators see has no personal data in it, and costs next to nothing."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import StreamingResponse

from services.chassis.operating.request_notes import RequestNotes
from services.chassis.operating.telemetry import Telemetry, configure_logging
from services.chassis.operating.traceparent import start

SECRET = "samira@example.org"
MOST_CALLS = 100
"""Of Python and C functions, for one request. It was 75 when some 10 microseconds were measured."""


class Lines:
    """Logging as a process configures it, written to memory in place of stderr."""

    def __init__(self) -> None:
        self._stream = io.StringIO()

    def configure(self, level: str = "INFO", *, disclose: bool = False) -> None:
        """Configures it again, which also drops the handlers by which the test runner listens."""
        configure_logging(level, disclose=disclose)
        (handler,) = logging.getLogger().handlers
        assert isinstance(handler, logging.StreamHandler)
        assert handler.setStream(self._stream) is sys.stderr

    @property
    def text(self) -> str:
        """All that was written."""
        return self._stream.getvalue()

    @property
    def all(self) -> list[dict[str, Any]]:
        """Each line as the object that it has to be."""
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Configured at INFO; afterwards everything is as before."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    written = Lines()
    written.configure()
    yield written
    root.handlers[:] = before
    root.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = False


@pytest.fixture
async def client(telemetry: Telemetry) -> Any:
    """A client of an application with one good route, one that fails and one that streams."""
    app = FastAPI()
    router = APIRouter(prefix="/v1")

    @router.get("/cases/{case}/events/{event}")
    async def read(case: str, event: int) -> dict[str, str | int]:
        return {"case": case, "event": event}

    @router.post("/cases/{case}/fail")
    async def fail(case: str) -> None:
        raise RuntimeError(case)

    @router.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter(["a", "b"]))

    app.include_router(router)
    telemetry.install(app)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as asking:
        yield asking


async def test_a_request_is_known_by_its_route_and_never_by_its_path(
    client: httpx.AsyncClient, telemetry: Telemetry, lines: Lines
) -> None:
    """Neither path parameters nor query, body or headers appear in a line or a metric."""
    answer = await client.get(f"/v1/cases/{SECRET}/events/7?who={SECRET}", headers={"X-Who": SECRET})
    assert answer.status_code == 200
    (line,) = [line for line in lines.all if line["message"] == "request"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/cases/{case}/events/{event}", 200)
    assert line["duration_ms"] > 0
    labels = {"method": "GET", "route": "/v1/cases/{case}/events/{event}"}
    assert telemetry.registry.get_sample_value("caserelay_requests_total", labels | {"status": "200"}) == 1
    assert telemetry.registry.get_sample_value("caserelay_request_seconds_count", labels) == 1
    assert SECRET not in lines.text
    assert SECRET.encode() not in telemetry.exposition().body


@pytest.mark.parametrize(
    ("method", "path", "seen"),
    [
        ("POST", f"/v1/cases/{SECRET}/fail", ("POST", "/v1/cases/{case}/fail", 500)),
        ("GET", f"/v1/cases/{SECRET}/events/x", ("GET", "/v1/cases/{case}/events/{event}", 422)),
        ("GET", f"/{SECRET}", ("GET", "unmatched", 404)),
        ("GET", "/v1/stream", ("GET", "/v1/stream", 200)),
    ],
)
async def test_every_outcome_is_counted_under_its_template(
    client: httpx.AsyncClient, lines: Lines, method: str, path: str, seen: tuple[str, str, int]
) -> None:
    """Failures, refusals, unknown paths and streams."""
    await client.request(method, path)
    (line,) = [line for line in lines.all if line["message"] == "request"]
    assert (line["method"], line["route"], line["status"]) == seen
    assert SECRET not in json.dumps(line)


async def test_invented_methods_share_one_label(client: httpx.AsyncClient, telemetry: Telemetry) -> None:
    """Strangers cannot make the metrics grow."""
    for method in ("BREW", "WHEN", SECRET):
        await client.request(method, "/v1/nothing")
    labels = {"method": "OTHER", "route": "unmatched", "status": "404"}
    assert telemetry.registry.get_sample_value("caserelay_requests_total", labels) == 3


def test_only_fields_on_the_list_are_shown(lines: Lines) -> None:
    """What somebody adds in passing is dropped, and a value that is no plain one is named by its type."""
    extra = {"status": 7, "email": SECRET, "position": [SECRET], "failure": "x" * 300}
    logging.getLogger("services.test").warning("something happened", extra=extra)
    (line,) = lines.all
    assert set(line) == {"time", "level", "logger", "message", "status", "position", "failure"}
    assert (line["level"], line["message"], line["status"]) == ("WARNING", "something happened", 7)
    assert (line["position"], line["failure"]) == ("list", "x" * 200)
    assert line["time"].endswith("+00:00")


def test_arguments_of_a_text_are_not_shown(lines: Lines) -> None:
    """The text is a constant; what varies belongs into a field."""
    logging.getLogger("services.test").warning("no mail for %s", SECRET)
    (line,) = lines.all
    assert line["message"] == "no mail for %s"


def test_texts_of_other_libraries_are_not_shown(lines: Lines) -> None:
    """Some build their text from data; where it was said is enough to look it up."""
    logging.getLogger("asyncio").error(f"Task failed with {SECRET}")  # noqa: G004 - as that library does
    logging.getLogger("services.test").error(ValueError(SECRET))
    assert SECRET not in lines.text
    assert all("test_texts_of_other_libraries_are_not_shown" in line["message"] for line in lines.all)


def test_an_exception_is_known_by_its_class_and_where_it_arose(lines: Lines) -> None:
    """Its message may repeat what somebody sent, and is left out."""
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("services.test").exception("a step failed")
    (line,) = lines.all
    assert line["failure"] == "ValueError"
    assert "operating/test_telemetry.py" in line["stack"][-1]
    assert "test_an_exception_is_known_by_its_class_and_where_it_arose" in line["stack"][-1]
    assert SECRET not in lines.text


def test_invented_people_may_be_shown_on_request(lines: Lines) -> None:
    """A sandbox can say all that it knows."""
    lines.configure(disclose=True)
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("services.test").exception("no mail for %s", "samira")
    (line,) = lines.all
    assert (line["message"], line["detail"]) == ("no mail for samira", SECRET)


def test_the_servers_own_access_log_is_silent(lines: Lines) -> None:
    """It writes paths."""
    logging.getLogger("uvicorn.access").info('%s - "%s"', "127.0.0.1", f"GET /v1/cases/{SECRET}")
    assert lines.text == ""


def test_the_level_is_the_configured_one(lines: Lines) -> None:
    """At WARNING, requests are counted and not written."""
    lines.configure("WARNING")
    telemetry = Telemetry()
    telemetry.request("GET", "/v1/feed", 200, 0.001)
    assert lines.text == ""
    labels = {"method": "GET", "route": "/v1/feed", "status": "200"}
    assert telemetry.registry.get_sample_value("caserelay_requests_total", labels) == 1


def test_a_line_that_cannot_be_written_says_nothing_about_it(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard library would print the text's arguments to stderr instead."""
    lines.configure()
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    closed = io.StringIO()
    closed.close()
    handler.setStream(closed)
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    logging.getLogger("services.test").warning("no mail for %s", SECRET)
    assert stderr.getvalue() == ""


def test_counting_and_logging_a_request_takes_few_calls(lines: Lines, telemetry: Telemetry) -> None:
    """Both are paid with every request; a call is what costs, and how many there are is the same on every machine."""
    lines.configure()

    def once() -> None:
        telemetry.request("POST", "/v1/referrals/{id}/accept", 200, 0.0123)

    once()
    called = list[str]()

    def note(frame: FrameType, event: str, what: Any) -> None:
        if event in ("call", "c_call"):
            called.append(getattr(what, "__name__", frame.f_code.co_name))

    before = sys.getprofile()
    sys.setprofile(note)
    once()
    sys.setprofile(before)
    assert len(called) <= MOST_CALLS, called
    # Threads of clients that other tests have left may log as well.
    assert sum(line["logger"] == "services.chassis.operating.telemetry" for line in lines.all) == 2


def test_numbers_of_the_server_are_shown(lines: Lines) -> None:
    """The process that started is a number, and no datum; whatever else a text has in it may be one."""
    server = logging.getLogger("uvicorn.error")
    server.info("Started server process [%d]", 4711)
    server.info("%s has said %d", SECRET, 1)
    logging.getLogger("services.test").info("called %d", 32475000000)
    assert [line["message"] for line in lines.all] == ["Started server process [4711]", "%s has said %d", "called %d"]


async def test_refusals_are_counted_by_their_code(client: httpx.AsyncClient, telemetry: Telemetry) -> None:
    """Whichever route gave them."""
    for _ in range(3):
        notes = RequestNotes(start(), refusal="STALE_VERSION")
        telemetry.request("POST", "/v1/cases/{case}/close", 412, 0.001, notes)
    await client.get("/v1/cases/a/events/1")
    assert telemetry.registry.get_sample_value("caserelay_refusals_total", {"code": "STALE_VERSION"}) == 3
