"""The keys of an OpenID Connect issuer: found by discovery, fetched again when it has new ones."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import time
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import jwt

from services.chassis.identity import ALGORITHMS
from services.chassis.refusals import RefusedStart

_log = logging.getLogger(__name__)

_DISCOVERY: Final = "/.well-known/openid-configuration"
_LARGEST: Final = 1_000_000
_BY_KIND: Final = {
    ("EC", "P-256"): ("ES256",),
    ("OKP", "Ed25519"): ("EdDSA",),
    ("RSA", ""): ("RS256", "PS256"),
}


class IssuerUnavailable(RefusedStart):
    """Without the issuer's keys no token can be verified; the message says what to set or mend."""


class OidcIssuer:
    """The keys of one issuer, held in memory.

    They are fetched again when a token names an unknown key and when they are older than `lifetime`, but at most once
    in `pause` seconds whatever tokens arrive. While the issuer is away the keys known so far go on counting.
    Network calls run in threads.
    """

    def __init__(self, issuer: str, *, timeout: float = 5.0, pause: float = 30.0, lifetime: float = 900.0) -> None:
        self._issuer = issuer
        self._timeout = timeout
        self._pause = pause
        self._lifetime = lifetime
        self._keys: Mapping[tuple[str, str], jwt.PyJWK] = {}
        self._tried = -float("inf")
        self._fetching = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    @classmethod
    async def connect(
        cls, issuer: str | None, *, timeout: float = 5.0, pause: float = 30.0, lifetime: float = 900.0
    ) -> OidcIssuer:
        """The issuer with its keys in hand. IssuerUnavailable if it is not set, not reachable or has no usable key."""
        if not issuer:
            raise IssuerUnavailable(
                "CASERELAY_ISSUER is not set: production verifies tokens with the keys of an OpenID Connect issuer "
                "and does not start without one"
            )
        _require_safe(issuer, "CASERELAY_ISSUER")
        connected = cls(issuer, timeout=timeout, pause=pause, lifetime=lifetime)
        await connected._refresh()
        return connected

    @property
    def issuer(self) -> str:
        """What `iss` has to be: the configured URL, character for character (OpenID Connect Discovery 4.3)."""
        return self._issuer

    async def key(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        """The issuer's key of that id, for that algorithm; None if it has no such key, or none that it would show."""
        known = self._keys.get((kid, algorithm))
        if known is None:
            await self._fetch_again()
            return self._keys.get((kid, algorithm))
        if time.monotonic() - self._tried >= self._lifetime and (self._renewal is None or self._renewal.done()):
            # Nobody waits for it: a known key goes on counting while its issuer is slow or away.
            self._renewal = asyncio.create_task(self._fetch_again())
        return known

    async def _fetch_again(self) -> None:
        async with self._fetching:
            # Whoever waited here finds what the one before fetched, and the pause holds for all of them.
            if time.monotonic() - self._tried < self._pause:
                return
            try:
                await self._refresh()
            except IssuerUnavailable:
                _log.warning("the issuer's keys could not be fetched again")

    async def _refresh(self) -> None:
        self._tried = time.monotonic()
        try:
            async with asyncio.timeout(4 * self._timeout):
                self._keys = await asyncio.to_thread(self._fetch)
        except TimeoutError:
            raise IssuerUnavailable(f"the issuer {self._issuer} does not answer in time") from None

    def _fetch(self) -> Mapping[tuple[str, str], jwt.PyJWK]:
        discovered = _get_json(self._issuer.rstrip("/") + _DISCOVERY, self._timeout)
        if discovered.get("issuer") != self._issuer:
            raise IssuerUnavailable(f"the discovery document of {self._issuer} is of another issuer")
        jwks_uri = discovered.get("jwks_uri")
        if not isinstance(jwks_uri, str):
            raise IssuerUnavailable(f"the discovery document of {self._issuer} names no jwks_uri")
        _require_safe(jwks_uri, "the issuer's jwks_uri")
        keys = _signing_keys(_get_json(jwks_uri, self._timeout))
        if not keys:
            raise IssuerUnavailable(f"the issuer {self._issuer} has no key for any of {', '.join(sorted(ALGORITHMS))}")
        return keys


def _signing_keys(jwks: Mapping[str, Any]) -> dict[tuple[str, str], jwt.PyJWK]:
    entries = jwks.get("keys")
    found: dict[tuple[str, str], jwt.PyJWK] = {}
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or not isinstance(entry.get("kid"), str):
            continue
        for algorithm in _BY_KIND.get((str(entry.get("kty")), str(entry.get("crv", ""))), ()):
            if entry.get("alg", algorithm) != algorithm:
                continue
            try:
                found[entry["kid"], algorithm] = jwt.PyJWK(entry, algorithm=algorithm)
            except (jwt.PyJWTError, ValueError, TypeError):
                _log.warning("a key of the issuer cannot be used")
    return found


def _require_safe(url: str, what: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise IssuerUnavailable(f"{what} is not a URL") from None
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise IssuerUnavailable(f"{what} has to be a URL with a host, without user, query or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise IssuerUnavailable(f"{what} has to begin with https:// (http:// only on the loopback address)")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _NoRedirects(HTTPRedirectHandler):
    """A redirect could lead from https to anywhere."""

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """None lets urllib raise the answer as an HTTPError."""


def _get_json(url: str, timeout: float) -> dict[str, Any]:
    direct = [ProxyHandler({})] if _is_loopback(urlsplit(url).hostname or "") else []
    opener = build_opener(_NoRedirects, *direct)
    try:
        request = Request(url, headers={"Accept": "application/json"})  # noqa: S310 - _require_safe saw the scheme
        with opener.open(request, timeout=timeout) as answer:
            body = answer.read(_LARGEST + 1)
        if len(body) > _LARGEST:
            raise IssuerUnavailable(f"{url} answers more than {_LARGEST} bytes")
        document = json.loads(body)
    except HTTPError as error:
        error.close()
        raise IssuerUnavailable(f"{url} answers with status {error.code}") from None
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise IssuerUnavailable(f"{url} cannot be reached: {reason}") from None
    except (ValueError, RecursionError):
        raise IssuerUnavailable(f"{url} does not answer with JSON") from None
    if not isinstance(document, dict):
        raise IssuerUnavailable(f"{url} does not answer with a JSON object")
    return document
