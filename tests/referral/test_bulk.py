"""The bulk intake: NDJSON in, NDJSON out, in order, each line as soon as it is known."""

from __future__ import annotations

import asyncio
import json
import resource
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from services.chassis.engines.store_health import Unavailable
from services.referral.app import build
from services.referral.routes.bulk import _collect, _Spool
from tests.referral.context import NDJSON, REFERRALS, ReferralContext
from tests.support.mounts import mounted
from tests.support.people import INES, KARIM
from tests.support.problems import assert_problem
from tests.support.requests import another_person, new_key, samira
from tests.support.running import listening, running

BULK = f"{REFERRALS}/bulk"


def line(body: dict[str, Any] | None = None, key: str | None = None) -> bytes:
    """A line that a referral stands on."""
    return json.dumps({**(body or another_person()), "idempotencyKey": key or new_key()}).encode()


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


async def sent(context: ReferralContext, *lines: bytes, by: Any = INES) -> list[dict[str, Any]]:
    """The answers to some lines."""
    answer = await context.running.send(by, "POST", BULK, content=b"\n".join(lines), headers=NDJSON)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.text.endswith("\n") or not answer.text
    return [json.loads(one) for one in answer.text.splitlines()]


async def test_every_line_is_answered_in_order(context: ReferralContext) -> None:
    """A status as of a single request, and the referral, for each line under its own number."""
    bodies = [another_person() for _ in range(100)]
    answers = await sent(context, *(line(body) for body in bodies))
    assert [one["line"] for one in answers] == list(range(1, 101))
    assert {one["status"] for one in answers} == {201}
    assert [one["referral"]["client"]["ref"] for one in answers] == [body["client"]["ref"] for body in bodies]
    listed = await context.running.read(INES, REFERRALS, limit=200)
    assert [item["id"] for item in listed["items"]] == [one["referral"]["id"] for one in answers]


async def test_a_bad_line_spoils_only_itself(context: ReferralContext) -> None:
    """Each has the problem that the single request would have had; the good ones between them are taken in."""
    huge = line(another_person(region="x" * 1_000_001))
    bad: list[tuple[bytes, int, str]] = [
        (b"{", 400, "UNREADABLE_JSON"),
        (b"\xff\xfe\xff", 400, "UNREADABLE_JSON"),
        (b"[" * 100_000, 400, "UNREADABLE_JSON"),
        (b"[]", 422, "INVALID_VALUE"),
        (b"null", 422, "INVALID_VALUE"),
        (b"7", 422, "INVALID_VALUE"),
        (json.dumps(another_person()).encode(), 400, "IDEMPOTENCY_KEY_REQUIRED"),
        (line(another_person(), "two words"), 400, "IDEMPOTENCY_KEY_INVALID"),
        (json.dumps({**another_person(), "idempotencyKey": 7}).encode(), 422, "INVALID_VALUE"),
        (b'{"idempotencyKey": "tiny", "programme": 1e-99999999999999999999}', 422, "INVALID_VALUE"),
        (line(another_person(goals=[])), 422, "GOAL_REQUIRED"),
        (line(another_person(religion="x")), 422, "UNKNOWN_FIELD"),
        (line(another_person(client={"ref": "85073003328"})), 422, "NATIONAL_NUMBER"),
        (huge, 413, "BODY_TOO_LARGE"),
    ]
    lines = [one for content, _, _ in bad for one in (line(), content)]
    answers = await sent(context, *lines)
    assert [one["line"] for one in answers] == list(range(1, len(lines) + 1))
    assert {one["status"] for one in answers[::2]} == {201}
    assert [(one["status"], one["problem"]["code"]) for one in answers[1::2]] == [(s, code) for _, s, code in bad]
    assert "85073003328" not in json.dumps(answers)


async def test_blank_lines_are_passed_over_and_counted(context: ReferralContext) -> None:
    """The numbers are those of the lines as sent; an empty body has no answers; the last line may lack its end."""
    answers = await sent(context, b"", line(), b"   ", b"\r", line() + b"\r", b"")
    assert [(one["line"], one["status"]) for one in answers] == [(2, 201), (5, 201)]
    assert await sent(context) == []
    assert await sent(context, b"\n\n\n") == []


async def test_a_line_and_a_single_request_share_their_keys(context: ReferralContext) -> None:
    """The same key and body are one referral, whichever way they come; another body is 422."""
    body, key = another_person(), new_key()
    single = await context.running.create(INES, REFERRALS, body, key=key)
    before = await context.snapshot()
    (repeat, other) = await sent(context, line(body, key), line({**body, "region": "BE211"}, key))
    assert (repeat["status"], repeat["referral"]) == (201, single.json())
    assert (other["status"], other["problem"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert await context.snapshot() == before


async def test_lines_of_one_key_or_one_person_are_taken_in_their_order(context: ReferralContext) -> None:
    """As if they had been sent one after the other: the first wins, whatever the others have or lack."""
    for _ in range(10):
        key, body = new_key(), another_person()
        again, without = {**body, "region": "BE211"}, {name: v for name, v in body.items() if name != "sectors"}
        answers = await sent(context, line(body, key), line(body, key), line(again, key), line(without), line(without))
        assert [one["status"] for one in answers] == [201, 201, 422, 409, 409]
        assert answers[0]["referral"] == answers[1]["referral"]
        assert answers[0]["referral"]["id"] in answers[3]["problem"]["detail"]


async def test_whoever_may_not_refer_is_told_line_by_line(context: ReferralContext) -> None:
    """The whole is 200; every line is the 403 of a single request."""
    before = await context.snapshot()
    answers = await sent(context, line(), line(), by=KARIM)
    assert [one["status"] for one in answers] == [403, 403]
    assert await context.snapshot() == before
    assert_problem(await context.running.send(None, "POST", BULK, content=line(), headers=NDJSON), 401)


async def test_an_answer_comes_before_the_next_line_is_sent(context: ReferralContext) -> None:
    """Over a real connection: a client that waits for each answer before it sends the next line is served."""
    async with listening(context.running) as served:
        assert served.url is not None
        host, _, port = served.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"POST {BULK} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {served.token(INES)}\r\n"
            "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        async with asyncio.timeout(20):
            for number in range(1, 6):
                content = line() + b"\n"
                for piece in (content[:100], content[100:]):
                    writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                    await writer.drain()
                if number == 1:
                    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
                size = int((await reader.readline()).strip(), 16)
                answer = json.loads((await reader.readexactly(size + 2))[:-2])
                assert (answer["line"], answer["status"]) == (number, 201)
            writer.write(b"0\r\n\r\n")
            assert await reader.readline() == b"0\r\n"
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_leaves_ends_only_its_own_request(context: ReferralContext) -> None:
    """What it had sent is taken in or not, the service goes on."""
    async with listening(context.running) as served:
        assert served.url is not None
        host, _, port = served.url.removeprefix("http://").partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        body = b"".join(line() + b"\n" for _ in range(50))
        writer.write(
            f"POST {BULK} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {served.token(INES)}\r\n"
            f"Content-Length: {len(body) + 1000}\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        answer = await served.create(INES, REFERRALS, another_person())
        assert answer.status_code == 201


@pytest.mark.slow
@pytest.mark.on_files
@pytest.mark.timeout(300)
async def test_ten_thousand_lines_take_little_memory(context: ReferralContext) -> None:
    """Neither the lines nor their answers pile up: the peak is that of a few of them, not of all."""

    async def lines() -> AsyncIterator[bytes]:
        for _ in range(10_000):
            yield line(samira(client={"ref": f"P-{new_key()[:13]}"}), new_key()) + b"\n"

    async with listening(context.running) as served:
        headers = {**served.headers(INES), "Content-Type": "application/x-ndjson"}
        before, count = resident(), 0
        async with served.http.stream("POST", BULK, content=lines(), headers=headers) as answer:
            # The client has sent everything by now, and read nothing.
            grown = resident() - before
            async for told in answer.aiter_lines():
                count += 1
                assert json.loads(told)["line"] == count
    assert count == 10_000
    # The lines are 10 MB, the answers 35; what stays is what the service remembers of the last events and streams.
    assert grown < 60_000_000


async def _all(spool: _Spool) -> list[bytes]:
    return [piece async for piece in spool.pieces()]


async def test_answers_that_find_no_room_break_off_instead_of_keeping_the_client_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that sends all before reading is told by an answer that ends early; its keys show what holds."""

    async def answer() -> bytes:
        return b"x" * 65_536

    with mounted(tmp_path / "small", "64k") as where:
        monkeypatch.setattr(tempfile, "tempdir", str(where))
        spool, under_way = _Spool(), asyncio.Queue[asyncio.Task[bytes] | None]()
        for _ in range(40):
            under_way.put_nowait(asyncio.create_task(answer()))
        under_way.put_nowait(None)
        await _collect(under_way, spool)
        with pytest.raises(Unavailable, match="ENOSPC"):
            await asyncio.wait_for(_all(spool), 5)


async def test_a_line_counts_as_a_request_and_one_too_many_may_be_sent_again(tmp_path: Path) -> None:
    """A body with many lines is no way around the rate; what was refused made nothing, and is taken later."""
    lines = [line() for _ in range(10)]
    async with running(tmp_path, {"referral": build}, rate_requests=8, rate_seconds=3600) as limited:
        await limited.set_the_scene()
        # The request itself is one of them.
        first = await sent(ReferralContext(limited), *lines)
        assert [one["status"] for one in first] == [201] * 7 + [429] * 3
        assert {one["problem"]["code"] for one in first[7:]} == {"RATE_LIMITED"}
    async with running(tmp_path, {"referral": build}) as later:
        again = await later.send(INES, "POST", BULK, content=b"\n".join(lines), headers=NDJSON)
        answers = [json.loads(one) for one in again.text.splitlines()]
        assert {one["status"] for one in answers} == {201}
        assert len((await later.read(INES, REFERRALS, limit=200))["items"]) == 10


async def test_every_refused_line_is_counted_by_its_code(context: ReferralContext) -> None:
    """A bulk is one request that succeeds; on a full disk the metrics would show nothing of its lines."""
    await sent(context, b"{", line(another_person(goals=[])), line(), line(another_person(goals=[])))
    shown = (await context.running.send(INES, "GET", "/metrics")).text.splitlines()
    assert 'caserelay_refusals_total{code="UNREADABLE_JSON"} 1.0' in shown
    assert 'caserelay_refusals_total{code="GOAL_REQUIRED"} 2.0' in shown


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/json",
        "application/octet-stream",
        "application/x-ndjson; charset=utf-16",
        "application/x-ndjson; charset=iso-8859-1",
    ],
)
async def test_only_lines_in_utf_8_are_taken(context: ReferralContext, kind: str) -> None:
    """415 before a line is read, whatever the lines are: a form with referrals in it made some."""
    before = await context.snapshot()
    read = 0

    async def lines() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(3):
            read += 1
            yield line() + b"\n"

    headers = {**context.running.headers(INES), "Content-Type": kind}
    answer = await context.running.http.post(BULK, content=lines(), headers=headers)
    assert_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert "application/x-ndjson" in answer.json()["detail"]
    assert read == 0
    assert await context.snapshot() == before
    for sound in ("application/x-ndjson; charset=utf-8", "application/ndjson"):
        answer = await context.running.send(INES, "POST", BULK, content=line(), headers={"Content-Type": sound})
        assert json.loads(answer.text)["status"] == 201


async def test_a_line_means_one_thing_or_is_refused(context: ReferralContext) -> None:
    """A name that stands twice, and other encodings than UTF-8, which were found out line by line: 400."""
    body = another_person()
    twice = line(body).replace(b'"RIGHT_TO_WORK": true', b'"RIGHT_TO_WORK": false, "RIGHT_TO_WORK": true')
    assert twice != line(body)
    answers = await sent(context, twice, line(), line(another_person()).decode().encode("utf-16-le"))
    assert [one["status"] for one in answers] == [400, 201, 400]
    assert answers[0]["problem"]["code"] == "DUPLICATE_NAME"
    assert [fault["pointer"] for fault in answers[0]["problem"]["errors"]] == ["/eligibility/RIGHT_TO_WORK"]
    assert answers[2]["problem"]["code"] == "UNREADABLE_JSON"


async def test_a_replayed_line_says_so(context: ReferralContext) -> None:
    """As the header of a single request does; a line that is taken in for the first time does not."""
    once, key, body = line(), new_key(), another_person()
    await context.running.create(INES, REFERRALS, body, key=key)
    first = await sent(context, once, line(body, key), b"{")
    assert [one.get("replayed") for one in first] == [None, True, None]
    again = await sent(context, once, line())
    assert [(one["status"], one.get("replayed")) for one in again] == [(201, True), (201, None)]


async def test_the_document_types_the_lines(context: ReferralContext) -> None:
    """What goes in and what comes out is as its schema there; another line is not."""
    document = (await context.running.http.get("/openapi.json")).json()
    bulk = document["paths"][BULK]["post"]

    def of(content: dict[str, Any]) -> Any:
        (schema,) = {json.dumps(kind["schema"]) for kind in content.values()}
        return jsonschema_rs.validator_for({**json.loads(schema), "components": document["components"]})

    going_in, coming_out = of(bulk["requestBody"]["content"]), of(bulk["responses"]["200"]["content"])
    lines = [line(), line(another_person(goals=[]))]
    for one in lines:
        assert going_in.is_valid(json.loads(one))
    for bad in ("text", {**another_person()}, {**json.loads(line()), "religion": "x"}, {"idempotencyKey": "k"}):
        assert not going_in.is_valid(bad)
    answers = await sent(context, *lines, lines[0])
    assert [one["status"] for one in answers] == [201, 422, 201]
    for answer in answers:
        assert coming_out.is_valid(answer), list(coming_out.iter_errors(answer))
        assert answer.keys() <= document["components"]["schemas"]["BulkAnswer"]["properties"].keys()
    assert not coming_out.is_valid({"line": "1"})
