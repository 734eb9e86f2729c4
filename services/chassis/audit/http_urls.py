"""Where a service or a witness is reached over HTTP."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_http_url(url: str) -> bool:
    """Whether paths can be appended to it and asked for."""
    try:
        parts = urlsplit(url)
        # A port that is none is found out only where it is read.
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and named and not (parts.query or parts.fragment) and url.isprintable()
