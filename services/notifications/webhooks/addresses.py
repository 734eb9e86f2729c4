"""Which addresses of the Internet may be called, as data: everything that is not the public Internet is refused.

The ranges are those of IANA's registries of special-purpose addresses (RFC 6890) that are not forwarded beyond a site,
and those by which an IPv4 address is reached in the clothes of an IPv6 one. Python's `is_global` is not asked: what it
answers differs between its versions, and it takes 6to4 for public.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Networks = tuple[Network, ...]
"""The networks that a deployment allows beyond the public ones."""

_REFUSED_4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network; 0.0.0.0 reaches the machine itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared behind a provider's NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, with the metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and the broadcast address
    )
)
_UNICAST_6: Final = IPv6Network("2000::/3")
"""The part of IPv6 that is given out; beyond it are loopback, link-local, unique local, multicast, and what is mapped
or translated from IPv4."""
_REFUSED_6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
METADATA: Final = frozenset(
    {
        IPv4Address("169.254.169.254"),  # most clouds
        IPv4Address("168.63.129.16"),  # Azure, in a public range
        IPv4Address("100.100.100.200"),  # Alibaba Cloud
        IPv4Address("192.0.0.192"),  # Oracle Cloud
        IPv6Address("fd00:ec2::254"),  # Amazon
        IPv6Address("fd20:ce::254"),  # Google
    }
)
"""Where a cloud hands out the credentials of a machine. A network that is allowed does not allow them."""


@dataclass(frozen=True, slots=True)
class _Clothes:
    """A range of IPv6 in whose addresses an IPv4 address stands: so many bits from the right, perhaps inverted."""

    network: IPv6Network
    shift: int
    inverted: bool = False

    def undressed(self, address: IPv6Address) -> IPv4Address:
        bits = (int(address) >> self.shift) & 0xFFFFFFFF
        return IPv4Address(bits ^ 0xFFFFFFFF if self.inverted else bits)


_CLOTHES: Final = (
    _Clothes(IPv6Network("::/96"), 0),  # IPv4-compatible; :: and ::1 are there as well
    _Clothes(IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    _Clothes(IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated (SIIT)
    _Clothes(IPv6Network("64:ff9b::/96"), 0),  # NAT64
    _Clothes(IPv6Network("64:ff9b:1::/48"), 0),  # NAT64 of a site's own
    _Clothes(IPv6Network("2002::/16"), 80),  # 6to4
    _Clothes(IPv6Network("2001::/32"), 64),  # Teredo: its server,
    _Clothes(IPv6Network("2001::/32"), 0, inverted=True),  # and its client
)
_ISATAP: Final = (0x00005EFE, 0x02005EFE)
"""The half of an interface's identifier behind which ISATAP writes an IPv4 address, in whatever network."""
_NARROW: Final = 96
"""Bits that a network has to name at least before it allows addresses in which others stand."""


def networks(text: str) -> Networks:
    """The networks of a comma-separated list in CIDR notation. Raises ValueError, which names the one that is none."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def inner_addresses(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that are reached by an IPv6 one, where its form says so."""
    if isinstance(address, IPv6Address):
        yield from (clothes.undressed(address) for clothes in _CLOTHES if address in clothes.network)
        if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
            yield IPv4Address(int(address) & 0xFFFFFFFF)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public Internet, in its own form."""
    if address in METADATA:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_4)
    return (
        address.scope_id is None
        and address in _UNICAST_6
        and not any(address in network for network in _REFUSED_6)
        and all(is_public(inner) for inner in inner_addresses(address))
    )


def is_allowed(address: Address, allow: Networks) -> bool:
    """Whether the deployment's list names a network with this address in it.

    A metadata address has to be named by itself. A range of translated addresses has to be named as narrowly as one
    that translates, and then the IPv4 address inside has to be open as well.
    """
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    inner = tuple(inner_addresses(address))
    own = address == IPv6Address(1) or not inner
    least = address.max_prefixlen if address in METADATA else 0 if own else _NARROW
    named = any(
        network.version == address.version and network.prefixlen >= least and address in network for network in allow
    )
    return named and (own or all(is_public(within) or is_allowed(within, allow) for within in inner))


PUBLIC_PORTS: Final = frozenset({443, 8443})
ALLOWED_PORTS: Final = frozenset({80, 443, 8443})
FREE_PORTS: Final = 1024
"""From here on a port of an allowed network may be called: below are the services of a machine, such as 22 and 25."""


def may_be_called(address: Address, port: int, allow: Networks, *, https: bool) -> bool:
    """The rule: https to the public Internet on its ports; within allowed networks http too, and free ports."""
    if is_allowed(address, allow):
        return port in ALLOWED_PORTS or FREE_PORTS <= port <= 65535
    return https and port in PUBLIC_PORTS and is_public(address)
