"""What every route has in common, tried at every one that the sandbox publishes: three services, its clock, probes."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.journeys.sandbox import Outsider, sandbox
from tests.support.broadcasts import broadcast
from tests.support.people import AUDITOR, INES, LOTTE, OPERATOR, Person
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.timeout(110), pytest.mark.xdist_group("every route")]

DOCUMENT: Final = Path(__file__).parents[2] / "contracts" / "openapi" / "sandbox.json"
PATHS: Final[dict[str, dict[str, Any]]] = json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]
METHODS: Final = ("get", "put", "post", "patch", "delete")
OPERATIONS: Final = [(method, path) for path, item in PATHS.items() for method in METHODS if method in item]
WITH_BODY: Final = [(method, path) for method, path in OPERATIONS if "requestBody" in PATHS[path][method]]
LINES: Final = "/v1/referrals/bulk"
OTHER_KINDS: Final = (
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    'application/json; charset="ISO-8859-1"',
    "application/x-ndjson; charset=latin-1",
    "application/merge-patch+json; charset=utf-16le",
    "application/problem+json",
    "nonsense",
)


def taken_by(method: str, path: str) -> set[str]:
    """The media types that an operation's body may have."""
    return set(PATHS[path][method]["requestBody"]["content"])


class Target:
    """The sandbox, and things in it that a path may name."""

    def __init__(self, outside: Outsider) -> None:
        self.outside = outside
        outside.clock(INES, "2026-01-12T10:00:00Z")
        referral = outside.refer(INES, another_person()).json()
        outside.does(LOTTE, f"/v1/referrals/{referral['id']}", "receive")
        accepted = outside.does(LOTTE, f"/v1/referrals/{referral['id']}", "accept", {"coordinator": LOTTE.sub})
        lacks = {"serviceKind": "CHILDCARE", "gapType": "TOO_SLOW"}
        position, case = accepted.headers["Position"], f"/v1/cases/{referral['case']}"
        gap = outside.does(LOTTE, case, "report-gap", lacks, wait_for=position).json()["gaps"][0]["id"]
        key = {"Idempotency-Key": "to-several"}
        offered = outside.send(INES, "POST", "/v1/broadcasts", broadcast(), headers=key)
        assert offered.status_code == 201, offered.text
        outside.clock(INES, "2026-01-12T10:00:01Z")
        profile = {"kind": "VOLUNTEER"}
        assert outside.send(LOTTE, "PUT", "/v1/mentors/M-41", profile).status_code == 200
        away = {"substitute": "an.peeters", "until": "2026-06-01T00:00:00Z"}
        assert outside.send(INES, "PUT", f"/v1/absences/{INES.sub}", away).status_code == 200
        webhook = {"channel": "WEBHOOK", "url": "https://hooks.example.org/caserelay"}
        subscribed = outside.send(LOTTE, "POST", "/v1/subscriptions", webhook, headers={"Idempotency-Key": "hook"})
        assert subscribed.status_code == 201, subscribed.text
        outside.does(LOTTE, f"/v1/cases/{referral['case']}", "report-gap", lacks | {"serviceKind": "TRAINING"})
        outside.clock(INES, "2026-01-12T10:00:02Z")
        told = outside.send(LOTTE, "GET", f"/v1/subscriptions/{subscribed.json()['id']}/deliveries").json()["items"]
        receipts = outside.get(LOTTE, f"{case}/receipts").json()["items"]
        self.there = {
            "delivery_id": told[0]["id"],
            "subscription_id": subscribed.json()["id"],
            "sub": INES.sub,
            "referral_id": referral["id"],
            "case_id": referral["case"],
            "basis_id": referral["legalBasis"]["id"],
            "organisation_id": "brugwerk",
            "programme_id": "mtw-be-2026",
            "ref": "M-41",
            "gap_id": gap,
            "path": "0/000.p/1",
            "broadcast_id": offered.json()["id"],
            "version": "1",
            "name": "reliance",
            "question": "Q4",
            "token": "none",
            "event": receipts[0]["event"],
        }

    def path(self, template: str) -> str:
        """A path of something that is there."""
        return re.sub(r"{(\w+)}", lambda found: self.there[found[1]], template)

    def send(self, method: str, template: str, person: Person | None = INES, **given: Any) -> httpx.Response:
        """One request as somebody; `given` is the client's."""
        who = self.outside.headers(person) if person is not None else {}
        headers = {**who, "Idempotency-Key": "every-route", "If-Match": '"1"', **given.pop("headers", {})}
        return self.outside.http.request(method, self.path(template), headers=headers, **given)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A sandbox with a case under way."""
    with sandbox(tmp_path_factory.mktemp("routes") / "var", "--empty") as (_, outside):
        yield Target(outside)


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The refusal that an answer has to be."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    told: dict[str, Any] = answer.json()
    assert told["code"] == code, told
    return told


def forbidden(method: str, answer: httpx.Response) -> bool:
    """Whether a command is not for who sends it: they are told that, and not how it would be sent rightly."""
    return method in ("post", "put", "patch", "delete") and answer.status_code in (403, 404)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_parameter_that_the_route_does_not_know_is_named_with_the_nearest(
    target: Target, method: str, path: str
) -> None:
    """422 at every route; who has no token is told that first, where one is needed."""
    known = [one["name"] for one in PATHS[path][method].get("parameters", []) if one["in"] == "query"]
    for wrong in ("zzz", *(f"{name}s" for name in known if f"{name}s" not in known)):
        answer = target.send(method, path, params={wrong: "1"})
        if forbidden(method, answer):
            continue
        told = refused(answer, 422, "UNKNOWN_PARAMETER")
        fault, *others = told["errors"]
        assert fault["pointer"] == f"/query/{wrong}"
        # What else is wrong with the request stands beside it.
        assert not [one for one in others if one["pointer"].startswith("/query/")]
        if wrong == "zzz":
            assert "did you mean" not in fault["detail"], "nothing is like it"
        else:
            assert f"did you mean {wrong.removesuffix('s')} " in fault["detail"]
        for name in known:
            assert name in fault["detail"]
    if path.startswith("/v1/"):
        assert target.send(method, path, None, params={"zzz": "1"}).status_code == 401


def test_the_document_takes_no_parameters(target: Target) -> None:
    """The one route that does not stand in it."""
    refused(target.send("get", "/openapi.json", None, params={"zzz": "1"}), 422, "UNKNOWN_PARAMETER")


@pytest.mark.parametrize(
    ("path", "asked", "nearest"),
    [
        ("/v1/referrals", "status", "state"),
        ("/v1/referrals", "caseId", "case"),
        ("/v1/cases", "ClientREF", "clientRef"),
        ("/v1/cases", "organization", "organisation"),
        ("/v1/feed", "type", "types"),
        ("/v1/cases/{case_id}/timeline", "asof", "asOf"),
    ],
)
def test_the_nearest_is_what_was_meant(target: Target, path: str, asked: str, nearest: str) -> None:
    """Another spelling, another word for it, or one letter less."""
    told = refused(target.send("get", path, params={asked: "ACCEPTED"}), 422, "UNKNOWN_PARAMETER")
    assert f"did you mean {nearest} " in told["detail"]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_parameter_that_is_no_list_is_given_once(target: Target, method: str, path: str) -> None:
    """422 for a second one, the same or another; what is a list in the document may come more often."""
    for one in PATHS[path][method].get("parameters", []):
        if one["in"] != "query":
            continue
        listed = any(kind.get("type") == "array" for kind in (one["schema"], *one["schema"].get("anyOf", [])))
        answer = target.send(method, path, params=[(one["name"], "1"), (one["name"], "1")])
        if forbidden(method, answer):
            continue
        if listed:
            assert "REPEATED_PARAMETER" not in answer.text
        else:
            told = refused(answer, 422, "REPEATED_PARAMETER")
            of_the_query = [one for one in told["errors"] if one["pointer"].startswith("/query/")]
            assert [fault["pointer"] for fault in of_the_query] == [f"/query/{one['name']}"]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_coded_body_is_415_with_what_may_be_sent(target: Target, method: str, path: str) -> None:
    """Accept-Encoding says that bodies are taken as they are."""
    for coding in ("gzip", "br", "identity, gzip", "x-strange"):
        answer = target.send(method, path, content=b"\x1f\x8b", headers={"Content-Encoding": coding})
        refused(answer, 415, "UNSUPPORTED_CONTENT_ENCODING")
        assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_a_body_of_another_kind_is_415_with_what_may_be_sent(target: Target, method: str, path: str) -> None:
    """Other media types, and characters other than UTF-8; Accept-Encoding is for codings alone."""
    taken = taken_by(method, path)
    for kind in (*OTHER_KINDS, "application/x-ndjson", "application/merge-patch+json"):
        if kind in taken:
            continue
        answer = target.send(method, path, content=b'{"a": 1}', headers={"Content-Type": kind})
        refused(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
        assert set(answer.headers["accept"].split(", ")) >= taken
        assert "accept-encoding" not in answer.headers
    twice = httpx.Headers([*target.outside.headers(INES).items(), *(("Content-Type", one) for one in OTHER_KINDS[:2])])
    two = target.outside.http.request(method, target.path(path), content=b"{}", headers=twice)
    refused(two, 415, "UNSUPPORTED_MEDIA_TYPE")
    unsaid = target.outside.http.request(method, target.path(path), content=b"1", headers=target.outside.headers(INES))
    assert unsaid.status_code != 415
    for kind in taken:
        for spelling in (kind, kind.upper(), f"{kind};charset=UTF-8", f'{kind} ; Charset="utf-8"'):
            answer = target.send(method, path, content=b'{"zzz": 1}', headers={"Content-Type": spelling})
            assert answer.status_code != 415, (spelling, answer.text)


@pytest.mark.parametrize(("method", "path"), [one for one in WITH_BODY if one[1] != LINES])
def test_what_does_not_mean_one_thing_is_400(target: Target, method: str, path: str) -> None:
    """A name that stands twice, at any depth and however it is written; and bytes that are no UTF-8."""
    kind = min(taken_by(method, path))
    for body, pointer in (
        ('{"reason": "A", "reason": "A"}', "/reason"),
        ('{"a": 1, "b": {"c": [{"RIGHT_TO_WORK": true, "RIGHT_TO_WORK": false}]}}', "/b/c/0/RIGHT_TO_WORK"),
        ('{"a": 1, "\\u0061": 1}', "/a"),
    ):
        answer = target.send(method, path, content=body.encode(), headers={"Content-Type": kind})
        told = refused(answer, 400, "DUPLICATE_NAME")
        assert [fault["pointer"] for fault in told["errors"]] == [pointer]
    for content in ('{"a": "é"}'.encode("latin-1"), '{"a": 1}'.encode("utf-16"), b"\xef\xbb\xbf{}"):
        answer = target.send(method, path, content=content, headers={"Content-Type": kind})
        refused(answer, 400, "UNREADABLE_JSON")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_path_with_a_slash_too_many_is_not_there(target: Target, method: str, path: str) -> None:
    """404, and never a redirect to whatever host the caller says it has asked."""
    headers = {**target.outside.headers(INES), "Host": "elsewhere.example"}
    url = f"{target.path(path)}/"
    answer = target.outside.http.request(method, url, headers=headers, follow_redirects=False)
    refused(answer, 404, "NOT_FOUND")
    assert "elsewhere.example" not in f"{answer.headers}{answer.text}"


def asked_for_the_head(target: Target, path: str, person: Person) -> tuple[int, dict[str, str], bytes]:
    """HEAD over a connection of its own, read until the server ends it."""
    port = httpx.URL(target.outside.url).port
    lines = [f"HEAD {target.path(path)} HTTP/1.1", "Host: t", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in target.outside.headers(person).items()]
    with socket.create_connection(("127.0.0.1", port or 80), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    pairs = [line.partition(": ") for line in headers]
    return int(status.split(" ")[1]), {name.lower(): value for name, _, value in pairs}, body


@pytest.mark.parametrize("path", [path for method, path in OPERATIONS if method == "get"])
def test_head_is_answered_where_get_is(target: Target, path: str) -> None:
    """The status and the headers of GET, and no byte of its body; also of a refusal, and of what has no end."""
    for person in (INES, LOTTE, AUDITOR, OPERATOR):
        status, headers, body = asked_for_the_head(target, path, person)
        assert body == b""
        with target.outside.http.stream("GET", target.path(path), headers=target.outside.headers(person)) as answer:
            got = {**answer.headers}
            assert status == answer.status_code, path
        differs = {"traceparent", "date", "connection"}
        if path in ("/metrics", "/readyz") or path.endswith("/accesses"):
            # What they count goes on; and that who oversees reads who read what is itself on record.
            differs |= {"content-length"}
        if path.endswith("/contact") or path == "/v1/stream":
            # Its length is a person's datum, or there is none.
            differs |= {"content-length", "transfer-encoding"}
        if path == "/v1/sandbox/clock":
            differs |= {"content-length"}
        assert {n: v for n, v in headers.items() if n not in differs} == {
            n: v for n, v in got.items() if n not in differs
        }, path


def test_the_head_of_the_contact_data_discloses_and_records_nothing(target: Target) -> None:
    """Who reads nothing does not stand among those who read; who may not read is refused all the same."""
    resource = target.path("/v1/referrals/{referral_id}")
    before = target.outside.read(INES, f"{resource}/disclosures")
    status, headers, body = asked_for_the_head(target, "/v1/referrals/{referral_id}/contact", LOTTE)
    assert (status, body, "content-length" in headers) == (200, b"", False)
    assert target.outside.read(INES, f"{resource}/disclosures") == before
    assert asked_for_the_head(target, "/v1/referrals/{referral_id}/contact", OPERATOR)[0] == 404


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_header_that_is_no_list_is_sent_once(target: Target, method: str, path: str) -> None:
    """400 for a second Idempotency-Key or Last-Event-ID, where the route reads one."""
    for one in PATHS[path][method].get("parameters", []):
        if one["in"] == "header" and one["name"] != "If-Match":
            doubled = [*target.outside.headers(INES).items(), (one["name"], "a"), (one["name"], "b")]
            answer = target.outside.http.request(method, target.path(path), headers=httpx.Headers(doubled))
            told = refused(answer, 400, "REPEATED_HEADER")
            assert one["name"].lower() in told["detail"]


def test_a_clock_that_stands_may_be_put_back_as_it_was_read(target: Target) -> None:
    """What GET of it gives changes nothing; that of a clock that runs is in the past by then."""
    read = target.outside.read(INES, "/v1/sandbox/clock")
    answer = target.outside.send(INES, "PUT", "/v1/sandbox/clock", read)
    assert (answer.status_code, answer.json()) == (200, read)
