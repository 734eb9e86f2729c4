"""The sandbox's own issuer of tokens: a key on disk, made on first run. Production never uses it."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import time
from pathlib import Path
from typing import Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.identifiers import IDENTIFIER_RULE, is_identifier
from services.chassis.access.identity import Unauthenticated, token_role
from services.chassis.vault import national_number

LIFETIME: Final = 12 * 3600
"""Seconds, by the machine's clock."""

_ALGORITHM: Final = "EdDSA"


class DevelopmentIssuer:
    """Issues and verifies tokens with an Ed25519 key kept in the directory given, readable by its owner alone.

    Processes that start at once on an empty directory end up with the same key.
    """

    def __init__(self, directory: Path, name: str = "urn:caserelay:development-issuer") -> None:
        self._name = name
        self._private = _key_in(directory)
        public = self._private.public_key().public_bytes_raw()
        x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
        # The thumbprint of RFC 7638: the members in this order, without white space.
        canonical = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()
        self._kid = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
        self._shown = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self._kid}
        self._public = jwt.PyJWK(self._shown, algorithm=_ALGORITHM)

    @property
    def issuer(self) -> str:
        """What `iss` says in the tokens issued here; no URL by default, so no OpenID Connect issuer has the same."""
        return self._name

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """What verifies the tokens, as an OpenID Connect issuer shows it."""
        return {"keys": [{**self._shown, "use": "sig", "alg": _ALGORITHM}]}

    async def key(self, kid: str | None, algorithm: str, tried: jwt.PyJWK | None = None) -> jwt.PyJWK | None:
        """The one key, if it is the one asked for: there is never another."""
        matches = kid in (None, self._kid) and algorithm == _ALGORITHM and tried is None
        return self._public if matches else None

    def issue(self, *, sub: str, org: str, role: str, audience: str, lifetime: int = LIFETIME) -> str:
        """A token for one person, lasting `lifetime` seconds. ValueError if no service would accept what it says."""
        for claim, value in (("sub", sub), ("org", org)):
            if not is_identifier(value):
                raise ValueError(f"{claim} must be {IDENTIFIER_RULE}")
            if national_number.find(value):
                raise ValueError(f"{claim} contains a national number, which is not allowed here")
        try:
            held = token_role(role)
        except Unauthenticated as refused:
            raise ValueError(refused.detail) from None
        now = int(time.time())
        claims = {
            "sub": sub,
            "org": org,
            "role": held.value,
            "iss": self.issuer,
            "aud": audience,
            "iat": now,
            "exp": now + lifetime,
        }
        return jwt.encode(claims, self._private, algorithm=_ALGORITHM, headers={"kid": self._kid})


def _key_in(directory: Path) -> Ed25519PrivateKey:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = directory / "ed25519.pem"
    if not file.exists():
        _make_key(file)
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{file} does not hold an Ed25519 key")  # noqa: TRY004 - the file's value is wrong
    return key


def _make_key(file: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    partial = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as written:
            written.write(pem)
            written.flush()
            os.fsync(written.fileno())
        try:
            # A link, unlike a rename, fails if another process was first; the name never shows half a key.
            os.link(partial, file)
        except FileExistsError:
            return
    finally:
        partial.unlink()
