"""The keys of an OpenID Connect issuer: found by discovery, fetched again when it has new ones."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import jwt

from services.chassis.access.identity import ALGORITHMS, Unauthenticated
from services.chassis.refused_start import RefusedStart

_log = logging.getLogger(__name__)

_DISCOVERY: Final = "/.well-known/openid-configuration"
_LARGEST: Final = 1_000_000
_MISSING_KEPT: Final = 1_000
"""Ids of keys that are remembered as not there."""
_BY_KIND: Final = {
    ("EC", "P-256"): ("ES256",),
    ("OKP", "Ed25519"): ("EdDSA",),
    ("RSA", ""): ("RS256", "PS256"),
}


class IssuerUnavailable(RefusedStart):
    """Without the issuer's keys no token can be verified; the message says what to set or mend."""


@dataclass(frozen=True, slots=True)
class _KeySet:
    """The keys that an issuer shows, each with its id, if it has one, and an algorithm that it may be used with."""

    keys: tuple[tuple[str | None, str, jwt.PyJWK], ...] = ()

    def find(self, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
        """The key of that id; without an id all that may have signed."""
        found = [key for name, used, key in self.keys if used == algorithm and kid in (None, name)]
        return found if kid is None else found[-1:]


class _Allowance:
    """How many fetches there may be: `most` at once, and one more for every `pause` seconds."""

    def __init__(self, most: int, pause: float) -> None:
        self._most = most
        self._pause = pause
        self._left = float(most)
        self._counted = time.monotonic()

    def take(self) -> bool:
        """Takes one, if there is one."""
        now = time.monotonic()
        gained = (now - self._counted) / self._pause if self._pause else self._most
        self._left, self._counted = min(self._most, self._left + gained), now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def use_up(self) -> None:
        """Leaves none."""
        self._left, self._counted = 0.0, time.monotonic()


class OidcIssuer:
    """The keys of one issuer, held in memory.

    They are fetched again when they are older than `lifetime`, and at once when a token names an unknown key: one fetch
    for all that wait. A key that was not there is not looked for again for `pause` seconds. Whatever ids tokens name,
    there are at most `burst` fetches at once and one more every `pause` seconds; each of them finds all new keys, so
    that somebody who invents ids puts off a new key for no longer than that. After one that failed there is a pause.

    While the issuer is away the keys known so far go on counting. Network calls run in threads.
    """

    def __init__(
        self, issuer: str, *, timeout: float = 5.0, pause: float = 10.0, burst: int = 5, lifetime: float = 900.0
    ) -> None:
        self._issuer = issuer
        self._timeout = timeout
        self._pause = pause
        self._lifetime = lifetime
        self._keys = _KeySet()
        self._began = -float("inf")
        self._fetch: asyncio.Task[None] | None = None
        self._allowance = _Allowance(burst, pause)
        # By hash, since an id may be long.
        self._missing: OrderedDict[int, float] = OrderedDict()

    @classmethod
    async def connect(
        cls,
        issuer: str | None,
        *,
        timeout: float = 5.0,
        pause: float = 10.0,
        burst: int = 5,
        lifetime: float = 900.0,
    ) -> OidcIssuer:
        """The issuer with its keys in hand. IssuerUnavailable if it is not set, not reachable or has no usable key."""
        if not issuer:
            raise IssuerUnavailable(
                "CASERELAY_ISSUER is not set: production verifies tokens with the keys of an OpenID Connect issuer "
                "and does not start without one"
            )
        _require_safe(issuer, "CASERELAY_ISSUER")
        connected = cls(issuer, timeout=timeout, pause=pause, burst=burst, lifetime=lifetime)
        await connected._refresh()
        return connected

    @property
    def issuer(self) -> str:
        """What `iss` has to be: the configured URL, character for character (OpenID Connect Discovery 4.3)."""
        return self._issuer

    async def key(self, kid: str | None, algorithm: str, tried: jwt.PyJWK | None = None) -> jwt.PyJWK | None:
        """See `Keys.key`."""
        found = self._keys.find(kid, algorithm)
        if len(found) == 1 and found[0] is not tried:
            if time.monotonic() - self._began >= self._lifetime and not self._is_fetching():
                # Nobody waits for it: a known key goes on counting while its issuer is slow or away.
                self._fetch = asyncio.create_task(self._fetch_again())
            return found[0]
        await self._look_again(kid, algorithm)
        found = self._keys.find(kid, algorithm)
        if len(found) > 1:
            raise Unauthenticated("the token has no key id (kid), and the issuer has several keys for its algorithm")
        return found[0] if found and found[0] is not tried else None

    def _is_fetching(self) -> bool:
        return self._fetch is not None and not self._fetch.done()

    async def _look_again(self, kid: str | None, algorithm: str) -> None:
        """Fetches the keys, or waits for somebody's fetch that began after this was asked."""
        requested_at, mark = time.monotonic(), hash((kid, algorithm))
        while True:
            if not self._is_fetching():
                if time.monotonic() - self._missing.get(mark, -float("inf")) < self._pause:
                    return
                if not self._allowance.take():
                    return
                self._fetch = asyncio.create_task(self._fetch_again())
            fetch = self._fetch
            assert fetch is not None  # noqa: S101 - one is under way
            # Shielded: who gives up waiting does not end it for the others.
            await asyncio.shield(fetch)
            if self._keys.find(kid, algorithm) or self._began >= requested_at:
                break
        if kid is not None and not self._keys.find(kid, algorithm):
            self._missing[mark] = time.monotonic()
            self._missing.move_to_end(mark)
            if len(self._missing) > _MISSING_KEPT:
                self._missing.popitem(last=False)

    async def _fetch_again(self) -> None:
        try:
            await self._refresh()
        except IssuerUnavailable:
            self._allowance.use_up()
            _log.warning("the issuer's keys could not be refreshed")

    async def _refresh(self) -> None:
        self._began = time.monotonic()
        try:
            async with asyncio.timeout(4 * self._timeout):
                self._keys = await asyncio.to_thread(self._fetched)
        except TimeoutError:
            raise IssuerUnavailable(f"the issuer {self._issuer} does not answer in time") from None

    def _fetched(self) -> _KeySet:
        discovered = _get_json(self._issuer.rstrip("/") + _DISCOVERY, self._timeout)
        if discovered.get("issuer") != self._issuer:
            raise IssuerUnavailable(f"the discovery document of {self._issuer} is of another issuer")
        jwks_uri = discovered.get("jwks_uri")
        if not isinstance(jwks_uri, str):
            raise IssuerUnavailable(f"the discovery document of {self._issuer} names no jwks_uri")
        _require_safe(jwks_uri, "the issuer's jwks_uri")
        keys = _signing_keys(_get_json(jwks_uri, self._timeout))
        if not keys.keys:
            raise IssuerUnavailable(f"the issuer {self._issuer} has no key for any of {', '.join(sorted(ALGORITHMS))}")
        return keys


def _signing_keys(jwks: Mapping[str, Any]) -> _KeySet:
    entries = jwks.get("keys")
    found: list[tuple[str | None, str, jwt.PyJWK]] = []
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        kid = entry.get("kid")
        if not isinstance(kid, str | None):
            continue
        for algorithm in _BY_KIND.get((str(entry.get("kty")), str(entry.get("crv", ""))), ()):
            if entry.get("alg", algorithm) != algorithm:
                continue
            try:
                found.append((kid, algorithm, jwt.PyJWK(entry, algorithm=algorithm)))
            except (jwt.PyJWTError, ValueError, TypeError):
                _log.warning("a key of the issuer cannot be used")
    return _KeySet(tuple(found))


def _require_safe(url: str, what: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise IssuerUnavailable(f"{what} is not a URL") from None
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise IssuerUnavailable(f"{what} must be a URL with a host and without user, query or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise IssuerUnavailable(f"{what} must start with https:// (http:// is allowed only for a loopback address)")


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
