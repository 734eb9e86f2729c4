"""A record as a vault stores it: encrypted under a key of its own, so that forgetting the key forgets the record."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import from_json, to_json

# A key encrypts one record once, so the nonce need not differ.
_NONCE = bytes(12)


class Sealed(NamedTuple):
    """A record as a vault stores it: encrypted under a key of its own."""

    ref: str
    stream: str
    key: bytes
    record: bytes

    @classmethod
    def of(cls, ref: str, stream: str, record: dict[str, Any]) -> Sealed:
        """The record, sealed under a new key."""
        key = secrets.token_bytes(32)
        return cls(ref, stream, key, AESGCM(key).encrypt(_NONCE, to_json(record), ref.encode()))

    @staticmethod
    def opened(ref: str, key: bytes, record: bytes) -> dict[str, Any]:
        """What was sealed."""
        content: dict[str, Any] = from_json(AESGCM(key).decrypt(_NONCE, record, ref.encode()))
        return content
