"""Cosignatures v1 of checkpoints, as https://c2sp.org/tlog-cosignature has them for Ed25519.

A witness says by one that at a time the largest tree that it has seen of the log was this one, consistent with all
that it had seen before.
"""

from __future__ import annotations

from typing import Final

LATEST: Final = 2**63 - 1
"""Seconds since 1970 that a cosignature may name."""
_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64


def cosigned(text: bytes, timestamp: int) -> bytes:
    """The message that a witness signs: two lines in front of the text of the checkpoint."""
    return b"cosignature/v1\ntime %d\n" % timestamp + text


def cosigned_at(content: bytes) -> tuple[int, bytes]:
    """When a cosignature was made, in seconds since 1970, and the Ed25519 signature in it. Raises ValueError."""
    if len(content) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise ValueError("a cosignature has a time of 8 bytes and a signature of 64")
    timestamp = int.from_bytes(content[:_TIME_BYTES], "big")
    if timestamp > LATEST:
        raise ValueError("a cosignature names a time that cannot be")
    return timestamp, content[_TIME_BYTES:]
