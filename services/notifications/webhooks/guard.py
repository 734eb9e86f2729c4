"""What may stand as the URL of a webhook, as far as its text tells; `pinning.py` checks what its name answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

import idna

from services.chassis.modelling.decider import Fault
from services.notifications.webhooks.addresses import (
    ALLOWED_PORTS,
    FREE_PORTS,
    PUBLIC_PORTS,
    Address,
    Networks,
    is_allowed,
    may_be_called,
)

LONGEST: Final = 2048
_SIGNS: Final = re.compile(r"[!$-;=?-Z_a-z~\[\]]+")
"""What RFC 3986 lets stand in a URL, but for the fragment."""
_SHAPE: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#\\]*)(?P<target>[/?].*)?")
_AUTHORITY: Final = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_TOKEN: Final = re.compile(r"[A-Za-z0-9-]+")
_VALUE: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_OURS: Final = frozenset(
    {
        *("accept", "accept-encoding", "connection", "cookie", "expect", "host", "keep-alive", "te", "traceparent"),
        *("trailer", "transfer-encoding", "upgrade", "user-agent"),
    }
)
"""Headers of a request that are not the subscriber's to set."""
_OURS_BEGIN: Final = ("webhook-", "proxy-", "content-", "sec-")
_DEFAULT: Final = {"https": 443, "http": 80}


class BadUrl(ValueError):  # noqa: N818 - reads as what it is
    """A URL is not called; the message says what would be accepted, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL, taken apart once: nothing that follows reads its text again.

    `host` is a name in ASCII, in lower case, or an address in its shortest form; `target` is path and query as sent.
    """

    https: bool
    host: str
    port: int
    target: bytes

    @property
    def address(self) -> Address | None:
        """The address, where the URL names one and no name."""
        if ":" in self.host:
            return IPv6Address(self.host)
        return IPv4Address(self.host) if _NUMBER.fullmatch(self.host.rpartition(".")[2]) else None

    @property
    def host_header(self) -> str:
        """The authority, as HTTP names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.https else 80) else f"{host}:{self.port}"


def check_url(url: str, allow: Networks) -> Fault | None:
    """What is wrong with the URL of a webhook, as far as its text tells; None: nothing.

    `allow` are the networks of `CASERELAY_WEBHOOK_ALLOW`.
    """
    try:
        destination(url, allow)
    except BadUrl as bad:
        return Fault("/url", "URL_NOT_ALLOWED", str(bad))
    return None


def check_header(name: str, value: str) -> Fault | None:
    """What is wrong with the header that a subscription sends along; None: nothing. Neither is ever shown again."""
    lower = name.lower()
    if _TOKEN.fullmatch(name) is None or len(name) > 64:
        detail = "a header's name of at most 64 letters, digits and hyphens"
    elif lower in _OURS or lower.startswith(_OURS_BEGIN):
        detail = "a header that neither HTTP nor the delivery itself needs, such as Authorization or X-Api-Key"
    elif _VALUE.fullmatch(value) is None or len(value) > 4096:
        detail = "a header's value of at most 4096 visible ASCII characters, with spaces only between them"
    else:
        return None
    return Fault("/header", "HEADER_NOT_ALLOWED", detail)


def destination(url: str, allow: Networks) -> Destination:
    """Takes a URL apart. Raises BadUrl for one that may not be called, whatever its name resolves to."""
    if len(url) > LONGEST:
        raise BadUrl(f"a URL has at most {LONGEST} characters")
    if "#" in url:
        raise BadUrl("a URL without a fragment, since that is never sent")
    shape = _SHAPE.fullmatch(url)
    if shape is None or shape["scheme"].lower() not in _DEFAULT:
        raise BadUrl("an absolute URL such as https://example.org/hooks")
    https = shape["scheme"].lower() == "https"
    if not https and not allow:
        raise BadUrl("a URL that begins with https://")
    if "@" in shape["authority"]:
        raise BadUrl("a URL without user name and password; use a header of your own for a token")
    authority = _AUTHORITY.fullmatch(shape["authority"])
    if authority is None:
        raise BadUrl("a host name or address, with or without a port, between // and the path")
    target = shape["target"] or "/"
    # A query alone has the path "/" before it.
    target = target if target.startswith("/") else f"/{target}"
    if _SIGNS.fullmatch(target) is None:
        raise BadUrl("a path and a query in ASCII, with everything else percent-encoded")
    port = int(authority["port"] or _DEFAULT[shape["scheme"].lower()])
    found = Destination(https, _host(authority["host"]), port, target.encode())
    _check_port_and_address(found, allow)
    return found


def _check_port_and_address(found: Destination, allow: Networks) -> None:
    address = found.address
    if address is not None and not may_be_called(address, found.port, allow, https=found.https):
        if not found.https and not is_allowed(address, allow):
            raise BadUrl("a URL that begins with https://, outside the networks that are allowed here")
        raise BadUrl(f"an address of the public Internet, on port {_ports(PUBLIC_PORTS)}")
    if address is None and "." not in found.host and not allow:
        raise BadUrl("a host name with its domain, such as hooks.example.org")
    open_here = found.port in PUBLIC_PORTS or bool(
        allow and (found.port in ALLOWED_PORTS or FREE_PORTS <= found.port <= 65535)
    )
    if not open_here:
        free = f", or {FREE_PORTS} to 65535 within the networks that are allowed here" if allow else ""
        raise BadUrl(f"port {_ports(ALLOWED_PORTS if allow else PUBLIC_PORTS)}{free}")


def _ports(ports: frozenset[int]) -> str:
    *most, last = sorted(ports)
    return f"{', '.join(map(str, most))} or {last}"


def _host(text: str) -> str:
    """A name as it is looked up, or an address. What resolvers read as an address, although it is none, is refused.

    `inet_aton` takes 127.1, 0177.0.0.1, 0x7f000001 and 2130706433 for 127.0.0.1; a name whose last part is a number
    is therefore an address in its usual form, or nothing (as in the URL Standard of WHATWG).
    """
    if text.startswith("["):
        try:
            return str(IPv6Address(text[1:-1]))
        except AddressValueError:
            raise BadUrl("an IPv6 address between the brackets, without a zone") from None
    try:
        host = idna.encode(text, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        raise BadUrl("a host name of letters, digits and hyphens, as the Internet's names are") from None
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise BadUrl("an IPv4 address as four decimal numbers without leading zeros") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadUrl("a host name of letters, digits and hyphens, without a full stop at its end")
    return host
