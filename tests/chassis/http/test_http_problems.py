"""Every refusal is a problem with a stable code, and never an echo of what was sent."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chassis.asking import NATIONAL_NUMBER, SECRET, count_up, create, problem, raw
from tests.chassis.counting import Running, running, token


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Running]:
    """The counters' service at work, with a small body limit."""
    async with running(tmp_path, body_limit=2048, wait_seconds=0.3) as here:
        yield here


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1.5", "", "9" * 5000])
async def test_limits_out_of_bounds_are_422_and_never_clamped(here: Running, limit: str) -> None:
    """1 to 200, nothing else."""
    refused = problem(await here.client.get("/v1/counters", params={"limit": limit}), 422, "INVALID_VALUE")
    assert refused.errors is not None
    assert refused.errors[0].pointer == "/query/limit"


async def test_every_fault_of_a_body_is_named_by_its_pointer(here: Running) -> None:
    """Missing, unknown, of the wrong kind: all at once, each with a stable code, none with the value."""
    body = {"kind": SECRET, "steps": [1, SECRET], SECRET: 1, "surname": SECRET, "x" + NATIONAL_NUMBER: 1}
    refused = problem(
        await here.client.post("/v1/counters", json=body, headers={"Idempotency-Key": "k"}), 422, "REQUIRED"
    )
    assert refused.errors is not None
    assert {(fault.pointer, fault.code) for fault in refused.errors} == {
        ("/by", "REQUIRED"),
        ("/kind", "INVALID_VALUE"),
        ("/steps/1", "INVALID_VALUE"),
        ("/(unnamed)", "UNKNOWN_FIELD"),
        ("/surname", "UNKNOWN_FIELD"),
    }


async def test_a_list_of_thousands_of_faults_is_cut(here: Running) -> None:
    """An answer is not a hundred times longer than the question."""
    refused = problem(await create(here, steps=["x"] * 400), 422, "INVALID_VALUE")
    assert refused.errors is not None
    assert len(refused.errors) == 100


@pytest.mark.parametrize("place", ["/v1/counters", "/v1/counters/counter-north-k1/close"])
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"by": 1',
        b"[" * 1900,
        b'{"by":' + b"[" * 950 + b"]" * 950 + b"}",
        b'{"a":' * 380,
        b"nul",
        b"NaN",
    ],
)
async def test_a_body_that_is_no_json_is_400(here: Running, place: str, body: bytes) -> None:
    """Broken, not UTF-8, or nested without end; also on a route that asks for no body."""
    await create(here)
    headers = {"Idempotency-Key": "k2", "If-Match": '"1"', "Content-Type": "application/json"}
    answer = await here.client.post(place, content=body, headers=headers)
    assert answer.status_code in ((400, 422) if b"]" in body else (400,)), answer.text
    if answer.status_code == 400:
        problem(answer, 400, "UNREADABLE_JSON")
    assert len(await here.service.log.read("counter-north-k1")) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b'"text"',
        b"1e999",
        b'{"by": 1e400}',
        b'{"by": ' + b"9" * 1500 + b"}",
        b'{"by": -1}',
        b'{"by": true, "kind": "\\u0000"}',
        b'{"by": 1, "kind": "\\ud800"}',
        b'{"by": 1, "steps": [1, null]}',
        b'{"by": 1, "answers": {"\\ud800": 7}}',
        b"",
    ],
)
async def test_a_body_of_the_wrong_shape_is_422(here: Running, body: bytes) -> None:
    """Readable, and not what the route takes: never a 5xx, whatever the value is."""
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    answer = await here.client.post("/v1/counters", content=body, headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await here.service.log.head() == 0


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in chunks"])
async def test_a_long_body_is_taken_only_from_somebody_who_is_known(tmp_path: Path, *, declared: bool) -> None:
    """Thousands of connections that nobody knows must not fill the memory: 401, before the body has been read."""
    pieces = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal pieces
        for piece in (b'{"by": 1, "unknown": "', *([b"x" * 16_384] * 7), b'"}'):
            pieces += 1
            yield piece

    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    if declared:
        headers["Content-Length"] = str(7 * 16_384 + 24)
    async with running(tmp_path) as here:
        nobody = {**headers, "Authorization": "Bearer x"}
        problem(await here.client.post("/v1/counters", content=body(), headers=nobody), 401, "TOKEN_INVALID")
        assert pieces <= (0 if declared else 6)
        problem(await here.client.post("/v1/counters", content=body(), headers=headers), 422, "UNKNOWN_FIELD")


async def test_a_body_over_the_limit_is_413_also_in_pieces(here: Running) -> None:
    """With a length it is refused unread; without one as soon as it is too long."""
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    long = json.dumps({"by": 1, "contact": {"name": "x" * 2048}}).encode()
    problem(await here.client.post("/v1/counters", content=long, headers=headers), 413, "BODY_TOO_LARGE")

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(long), 100):
            yield long[start : start + 100]

    for place in ("/v1/counters", "/v1/counters/counter-north-k1/close"):
        answer = await here.client.post(place, content=pieces(), headers={**headers, "If-Match": '"1"'})
        problem(answer, 413, "BODY_TOO_LARGE")
    for length in ("-1", "1x", "9" * 5000):
        answer = await here.client.post("/v1/counters", content=b"{}", headers={**headers, "Content-Length": length})
        problem(answer, 413, "BODY_TOO_LARGE")
    exact = b'{"by": 1}'.ljust(2048)
    assert (await here.client.post("/v1/counters", content=exact, headers=headers)).status_code == 201


async def test_a_national_number_is_refused_wherever_it_stands(here: Running) -> None:
    """In values, in names and in numbers, outside of `contact`; the answer says where and not which."""
    refused = problem(await create(here, answers={f"X {NATIONAL_NUMBER}": True}), 422, "NATIONAL_NUMBER")
    assert refused.errors is not None
    assert [fault.pointer for fault in refused.errors] == ["/answers/(unnamed)"]
    refused = problem(await create(here, steps=[1, int(NATIONAL_NUMBER)]), 422, "NATIONAL_NUMBER")
    assert refused.errors is not None
    assert [fault.pointer for fault in refused.errors] == ["/steps/1"]
    assert (await create(here, contact={"note": NATIONAL_NUMBER})).status_code == 201


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "TOKEN_MISSING"),
        ("Basic eA==", "TOKEN_MISSING"),
        ("Bearer x.y.z", "TOKEN_INVALID"),
        ("Bearer ", "TOKEN_INVALID"),
    ],
)
async def test_without_a_good_token_nothing_is_told(here: Running, authorization: str | None, code: str) -> None:
    """401 with the challenge; the four common routes need none."""
    here.client.headers.pop("authorization")
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await here.client.get("/v1/counters", headers=headers)
    problem(answer, 401, code)
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="caserelay"')
    assert ('error="invalid_token"' in challenge) is (code == "TOKEN_INVALID")
    for common in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert (await here.client.get(common)).status_code == 200


async def test_the_role_that_may_see_nothing_is_403_everywhere(here: Running, tmp_path: Path) -> None:
    """Control and sanctions get no access, whatever they ask."""
    headers = {"Authorization": f"Bearer {token(tmp_path, role='AGENCY_CONTROL')}"}
    problem(await here.client.get("/v1/counters", headers=headers), 403, "NO_ACCESS_FOR_CONTROL")


async def test_what_the_framework_refuses_is_a_problem_too(here: Running) -> None:
    """Unknown routes, other methods, other media; a path is repeated only where it is plain."""
    unknown = problem(await here.client.get("/v1/nothing"), 404, "NOT_FOUND")
    assert unknown.instance == "/v1/nothing"
    strange = problem(await here.client.get(f"/v1/{NATIONAL_NUMBER}/{SECRET}"), 404, "NOT_FOUND")
    assert strange.instance == "/"
    answer = await here.client.delete("/v1/counters")
    problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD, POST"
    problem(await here.client.post("/v1/counters/a%00b/close", headers={"If-Match": '"1"'}), 422, "INVALID_VALUE")


async def test_a_refusal_by_the_domain_carries_its_code(here: Running) -> None:
    """409 with the rule; the resource that is not there is 404."""
    await create(here)
    closed = await here.client.post("/v1/counters/counter-north-k1/close", headers={"If-Match": '"1"'})
    problem(await count_up(here, "counter-north-k1", closed.headers["etag"]), 409, "COUNTER_CLOSED")
    problem(await count_up(here, "counter-nobody", '"1"'), 404, "NOT_FOUND")


async def test_what_nobody_expected_is_a_500_that_says_nothing(here: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the answer nor the log quotes the failure, and the server has nothing left to print."""
    caplog.set_level(logging.DEBUG)
    problem(await here.client.post("/v1/fail", json={"name": SECRET}), 500, "INTERNAL_ERROR")
    sent = await raw(here, "GET", "/v1/fail-late", {}, {"type": "http.request", "body": b"", "more_body": False})
    assert [message.get("status", message.get("body")) for message in sent] == [200, b"some"]
    assert "must not be said" not in caplog.text
    assert [getattr(one, "failure", None) for one in caplog.records if one.levelno == logging.ERROR] == [
        "LookupError"
    ] * 2


async def test_a_client_that_hangs_up_is_no_failure(here: Running, caplog: pytest.LogCaptureFixture) -> None:
    """It went away before its body was there: nothing is done, nothing is reported as broken."""
    headers = {
        "authorization": here.client.headers["authorization"],
        "idempotency-key": "k1",
        "if-match": '"1"',
        "content-type": "application/json",
    }
    sent = await raw(here, "POST", "/v1/counters/counter-north-k1/close", headers, {"type": "http.disconnect"})
    assert [message for message in sent if message.get("status", 200) >= 500] == []
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert await here.service.log.head() == 0


async def test_the_document_describes_the_manners(here: Running) -> None:
    """Bearer tokens, problems and headers are in the OpenAPI document, and the framework's own refusals are not."""
    document = (await here.client.get("/openapi.json")).json()
    create_route = document["paths"]["/v1/counters"]["post"]
    assert create_route["security"] == [{"bearer": []}]
    assert create_route["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
    assert {one["name"] for one in create_route["parameters"]} == {"Idempotency-Key", "dryRun"}
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert document["paths"]["/healthz"]["get"]["security"] == []
