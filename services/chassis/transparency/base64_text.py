"""Base64 as the formats of c2sp.org write it: standard alphabet with padding (RFC 4648, section 4), spelt one way."""

from __future__ import annotations

import base64
import binascii


def encoded(content: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(content).decode("ascii")


def decoded(text: str) -> bytes:
    """Text as bytes. Raises ValueError for whatever else spells the same bytes, too."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("no base64 (RFC 4648, section 4)") from None
    if encoded(content) != text:
        raise ValueError("base64 in a spelling of its own")
    return content
