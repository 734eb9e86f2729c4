"""Production's issuer, against a real HTTP server: discovery, rotation, outages, and refusals to start."""

from __future__ import annotations

import asyncio
import time

import pytest

from services.chassis.access.identity import Unauthenticated, Verifier
from services.chassis.access.oidc_issuer import IssuerUnavailable, OidcIssuer
from tests.chassis.issuing import AUDIENCE, Issuer


async def test_a_token_of_the_issuer_is_verified_with_its_published_key(issuer: Issuer) -> None:
    """Found by way of the discovery document."""
    verifier = Verifier(await OidcIssuer.connect(issuer.url), AUDIENCE)
    assert (await verifier.verify(issuer.token("first"))).org == "vdab-gent"


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
async def test_an_rsa_key_that_names_no_algorithm_serves_both(issuer: Issuer, algorithm: str) -> None:
    """Many issuers publish RSA keys without `alg`."""
    issuer.make_key("rsa", "RS256")
    verifier = Verifier(await OidcIssuer.connect(issuer.url), AUDIENCE)
    assert (await verifier.verify(issuer.token("rsa", algorithm))).sub == "ines.debacker"


async def test_a_key_that_names_its_algorithm_serves_no_other(issuer: Issuer) -> None:
    """`alg` in the published key is a restriction."""
    issuer.make_key("rsa", "RS256", alg="RS256")
    verifier = Verifier(await OidcIssuer.connect(issuer.url), AUDIENCE)
    await verifier.verify(issuer.token("rsa"))
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.token("rsa", "PS256"))


async def test_a_new_key_is_fetched_when_a_token_names_it(issuer: Issuer) -> None:
    """The issuer rotates; nobody restarts anything."""
    verifier = Verifier(await OidcIssuer.connect(issuer.url), AUDIENCE)
    issuer.make_key("second")
    assert (await verifier.verify(issuer.token("second"))).org == "vdab-gent"


async def test_a_fetch_that_fails_is_not_repeated_within_the_pause_either(issuer: Issuer) -> None:
    """An issuer that is down is not hammered, and its known keys go on counting."""
    keys = await OidcIssuer.connect(issuer.url, pause=0.3)
    issuer.pages.clear()
    asked = len(issuer.asked)
    await asyncio.sleep(0.35)
    for n in range(20):
        assert await keys.key(f"invented-{n}", "ES256") is None
    assert len(issuer.asked) == asked + 1
    assert await keys.key("first", "ES256") is not None


async def test_old_keys_are_renewed_without_anybody_waiting(issuer: Issuer) -> None:
    """A key that the issuer withdrew stops counting after a while, and a slow issuer delays no request."""
    keys = await OidcIssuer.connect(issuer.url, pause=0.01, lifetime=0.05)
    issuer.private.clear()
    issuer.make_key("second")
    await asyncio.sleep(0.1)
    issuer.slow = 0.2
    started = time.monotonic()
    assert await keys.key("first", "ES256") is not None
    assert time.monotonic() - started < 0.15
    async with asyncio.timeout(10):
        while await keys.key("first", "ES256") is not None:  # noqa: ASYNC110 - the keys announce nothing
            await asyncio.sleep(0.02)
    assert await keys.key("second", "ES256") is not None


async def test_the_event_loop_goes_on_while_keys_are_fetched(issuer: Issuer) -> None:
    """Other requests are answered while the issuer thinks."""
    issuer.slow = 0.3
    connecting = asyncio.create_task(OidcIssuer.connect(issuer.url))
    longest = 0.0
    while not connecting.done():
        before = time.monotonic()
        await asyncio.sleep(0.005)
        longest = max(longest, time.monotonic() - before)
    assert longest < 0.25
    await connecting


async def test_an_issuer_that_does_not_answer_in_time_stops_the_start(issuer: Issuer) -> None:
    """The start fails soon, and says why."""
    issuer.slow = 1.0
    with pytest.raises(IssuerUnavailable, match=r"cannot be reached|in time"):
        await OidcIssuer.connect(issuer.url, timeout=0.1)


@pytest.mark.parametrize("url", [None, ""])
async def test_production_does_not_start_without_an_issuer(url: str | None) -> None:
    """The message names the variable to set."""
    with pytest.raises(IssuerUnavailable, match="CASERELAY_ISSUER is not set"):
        await OidcIssuer.connect(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.org",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://user@login.example.org",
        "https://login.example.org/?realm=1",
        "https://login.example.org/#x",
        "https://",
        "https://[::1",
        "https://login.example.org:port",
        "login.example.org",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
    ],
)
async def test_an_address_that_could_be_listened_to_is_refused(url: str) -> None:
    """Keys come over https, or from this machine itself; nothing was asked for."""
    with pytest.raises(IssuerUnavailable, match="CASERELAY_ISSUER"):
        await OidcIssuer.connect(url)


async def test_an_issuer_that_is_not_there_stops_the_start(issuer: Issuer) -> None:
    """The message names the address that was tried."""
    issuer.server.shutdown()
    issuer.server.server_close()
    with pytest.raises(IssuerUnavailable, match="openid-configuration cannot be reached"):
        await OidcIssuer.connect(issuer.url)


async def test_a_discovery_document_of_another_issuer_stops_the_start(issuer: Issuer) -> None:
    """OpenID Connect Discovery 4.3: both have to be the same, a final slash included."""
    issuer.discovery(issuer=issuer.url + "/")
    with pytest.raises(IssuerUnavailable, match="another issuer"):
        await OidcIssuer.connect(issuer.url)


@pytest.mark.parametrize("where", ["http://keys.example.org/", "file:///etc/passwd", 7, None])
async def test_an_unsafe_address_of_the_keys_stops_the_start(issuer: Issuer, where: object) -> None:
    """What the issuer says is checked like what is configured."""
    issuer.discovery(jwks_uri=where)
    with pytest.raises(IssuerUnavailable, match="jwks_uri"):
        await OidcIssuer.connect(issuer.url)


@pytest.mark.parametrize(
    "jwks",
    [
        [],
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}],
        [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "a"}],
        [{"kty": "EC", "crv": ["P-256"], "kid": "a"}, 7, None, "key"],
        [{"kty": "RSA", "n": "AQ", "e": "AQAB", "kid": "a"}],
        [{"kty": "RSA", "n": 7, "e": "AQAB", "kid": 7}],
    ],
)
async def test_an_issuer_without_a_usable_key_stops_the_start(issuer: Issuer, jwks: list[object]) -> None:
    """Symmetric, broken, nameless and encryption keys sign nothing that could be trusted."""
    issuer.publish(*jwks)
    with pytest.raises(IssuerUnavailable, match="no key"):
        await OidcIssuer.connect(issuer.url)


async def test_a_key_for_encryption_verifies_nothing(issuer: Issuer) -> None:
    """However good it is, the issuer did not mean it to sign."""
    issuer.private.clear()
    issuer.make_key("rsa", "RS256", use="enc")
    with pytest.raises(IssuerUnavailable, match="no key"):
        await OidcIssuer.connect(issuer.url)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"<html>", "JSON"),
        (200, b"[]", "JSON object"),
        (200, b"[" * 100_000, "JSON"),
        (200, b" " * 1_000_001, "more than"),
        (302, b"/realms/ghent/elsewhere", "status 302"),
        (500, b"{}", "status 500"),
    ],
)
async def test_an_answer_that_is_no_document_stops_the_start(
    issuer: Issuer, status: int, body: bytes, told: str
) -> None:
    """Redirects are not followed, and what is too large is not read."""
    issuer.pages["/realms/ghent/keys"] = status, body
    with pytest.raises(IssuerUnavailable, match=told):
        await OidcIssuer.connect(issuer.url)
    assert "/realms/ghent/elsewhere" not in issuer.asked
