"""The manners of every route: keys, versions, dry runs, positions and pages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.chassis.log.position import Position
from tests.chassis.asking import NATIONAL_NUMBER, count_up, create, problem, raw
from tests.chassis.counting import Running, running, token


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Running]:
    """The counters' service at work, with a small body limit."""
    async with running(tmp_path, body_limit=2048, wait_seconds=0.3) as here:
        yield here


async def test_head_sends_no_body_whatever_server_is_in_front(here: Running) -> None:
    """The length is that of the body that GET would send, and not a byte of it comes."""
    headers = {"authorization": here.client.headers["authorization"]}
    nothing = {"type": "http.request", "body": b"", "more_body": False}
    got, head = [await raw(here, method, "/v1/counters", headers, nothing) for method in ("GET", "HEAD")]
    assert b"".join(one.get("body", b"") for one in got)
    assert b"".join(one.get("body", b"") for one in head) == b""
    lengths = [dict(one[0]["headers"])[b"content-length"] for one in (got, head)]
    assert lengths[0] == lengths[1] != b"0"


async def test_a_create_answers_with_location_etag_and_position(here: Running) -> None:
    """201, and everything that the next request needs."""
    answer = await create(here, by=3)
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert Position.read(answer.headers["position"]) == Position("counters", 2)
    read = await here.client.get(answer.headers["location"])
    assert (read.json(), read.headers["etag"]) == (answer.json(), '"1"')
    assert answer.json() == {"id": "counter-north-k1", "total": 3, "closed": False}


@pytest.mark.parametrize("again", ["k1", '"k1"', '  "k1" '])
async def test_a_repeated_key_replays_the_answer(here: Running, again: str) -> None:
    """Quoted or bare, the same key and body get the same answer, also when more has happened since."""
    first = await create(here, by=3)
    await count_up(here, "counter-north-k1", '"1"', by=4)
    repeated = await create(here, key=again, by=3)
    assert (repeated.status_code, repeated.json()) == (201, first.json())
    assert repeated.headers["idempotency-replayed"] == "true"
    assert [repeated.headers[name] for name in ("etag", "position", "location")] == [
        first.headers[name] for name in ("etag", "position", "location")
    ]
    assert "idempotency-replayed" not in first.headers


async def test_the_same_body_written_differently_is_the_same_body(here: Running) -> None:
    """White space, the order of members and the spelling of numbers do not matter."""
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    await here.client.post("/v1/counters", content=b'{"by":1,"kind":"PLAIN"}', headers=headers)
    again = await here.client.post("/v1/counters", content=b'{ "kind" : "PLAIN",\n "by": 1.0 }', headers=headers)
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_key_with_another_body_or_on_another_route_is_refused(here: Running) -> None:
    """422, and the counter stays as it was."""
    await create(here, by=3)
    refused = problem(await create(here, by=4), 422, "IDEMPOTENCY_KEY_REUSED")
    assert refused.errors is not None
    assert refused.errors[0].pointer == "/headers/Idempotency-Key"
    await count_up(here, "counter-north-k1", '"1"', key="k2")
    closing = await here.client.post(
        "/v1/counters/counter-north-k1/close", headers={"If-Match": '"2"', "Idempotency-Key": "k2"}
    )
    problem(closing, 422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_key_is_looked_at_before_if_match(here: Running) -> None:
    """The repeat of a command carries the ETag of then, and is replayed all the same."""
    await create(here)
    first = await count_up(here, "counter-north-k1", '"1"', by=5, key="k2")
    again = await count_up(here, "counter-north-k1", '"1"', by=5, key="k2")
    assert (again.status_code, again.json(), again.headers["etag"]) == (200, first.json(), '"2"')
    assert again.headers["idempotency-replayed"] == "true"


async def test_organisations_do_not_share_keys(here: Running, tmp_path: Path) -> None:
    """The same key of another organisation makes another thing."""
    await create(here, by=3)
    other = await here.client.post(
        "/v1/counters",
        json={"by": 9},
        headers={"Idempotency-Key": "k1", "Authorization": f"Bearer {token(tmp_path, org='south')}"},
    )
    assert (other.status_code, other.json()["id"]) == (201, "counter-south-k1")


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "IDEMPOTENCY_KEY_REQUIRED"),
        ("", "IDEMPOTENCY_KEY_INVALID"),
        ('""', "IDEMPOTENCY_KEY_INVALID"),
        ('"open', "IDEMPOTENCY_KEY_INVALID"),
        ("two words", "IDEMPOTENCY_KEY_INVALID"),
        ("a" * 256, "IDEMPOTENCY_KEY_INVALID"),
        (f'"{"a" * 256}"', "IDEMPOTENCY_KEY_INVALID"),
        ("caf\u00e9", "IDEMPOTENCY_KEY_INVALID"),
        (f"client-{NATIONAL_NUMBER}", "IDEMPOTENCY_KEY_INVALID"),
    ],
)
async def test_a_create_needs_a_readable_key(here: Running, key: str | None, code: str) -> None:
    """Absent, empty, over 255 characters, or not printable: 400."""
    headers = [] if key is None else [(b"Idempotency-Key", key.encode("latin-1"))]
    problem(await here.client.post("/v1/counters", json={"by": 1}, headers=headers), 400, code)


async def test_a_key_of_255_characters_is_taken(here: Running) -> None:
    """Quotes and escapes do not count."""
    key = '"' + '\\"' * 255 + '"'
    refused = await create(here, key=key)
    assert refused.status_code == 201
    assert (await create(here, key="0c8a4f2e-6f0e-4b7c-9a51-0d8a8f3c1b2a")).status_code == 201


@pytest.mark.parametrize(
    ("if_match", "status", "code"),
    [
        (None, 428, "IF_MATCH_REQUIRED"),
        ('"1"', 412, "STALE_VERSION"),
        ('"3"', 412, "STALE_VERSION"),
        ("2", 412, "STALE_VERSION"),
        ('W/"2"', 412, "STALE_VERSION"),
        ('"3", "1"', 412, "STALE_VERSION"),
        ('"2" "1"', 412, "STALE_VERSION"),
        ('"2", 1', 412, "STALE_VERSION"),
        ('"1", *', 412, "IF_MATCH_ANY_REFUSED"),
        ('"02"', 412, "STALE_VERSION"),
        ('"' + "9" * 5000 + '"', 412, "STALE_VERSION"),
        ("", 412, "STALE_VERSION"),
        ("*", 412, "IF_MATCH_ANY_REFUSED"),
    ],
)
async def test_a_command_needs_the_etag_of_the_last_read(
    here: Running, if_match: str | None, status: int, code: str
) -> None:
    """Absent 428; without the strong ETag of now 412; never `*`; nothing changes."""
    await create(here)
    await count_up(here, "counter-north-k1", '"1"')
    headers = {} if if_match is None else {"If-Match": if_match}
    answer = await here.client.post("/v1/counters/counter-north-k1/count", json={"by": 1}, headers=headers)
    problem(answer, status, code)
    assert len(await here.service.log.read("counter-north-k1")) == 2


@pytest.mark.parametrize(
    "lines",
    [
        ['"2", "1"'],
        ['"1","2"'],
        [' ,"9" ,, "2",'],
        ['W/"2", "2"'],
        ['"2-gzip", "2"'],
        ['"a,b", "2"'],
        ['"1"', '"2"'],
    ],
)
async def test_of_several_etags_any_may_be_the_present_one(here: Running, lines: list[str]) -> None:
    """If-Match is a list, also over several lines (RFC 9110, 13.1.1 and 5.3)."""
    await create(here)
    await count_up(here, "counter-north-k1", '"1"')
    headers = httpx.Headers([("If-Match", line) for line in lines])
    answer = await here.client.post("/v1/counters/counter-north-k1/count", json={"by": 1}, headers=headers)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')


@pytest.mark.parametrize("tag", ['W/"2"', '"2-gzip"', '"2;gzip"', '"2--gzip"', '"2-br"', '"1", W/"2"', '"2-gzip", "x"'])
async def test_a_tag_that_a_proxy_changed_is_said_to_be_one(here: Running, tag: str) -> None:
    """412 with what happened to the tag, and not that somebody else was faster; beside an old one that comes first."""
    await create(here)
    await count_up(here, "counter-north-k1", '"1"')
    before = await here.service.log.head()
    answer = await count_up(here, "counter-north-k1", tag)
    told = problem(answer, 412, "STALE_VERSION")
    assert ("changed this ETag" in told.detail) is not tag.startswith('"1"')
    assert await here.service.log.head() == before


async def test_a_stale_version_names_the_present_one_and_who_made_it(here: Running) -> None:
    """The loser of a race learns what won."""
    await create(here)
    await count_up(here, "counter-north-k1", '"1"')
    answer = await count_up(here, "counter-north-k1", '"1"')
    assert answer.headers["etag"] == '"2"'
    assert "Counted by AGENCY_COUNSELLOR of north" in problem(answer, 412, "STALE_VERSION").detail


async def test_a_dry_run_answers_and_writes_nothing(here: Running) -> None:
    """200 with the would-be state and the events, no ETag, no Position, no Location; and the key stays free."""
    dry = await here.client.post("/v1/counters?dryRun=true", json={"by": 3}, headers={"Idempotency-Key": "k1"})
    assert dry.status_code == 200
    assert dry.json() == {
        "id": "counter-north-k1",
        "total": 3,
        "closed": False,
        "dryRun": True,
        "events": ["Counted"],
    }
    assert not {"etag", "position", "location"} & set(dry.headers)
    assert await here.service.log.head() == 0
    assert (await create(here, by=8)).json()["total"] == 8
    problem(
        await here.client.post("/v1/counters?dryRun=maybe", json={"by": 3}, headers={"Idempotency-Key": "k1"}),
        422,
        "INVALID_VALUE",
    )


async def test_a_position_is_waited_for(here: Running) -> None:
    """A read with `waitFor` covers the write, however fast it follows."""
    for n in range(30):
        position = (await create(here, key=f"k{n}")).headers["position"]
        listed = await here.client.get("/v1/counters", params={"waitFor": position, "limit": 200})
        assert f"counter-north-k{n}" in [one["id"] for one in listed.json()["items"]]


async def test_a_position_that_does_not_come_is_504(here: Running) -> None:
    """After the time that the settings give."""
    answer = await here.client.get("/v1/counters", params={"waitFor": Position("counters", 99).token()})
    problem(answer, 504, "NOT_COVERED_YET")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "tampered",
    ["", "x", "🎯", "cDE6Y291bnRlcnM6MQ==", "cDE6Y291bnRlcnM6MR", "cDE6Q09VTlRFUlM6MQ", "A" * 5000, "YzE6MQ"],
)
async def test_a_position_or_cursor_that_nobody_made_is_422(here: Running, tampered: str) -> None:
    """Other alphabets, padding, spare bits, capitals, length, and one kind for the other."""
    refused = await here.client.get("/v1/counters", params={"waitFor": tampered})
    assert problem(refused, 422, "UNREADABLE_TOKEN").errors[0].pointer == "/query/waitFor"  # type: ignore[index]
    other = Position("counters", 1).token() if tampered == "YzE6MQ" else tampered
    refused = await here.client.get("/v1/counters", params={"cursor": other})
    assert refused.status_code == 422
    assert json.loads(refused.content)["errors"][0]["pointer"] == "/query/cursor"


async def test_a_position_of_a_log_that_nobody_follows_here_is_422(here: Running) -> None:
    """The token is fine, and this service cannot know."""
    answer = await here.client.get("/v1/counters", params={"waitFor": Position("weather", 1).token()})
    problem(answer, 422, "UNKNOWN_LOG")


def test_positions_are_read_as_they_were_made() -> None:
    """For every place, in letters that need no escaping in a URL."""
    for number in (0, 1, 63, 64, 10**9, 10**18 - 1):
        made = Position("referral", number).token()
        assert Position.read(made) == Position("referral", number)
        assert made.replace("-", "").replace("_", "").isalnum()


async def test_lists_are_paged_to_their_end(here: Running) -> None:
    """Every item once, in the order of creation, also while new ones come; `next` is null on the last page."""
    positions = [(await create(here, key=f"k{n}")).headers["position"] for n in range(11)]
    met: list[str] = []
    params: dict[str, Any] = {"limit": 4, "waitFor": positions[-1]}
    while True:
        page = (await here.client.get("/v1/counters", params=params)).json()
        assert set(page) == {"items", "next"}
        met += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert met == [f"counter-north-k{n}" for n in range(11)]
