"""Ids that are always the same for the same names."""

from __future__ import annotations

from hashlib import sha1
from uuid import UUID


def derived_id(namespace: UUID, name: str) -> str:
    """The UUID of version 5 (RFC 9562) of the name in the namespace."""
    # Without uuid.uuid5, and the class around it: several of them are made for every referral.
    drawn = bytearray(sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    drawn[6] = drawn[6] & 0x0F | 0x50
    drawn[8] = drawn[8] & 0x3F | 0x80
    text = drawn.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
