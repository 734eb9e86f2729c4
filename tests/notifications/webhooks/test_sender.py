"""What comes of an attempt, for every way in which a receiver fails; and that none costs more than it may."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import uvloop
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.notifications.webhooks.sender import ALL_SECONDS, BODY_LIMIT, Answer, Outgoing, Sender, retry_after
from tests.notifications.webhooks.sending import EVENT, LOOPBACK, UNUSED, event, names, target
from tests.support.certificates import Authority
from tests.support.fault_receiver import BEHAVIOURS, Exchange, FaultReceiver, always, receiving
from tests.support.repetitions import times

NOTHING = hashlib.sha256(b"").hexdigest()


def by_name(receiver: FaultReceiver, path: str = "/ok") -> str:
    """The URL of a receiver by the name in its certificate, which is on loopback."""
    return receiver.url(path, "hooks.example.org")


async def test_an_event_is_posted_as_it_is_with_its_id_and_headers(sender: Sender, receiver: FaultReceiver) -> None:
    """Body byte for byte, the subscription's own header, and no more headers than are needed."""
    sent = Outgoing(
        EVENT, b'{"data": "\xc3\xa9"}', at=1700000000, traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    )
    answer = await sender.send(target(receiver.url("/ok?tenant=7"), ("X-Api-Key", "k")), sent)
    (came,) = receiver.received
    assert (answer.status, answer.error, answer.acknowledged) == (204, None, True)
    assert (came.path, came.body) == ("/ok?tenant=7", sent.body)
    signature = came.headers.pop("webhook-signature")
    assert [one.partition(",")[0] for one in signature.split(" ")] == ["v1", "v1a"]
    assert came.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": "Caserelay",
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/cloudevents+json",
        "content-length": str(len(sent.body)),
        "webhook-id": EVENT,
        "webhook-timestamp": "1700000000",
        "traceparent": sent.traceparent,
        "x-api-key": "k",
    }


async def test_a_certificate_is_checked_against_the_name_in_the_url(
    sender: Sender, make_sender: Callable[..., Sender], secure: FaultReceiver, authority: Authority
) -> None:
    """The host is named to the server and checked although an address is connected to."""
    assert (await sender.send(target(by_name(secure)), event())).acknowledged
    assert secure.received[0].headers["host"] == f"hooks.example.org:{secure.port}"
    for url in (secure.url(), secure.url(host="other.example.org")):
        assert (await sender.send(target(url), event())).error == "TLS"
    with receiving(authority.server("hooks.example.org", expired=True)) as expired:
        assert (await sender.send(target(by_name(expired)), event())).error == "TLS"
    distrustful = make_sender(LOOPBACK, resolve=names({}))
    assert (await distrustful.send(target(by_name(secure)), event())).error == "TLS"
    assert len(secure.received) == 1


RESULTS = {
    "ok": (204, None, True),
    "slow": (200, None, True),
    "500": (500, None, False),
    "503": (503, None, False),
    "410": (410, None, False),
    "redirect": (307, "REDIRECT", False),
    "hang": (None, "TIMEOUT", False),
    "half-open": (200, "TIMEOUT", False),
    "drip": (200, "TIMEOUT", False),
    "cut": (200, "PROTOCOL", False),
    "silent": (None, "CONNECTION", False),
    "huge": (200, None, True),
    "endless-headers": (None, "TOO_LARGE", False),
    "endless-header": (None, "TOO_LARGE", False),
    "endless-continue": (None, "TOO_LARGE", False),
    "garbage": (None, "PROTOCOL", False),
    "switch": (None, "PROTOCOL", False),
}
"""Status, error, and whether the event counts as taken."""


@pytest.mark.parametrize("fault", RESULTS)
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_each_fault_has_its_own_outcome(
    sender: Sender, hasty: Sender, receiver: FaultReceiver, secure: FaultReceiver, fault: str, *, tls: bool
) -> None:
    """In its time, and with no more than 64 KiB of what was answered."""
    url = by_name(secure, f"/{fault}") if tls else receiver.url(f"/{fault}")
    patience = hasty if RESULTS[fault][1] == "TIMEOUT" else sender
    answer = await patience.send(target(url), event())
    assert (answer.status, answer.error, answer.acknowledged) == RESULTS[fault]
    assert len(answer.body) <= BODY_LIMIT
    if answer.status is not None:
        assert answer.digest == hashlib.sha256(answer.body).hexdigest()
    else:
        assert (answer.digest, answer.body) == (None, b"")


def test_every_fault_of_the_receiver_has_an_outcome() -> None:
    """But for those that have a test of their own."""
    assert BEHAVIOURS.keys() - RESULTS.keys() == {"flapping", "challenge", "endless-chunks"}


async def test_nobody_is_there(sender: Sender) -> None:
    """A port on which nobody listens, and a name that there is not."""
    assert (await sender.send(target("http://127.0.0.1:1024/"), event())).error == "CONNECTION"
    assert (await Sender().send(target("https://nobody.invalid/"), event())).error == "UNRESOLVED"


async def test_a_redirect_is_not_followed(sender: Sender, receiver: FaultReceiver) -> None:
    """Neither to loopback nor to anywhere; what it was answered is told."""
    with receiving() as inside:
        for status in (301, 302, 303, 307, 308, 300, 304):
            receiver.turn("/moved", always(status, Location=inside.url("/admin")))
            answer = await sender.send(target(receiver.url("/moved")), event())
            assert (answer.status, answer.error) == (status, "REDIRECT")
        assert inside.connections == 0


async def test_of_a_gigabyte_64_kib_are_read(sender: Sender, receiver: FaultReceiver) -> None:
    """The connection is closed then, and the memory that it took is small."""
    tracemalloc.start()
    try:
        answer = await sender.send(target(receiver.url("/huge")), event())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.body == b"x" * BODY_LIMIT
    assert answer.digest == hashlib.sha256(answer.body).hexdigest()
    assert most < 8_000_000
    assert (await sender.send(target(receiver.url("/huge")), event())).acknowledged
    assert receiver.connections == 2


async def test_frames_without_end_are_not_read_for_their_few_bytes(sender: Sender, receiver: FaultReceiver) -> None:
    """A kilobyte of frame for each byte of body: what counts is what was sent."""
    answer = await sender.send(target(receiver.url("/endless-chunks")), event())
    assert (answer.status, answer.error) == (200, "TOO_LARGE")
    assert len(answer.body) < 1000


async def test_the_environment_names_no_proxy(
    monkeypatch: pytest.MonkeyPatch, make_sender: Callable[..., Sender], receiver: FaultReceiver, sender: Sender
) -> None:
    """What is set for other programs must not see deliveries."""
    with receiving() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
            monkeypatch.setenv(name.lower(), proxy.url(""))
        assert (await make_sender(LOOPBACK).send(target(receiver.url()), event())).acknowledged
        assert (await sender.send(target(receiver.url()), event())).acknowledged
        assert proxy.connections == 0


def test_it_works_on_the_loop_that_production_uses(receiver: FaultReceiver) -> None:
    """The services run on uvloop."""

    async def send() -> list[Answer]:
        sender = Sender(LOOPBACK, seconds=1.0)
        try:
            url = receiver.url
            return [await sender.send(target(url(path)), event()) for path in ("/ok", "/hang", "/huge", "/ok")]
        finally:
            await sender.close()

    assert [answer.error for answer in uvloop.run(send())] == [None, "TIMEOUT", None, None]


@pytest.mark.slow
async def test_an_attempt_ends_within_its_time_whatever_hangs(
    make_sender: Callable[..., Sender], receiver: FaultReceiver
) -> None:
    """Fifteen seconds in all, with the settings of production: every place in which an answer can stop."""
    sender = make_sender(LOOPBACK)
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1]
    urls = [receiver.url(f"/{fault}") for fault in ("hang", "half-open", "drip")]
    urls += [f"https://127.0.0.1:{port}/", f"http://127.0.0.1:{port}/"]
    began = time.monotonic()
    answers = await asyncio.gather(*(sender.send(target(url), event(body=b"x" * 5_000_000)) for url in urls))
    took = time.monotonic() - began
    silent.close()
    assert [answer.error for answer in answers] == ["TIMEOUT"] * 5
    assert [answer.latency_ms for answer in answers if not 14_900 < answer.latency_ms < 17_000] == []
    assert ALL_SECONDS - 0.1 <= took < ALL_SECONDS + 3


NOW = datetime(2026, 11, 28, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("9" * 400, 86_400),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        ("Saturday, 28-Nov-26 14:01:30 GMT", 90),
        ("Sat Nov 28 14:01:30 2026", 90),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), 0),
        (format_datetime(NOW + timedelta(days=400), usegmt=True), 86_400),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("Sat, 99 Nov 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_read_in_either_form_and_bounded(value: str, seconds: float | None) -> None:
    """Seconds or a date in the three forms of RFC 9110; nothing before now, nothing after a day."""
    assert retry_after([(b"RETRY-AFTER", value.encode("latin-1", "replace"))], NOW.timestamp()) == seconds


async def test_retry_after_comes_with_the_answer(sender: Sender, receiver: FaultReceiver) -> None:
    """The one who decides when to try again is told."""
    assert (await sender.send(target(receiver.url("/503")), event())).retry_after == 7
    assert (await sender.send(target(receiver.url("/500")), event())).retry_after is None


def test_nothing_of_a_request_is_shown_by_accident() -> None:
    """URL, header and bodies may hold secrets: what is printed of target, event and answer has none of them."""
    shown = repr(
        (
            target("https://hooks.example.org/path-secret?query-secret", ("X-Name", "header-secret")),
            event(body=b"body-secret"),
            Answer(200, None, 1, NOTHING, b"answer-secret"),
        )
    )
    assert "secret" not in shown.replace("secrets=", "")
    assert json.dumps(shown)


LOGGED = """
import asyncio, sys
from services.chassis.operating.telemetry import configure_logging
from services.notifications.webhooks.addresses import networks
from services.notifications.webhooks.sender import Outgoing, Sender, Target
from services.notifications.webhooks.signing import Secret

async def send():
    sender = Sender(networks("127.0.0.0/8"))
    for url in sys.argv[1:]:
        target = Target(url, (Secret.drawn(),), ("X-Name", "header-secret"))
        print(await sender.send(target, Outgoing("e", b"body-secret", at=1)))
    await sender.close()

configure_logging("DEBUG", disclose=True)
asyncio.run(send())
"""


@pytest.mark.slow
def test_nothing_of_a_request_is_logged(receiver: FaultReceiver) -> None:
    """At the most talkative level of a process that discloses: no path, query, header or body, of neither side."""
    receiver.turn("/ok/path-secret?query-secret", always(200, b"answer-secret", X_Kept="answer-header-secret"))
    urls = [receiver.url("/ok/path-secret?query-secret"), "http://127.0.0.1:1025/path-secret?query-secret"]
    done = subprocess.run([sys.executable, "-c", LOGGED, *urls], capture_output=True, text=True, check=True)
    assert "Answer(status=200" in done.stdout
    assert "Answer(status=None, error='CONNECTION'" in done.stdout
    assert "secret" not in done.stdout + done.stderr
    assert receiver.received[0].headers["x-name"] == "header-secret"


@given(st.binary(max_size=64))
@example(b", 0 ")
@example(b"Sat, 28 Nov 99999999999999999999 00:00:00 +9999999999")
def test_no_retry_after_breaks_an_attempt(value: bytes) -> None:
    """Whatever an endpoint sends there: seconds within a day, or nothing."""
    seconds = retry_after([(b"Retry-After", value)], NOW.timestamp())
    assert seconds is None or 0 <= seconds <= 86_400


PARTS = (
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 ",
    b"200",
    b"\r\n",
    b"\r\n\r\n",
    b"Content-Length: ",
    b"5",
    b"-1",
    b": ",
    b"\x00",
)
CODING = (
    b"Transfer-Encoding: chunked\r\n",
    b"0\r\n\r\n",
    b"ffffffffffff\r\n",
    b"Retry-After: ",
    b"\xff",
    b"\x00",
    b"x" * 5,
)


@settings(max_examples=times(300), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.one_of(st.sampled_from([*PARTS, *CODING]), st.binary(max_size=8)), max_size=10))
def test_no_answer_breaks_an_attempt(receiver: FaultReceiver, parts: list[bytes]) -> None:
    """Whatever bytes come in whatever order, there is an outcome."""

    async def answer(exchange: Exchange) -> bool:
        await exchange.say(b"".join(parts))
        return False

    async def send() -> Answer:
        sender = Sender(LOOPBACK, trust=UNUSED, seconds=5.0)
        try:
            return await sender.send(target(receiver.url("/any")), event())
        finally:
            await sender.close()

    receiver.turn("/any", answer)
    outcome = asyncio.run(send())
    assert (outcome.status is None) <= (outcome.error is not None)
    assert outcome.error in (None, "CONNECTION", "PROTOCOL", "REDIRECT", "TOO_LARGE")
