"""Who calls: bearer tokens (RFC 6750) that are signed JSON Web Tokens (RFC 7519), verified and remembered for a while.

Expiry is judged by the machine's clock, never by the domain's.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import jwt

from contracts.codes import Role
from contracts.identifiers import IDENTIFIER_RULE, is_identifier
from services.chassis.access.claims import claim_at
from services.chassis.modelling.decider import Actor
from services.chassis.vault import national_number

ALGORITHMS: Final = frozenset({"ES256", "EdDSA", "RS256", "PS256"})
"""Only asymmetric ones: a verifier must not be able to sign."""

REALM: Final = "caserelay"
_PRESENTED_NONE: Final = "TOKEN_MISSING"
_LONGEST_TOKEN: Final = 8192
_REQUIRED: Final = ("sub", "iss", "aud", "exp")
_SKEW: Final = 30
"""Seconds by which an issuer's clock may be ahead of ours. It never lengthens a token's life."""
_TRUST: Final = 300.0
"""Seconds after which a remembered token is verified again, so that a key withdrawn by the issuer stops counting."""

_ROLES: Final = {role.value: role for role in Role}

_REASONS: Final[tuple[tuple[type[Exception], str, str], ...]] = (
    (jwt.ExpiredSignatureError, "TOKEN_EXPIRED", "the token has expired"),
    (jwt.ImmatureSignatureError, "TOKEN_INVALID", "the token is not valid yet"),
    (jwt.InvalidAudienceError, "TOKEN_INVALID", "the token is meant for another audience"),
    (jwt.InvalidIssuerError, "TOKEN_INVALID", "the token is from another issuer"),
    (jwt.InvalidSignatureError, "TOKEN_INVALID", "the token's signature is not valid"),
    (jwt.MissingRequiredClaimError, "TOKEN_INVALID", "the token lacks one of the claims sub, iss, aud, exp"),
)


class Unauthenticated(Exception):  # noqa: N818 - what the caller is, and not an error of the program
    """Nobody is known to be calling (401). Neither code nor detail ever repeats a part of what was presented."""

    def __init__(self, detail: str, code: str = "TOKEN_INVALID") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail

    @property
    def challenge(self) -> str:
        """What `WWW-Authenticate` says (RFC 6750, section 3): of an error only to somebody who presented a token."""
        realm = f'Bearer realm="{REALM}"'
        if self.code == _PRESENTED_NONE:
            return realm
        # What a quoted string of the RFC may hold; a setting's text may hold more.
        description = re.sub(r"[^ !#-\[\]-~]", "?", self.detail)
        return f'{realm}, error="invalid_token", error_description="{description}"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the organisation's own identifier of its staff member, the organisation, and the role."""

    sub: str
    org: str
    role: Role

    def actor(self) -> Actor:
        """The caller as the actor that commands and events name."""
        return Actor(sub=self.sub, role=self.role.value, org=self.org)


class Keys(Protocol):
    """Where the keys of the one issuer that is trusted come from."""

    @property
    def issuer(self) -> str:
        """What `iss` has to be."""
        ...

    async def key(self, kid: str | None, algorithm: str, tried: jwt.PyJWK | None = None) -> jwt.PyJWK | None:
        """The key of that id, for that algorithm; None if the issuer has no such key. Never blocks the event loop.

        Without an id it is the only one for that algorithm; `tried` is what was given out as such and does not verify
        the token, for the issuer may have another one by now. Unauthenticated where there are several.
        """
        ...


class Verifier:
    """Turns a bearer token into its caller, or refuses it.

    Tokens that verified are remembered by their SHA-256 for at most five minutes, never beyond their own expiry, and
    no more than `capacity` of them, so that a repeated request costs a hash and not a signature.
    """

    def __init__(
        self,
        keys: Keys,
        audience: str,
        *,
        role_claim: str | None = None,
        org_claim: str | None = None,
        capacity: int = 10_000,
        now: Callable[[], float] = time.time,
    ) -> None:
        """The claims are JSON pointers to a text or a list with one that counts; without them `role` and `org`."""
        self._keys = keys
        self._audience = audience
        self._role_claim = role_claim
        self._org_claim = org_claim
        self._capacity = capacity
        self._now = now
        self._remembered: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    async def authenticate(self, authorization: str | None) -> Caller:
        """The caller of a request, from its `Authorization` header. Unauthenticated if it names none."""
        if not authorization:
            raise Unauthenticated("a bearer token is required", _PRESENTED_NONE)
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("a bearer token is required", _PRESENTED_NONE)
        return await self.verify(token.strip(" "))

    async def lasts(self, authorization: str) -> float:
        """For how many seconds the token of an `Authorization` header counts before it has to be verified again.

        Unauthenticated if it does not count any more.
        """
        await self.authenticate(authorization)
        token = authorization.partition(" ")[2].strip(" ")
        until, _ = self._remembered[hashlib.sha256(token.encode("ascii")).digest()]
        return until - self._now()

    async def verify(self, token: str) -> Caller:
        """The caller that a token names. Unauthenticated if it is unreadable, expired, forged or not for us."""
        if not token.isascii() or len(token) > _LONGEST_TOKEN:
            raise Unauthenticated("the token cannot be read")
        digest = hashlib.sha256(token.encode("ascii")).digest()
        remembered = self._remembered.get(digest)
        if remembered is not None:
            until, caller = remembered
            if self._now() < until:
                self._remembered.move_to_end(digest)
                return caller
            del self._remembered[digest]
        caller, expires = await self._examine(token)
        self._remember(digest, caller, min(expires, self._now() + _TRUST))
        return caller

    def _remember(self, digest: bytes, caller: Caller, until: float) -> None:
        self._remembered[digest] = until, caller
        while len(self._remembered) > self._capacity:
            self._remembered.popitem(last=False)

    async def _examine(self, token: str) -> tuple[Caller, float]:
        try:
            header = jwt.get_unverified_header(token)
            kid, algorithm = header.get("kid"), header.get("alg")
            if algorithm not in ALGORITHMS:
                raise Unauthenticated("the token must be signed with one of " + ", ".join(sorted(ALGORITHMS)))
            key = await self._keys.key(kid, algorithm)
            if key is None:
                raise Unauthenticated("the token is signed with a key that its issuer does not publish")
            try:
                claims = self._decode(token, key, algorithm)
            except jwt.InvalidSignatureError:
                # Where tokens do not name their key, this is all that is to be seen of a new one.
                newer = await self._keys.key(None, algorithm, key) if kid is None else None
                if newer is None:
                    raise
                claims = self._decode(token, newer, algorithm)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            # RecursionError and the like: the header is anybody's JSON, read before any signature was checked.
            code, detail = next(
                ((code, detail) for kind, code, detail in _REASONS if isinstance(error, kind)),
                ("TOKEN_INVALID", "the token cannot be read"),
            )
            raise Unauthenticated(detail, code) from None
        return self._caller(claims)

    def _decode(self, token: str, key: jwt.PyJWK, algorithm: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self._audience,
            issuer=self._keys.issuer,
            leeway=_SKEW,
            options={"require": list(_REQUIRED), "enforce_minimum_key_length": True},
        )
        return claims

    def _caller(self, claims: dict[str, Any]) -> tuple[Caller, float]:
        expires = claims["exp"]
        if not isinstance(expires, int | float):
            raise Unauthenticated("exp is not a number")
        if expires <= self._now():
            raise Unauthenticated("the token has expired", "TOKEN_EXPIRED")
        org, role = self._org(claims), self._role(claims)
        for claim, value in (("sub", claims["sub"]), ("org", org)):
            if not is_identifier(value):
                raise Unauthenticated(f"{claim} is not a text of {IDENTIFIER_RULE}")
            if national_number.find(value):
                # It would stand in every event of its owner.
                raise Unauthenticated(f"{claim} contains a national number, which is not allowed here")
        return Caller(claims["sub"], org, role), float(expires)

    def _org(self, claims: dict[str, Any]) -> Any:
        found = claim_at(claims, self._org_claim or "/org")
        if found is None:
            raise Unauthenticated(f"the token names no organisation at {self._org_claim or '/org'}")
        if self._org_claim is not None and isinstance(found, list):
            if len(found) != 1:
                raise Unauthenticated(f"the token must name exactly one organisation at {self._org_claim}")
            return found[0]
        return found

    def _role(self, claims: dict[str, Any]) -> Role:
        found = claim_at(claims, self._role_claim or "/role")
        if found is None:
            raise Unauthenticated(f"the token carries no role at {self._role_claim or '/role'}")
        if self._role_claim is not None and isinstance(found, list):
            # Issuers put roles of other systems beside ours, and their own.
            known = {role for role in found if isinstance(role, str) and role in _ROLES}
            if len(known) > 1:
                raise Unauthenticated(
                    f"the token carries several known roles at {self._role_claim}; it must carry exactly one"
                )
            found = next(iter(known), None)
        return token_role(found)


def token_role(value: object) -> Role:
    """The role that a token carries. Unauthenticated unless it is one that a person may have: SYSTEM is not."""
    role = _ROLES.get(value) if isinstance(value, str) else None
    if role is None:
        raise Unauthenticated("the role is not known")
    if role is Role.SYSTEM:
        raise Unauthenticated("the role SYSTEM is internal and cannot be used in a token")
    return role
