"""Tokens for links in letters: each is made of what it is for, under a key that never leaves the vault.

So a letter that is sent again has the same link, and nothing has to be kept by which a link could be made.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as keyed
from typing import Final
from uuid import UUID

from services.chassis.vault.vault import Vault

_SECRET_BYTES: Final = 26
"""208 bits; with the 16 bytes of the id, 56 characters without padding."""


class Tokens:
    """Makes tokens, and knows them again."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def make(self, purpose: str, of: str, *bound: str) -> str:
        """The token for one purpose of the thing `of` (a UUID), which is void where anything in `bound` is another."""
        proof = bytes.fromhex(self._vault.fingerprint("\0".join((purpose, of, *bound)).encode()))
        return base64.urlsafe_b64encode(UUID(of).bytes + proof[:_SECRET_BYTES]).decode()

    def knows(self, token: str, purpose: str, of: str, *bound: str) -> bool:
        """Whether it is that token."""
        return compare_digest(token.encode(), self.make(purpose, of, *bound).encode())

    def hidden(self, what: str, *bound: str) -> str:
        """What may be kept of a short secret, such as a code: nobody finds it by trying, who lacks the key."""
        return self._vault.fingerprint("\0".join((what, *bound)).encode())


def id_in(token: str) -> str | None:
    """The id of the thing that a token is for; None where it is no token."""
    try:
        read = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return str(UUID(bytes=read[:16])) if len(read) == 16 + _SECRET_BYTES else None


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode()).hexdigest()


def answering(token: str, code: str) -> str:
    """What others may know of a code that goes with a token, which they lack: they cannot find it by trying."""
    return keyed(token.encode(), code.encode(), "sha256").hex()
