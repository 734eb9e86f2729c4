"""Hostile bodies at every route: no 5xx, always a problem, nothing changed, nothing of the sender's text repeated."""

from __future__ import annotations

import asyncio
import json

import pytest

from services.referral.actions import OFFERED
from tests.referral.context import REFERRALS, ReferralContext
from tests.support.people import INES, OPERATOR
from tests.support.problems import assert_problem
from tests.support.requests import new_key, samira
from tests.support.running import listening

NAME = "Hostile Voorbeeld"
DEEP = 100_000


def with_name(text: str) -> bytes:
    """A body that repeats a name in the place of the mark, in some broken surroundings."""
    return text.replace("NAME", NAME).encode("utf-8", "surrogatepass")


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \n ",
    "a null byte": b"\0",
    "null": b"null",
    "a number": b"7",
    "a text": with_name('"NAME"'),
    "a list": with_name('["NAME"]'),
    "half an object": with_name('{"client": {"ref": "NAME"'),
    "two objects": with_name('{"reason": "OTHER"} {"text": "NAME"}'),
    "a comma too many": with_name('{"reason": "OTHER", "text": "NAME",}'),
    "single quotes": with_name("{'reason': 'NAME'}"),
    "bad UTF-8": b'{"reason": "OTHER", "text": "\xff\xfe\xc0\xaf Hostile Voorbeeld"}',
    "an overlong encoding": b'{"text": "\xc0\x80"}',
    "a lone surrogate, escaped": with_name('{"reason": "OTHER", "text": "NAME \\ud800"}'),
    "a lone surrogate, encoded": with_name('{"reason": "OTHER", "text": "NAME \ud800"}'),
    "a lone surrogate as a name": with_name('{"\\udfff NAME": 1}'),
    "a null byte in a text": with_name('{"reason": "OTHER\\u0000", "text": "NAME\\u0000"}'),
    "a null byte in a name": with_name('{"NAME\\u0000": 1}'),
    "a raw control character": with_name('{"text": "NAME\x01"}'),
    "UTF-16": json.dumps({"text": NAME}).encode("utf-16"),
    "UTF-32": json.dumps({"text": NAME}).encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps({"text": NAME}).encode(),
    "deep lists": b"[" * DEEP,
    "deep lists, closed": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep inside": with_name('{"client": {"ref": ' + "[" * DEEP + '"NAME"' + "]" * DEEP + "}}"),
    "a huge number": b'{"version": 1' + b"0" * 100_000 + b"}",
    "a huge exponent": b'{"capacity": 1e999999999}',
    "a number for a text": b'{"reason": 123456789012345678901234567890}',
    "NaN": b'{"capacity": NaN, "reason": NaN}',
    "infinity": b'{"capacity": -Infinity}',
    "the same member twice": with_name('{"reason": "OTHER", "reason": "NAME"}'),
    "a prototype": with_name('{"__proto__": {"NAME": 1}, "constructor": "NAME"}'),
    "a member of every kind": with_name('{"reason": ["NAME"], "text": {"NAME": 1}, "codes": "NAME", "answers": 1}'),
    "many members": json.dumps({f"field{n}": NAME for n in range(20_000)}).encode(),
    "many items": json.dumps({"codes": [NAME] * 20_000, "answers": [NAME] * 20_000, "goals": [NAME] * 9}).encode(),
    "a long text": json.dumps({"reason": "OTHER", "text": NAME * 20_000}).encode(),
    "a long name": json.dumps({NAME * 20_000: 1}).encode(),
    "a form": b"reason=OTHER&text=Hostile+Voorbeeld",
    "XML": b"<reason>Hostile Voorbeeld</reason>",
}
TYPES = ("application/json", "application/merge-patch+json", "text/plain", "application/xml", "nonsense", "")


def targets(path: str, draft: str, basis: str) -> list[tuple[str, str]]:
    """Every route that takes a body."""
    return [
        ("POST", REFERRALS),
        ("PATCH", draft),
        *(("POST", f"{path}/{action}") for action in OFFERED),
        ("POST", f"{basis}/withdraw"),
        ("PUT", "/v1/organisations/hostile"),
        ("PUT", "/v1/programmes/hostile/versions/1"),
    ]


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.slow
async def test_a_hostile_body_is_refused_everywhere(context: ReferralContext, what: str) -> None:
    """As any content type, at every route that takes a body: a problem below 500, and log and vault as before."""
    path, draft = await context.submit(), await context.draft()
    basis = await context.basis(path)
    before = await context.snapshot()
    for method, target in targets(path, draft, basis):
        person = OPERATOR if method == "PUT" else INES
        for kind in TYPES:
            answer = await context.running.send(
                person,
                method,
                target,
                content=BODIES[what],
                key=new_key(),
                etag='"1"',
                headers={"Content-Type": kind},
                params={"dryRun": "true"},
            )
            if answer.status_code == 200:
                # An empty body is a command where the command says it all, and members that are not looked at.
                assert answer.json()["dryRun"] is True
                assert what in ("nothing", "null", "white space"), (method, target, kind)
                continue
            assert 400 <= answer.status_code < 500, (method, target, kind, answer.text[:200])
            assert_problem(answer, answer.status_code)
            assert NAME not in answer.text, (method, target, kind)
            assert len(answer.content) < 50_000
    assert await context.snapshot() == before


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
async def test_a_body_is_refused_however_deep_it_is(context: ReferralContext, opened: str, closed: str) -> None:
    """Also where it can just be read, and not be looked through any more."""
    draft = await context.draft()
    for depth in (*range(100, 800, 100), *range(800, 1000)):
        content = f'{{"needs": {opened * depth}1{closed * depth}}}'.encode()
        answer = await context.running.send(INES, "PATCH", draft, content=content, etag='"1"')
        assert answer.status_code in (400, 422), (depth, answer.text)


async def test_a_hostile_body_of_a_create_without_query_is_refused(context: ReferralContext) -> None:
    """The short way that plain requests take refuses the same."""
    before = await context.snapshot()
    for what, content in BODIES.items():
        for kind in TYPES:
            headers = {"Content-Type": kind}
            answer = await context.running.send(
                INES, "POST", REFERRALS, content=content, key=new_key(), headers=headers
            )
            assert 400 <= answer.status_code < 500, (what, kind, answer.text[:200])
            assert_problem(answer, answer.status_code)
            assert NAME not in answer.text, (what, kind)
    assert await context.snapshot() == before


@pytest.mark.parametrize(
    "path",
    [
        "/v1/referrals/%00",
        "/v1/referrals/%ff%fe",
        "/v1/referrals/..%2f..%2fetc%2fpasswd",
        "/v1/referrals/Hostile%20Voorbeeld",
        "/v1/referrals/" + "x" * 5000,
        "/v1/referrals/%f0%9f%92%a9/accept",
        "/v1/legal-bases/Hostile%20Voorbeeld",
        "/v1/organisations/Hostile%20Voorbeeld",
        "/v1/programmes/Hostile%20Voorbeeld",
        "/v1/programmes/x/versions/99999999999999999999",
        "/v1/nowhere/Hostile%20Voorbeeld",
        "/v1/referrals?state=Hostile%20Voorbeeld",
        "/v1/referrals?cursor=%00",
        "/v1/referrals?limit=1e3",
        "/v1/referrals?limit=%d9%a3",
        "/v1/referrals?waitFor=Hostile%20Voorbeeld",
        "/v1/organisations?kind=Hostile%20Voorbeeld",
    ],
)
async def test_a_hostile_path_or_query_is_refused(context: ReferralContext, path: str) -> None:
    """Whatever the method: a problem below 500 that does not repeat what was asked for."""
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = await context.running.send(INES, method, path, {} if method != "GET" else None, key="k", etag='"1"')
        assert 400 <= answer.status_code < 500, (method, answer.text[:200])
        assert_problem(answer, answer.status_code)
        assert "Hostile" not in answer.text


@pytest.mark.parametrize(
    "header", ["Idempotency-Key", "If-Match", "Authorization", "traceparent", "Content-Length", "X"]
)
async def test_a_hostile_header_is_refused_or_passed_over(context: ReferralContext, header: str) -> None:
    """Over a real connection: bytes of any kind in a header lead to no failure of the service."""
    body = json.dumps(samira()).encode()
    async with listening(context.running) as served:
        assert served.url is not None
        host, _, port = served.url.removeprefix("http://").partition(":")
        for value in (b"\xff\xfe", b"\xc3\xa9", b"'" * 3000, b"%00", b'"\\"', b"-1", b"9" * 30, b""):
            reader, writer = await asyncio.open_connection(host, int(port))
            headers = {
                b"Host": b"t",
                b"Authorization": f"Bearer {served.token(INES)}".encode(),
                b"Idempotency-Key": new_key().encode(),
                b"Content-Length": str(len(body)).encode(),
                b"Content-Type": b"application/json",
                b"Connection": b"close",
            }
            headers[header.encode()] = value
            head = b"".join(name + b": " + told + b"\r\n" for name, told in headers.items())
            writer.write(b"POST /v1/referrals?dryRun=true HTTP/1.1\r\n" + head + b"\r\n" + body)
            async with asyncio.timeout(10):
                first = (await reader.readline()).split(b" ")
            assert first[1:2] == [] or first[1][:1] in (b"2", b"4"), (value, first)
            writer.close()
    assert await context.head() > 0


async def test_other_methods_and_routes_are_problems(context: ReferralContext) -> None:
    """405 names what is possible, 404 where the document is; both without a token's help."""
    for method, path, status in (
        ("DELETE", REFERRALS, 405),
        ("PUT", f"{REFERRALS}/x", 405),
        ("GET", f"{REFERRALS}/x/accept", 405),
        ("GET", "/v1/nothing-here", 404),
        ("POST", f"{REFERRALS}/x/explode", 404),
    ):
        answer = await context.running.send(INES, method, path, {} if method != "GET" else None)
        assert_problem(answer, status)
        assert status != 405 or answer.headers["Allow"]
