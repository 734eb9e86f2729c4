"""Which addresses may be called: each range that is not the public Internet, in every form that reaches it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notifications.webhooks.addresses import Address, is_allowed, is_public, may_be_called, networks

REFUSED = {
    "unspecified": ("0.0.0.0", "0.1.2.3", "::"),  # noqa: S104 - nothing listens there
    "loopback": ("127.0.0.1", "127.255.255.254", "::1"),
    "private": ("10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255"),
    "unique local": ("fc00::1", "fd12:3456:789a::1", "fdff:ffff::1"),
    "link-local": ("169.254.0.1", "169.254.255.255", "fe80::1", "febf::1"),
    "site-local": ("fec0::1", "feff::1"),
    "carrier-grade NAT": ("100.64.0.1", "100.127.255.255"),
    "metadata": ("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"),
    "multicast": ("224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"),
    "broadcast": ("255.255.255.255",),
    "reserved": ("240.0.0.1", "192.0.0.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "4000::1", "5f00::1"),
    "documentation": ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"),
    "discard": ("100::1",),
    "IPv4-mapped": ("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8"),
    "IPv4-compatible": ("::127.0.0.1", "::10.0.0.1", "::8.8.8.8"),
    "IPv4-translated": ("::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"),
    "NAT64": ("64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::8.8.8.8"),
    "NAT64 of a site": ("64:ff9b:1::127.0.0.1", "64:ff9b:1:ffff::1"),
    "6to4": ("2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1"),
    "Teredo": ("2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:808:808::"),
    "ORCHID and benchmarks": ("2001:10::1", "2001:20::1", "2001:2::1"),
    "ISATAP": ("2620:1::5efe:10.0.0.1", "2620:1::200:5efe:127.0.0.1"),
    "with a zone": ("fe80::1%eth0", "2606:4700::1111%eth0"),
}
PUBLIC = (
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0"),
    *("192.0.1.0", "192.0.3.0", "198.17.255.255", "198.20.0.0", "203.0.112.255", "203.0.114.0", "223.255.255.255"),
    *("2000::1", "2001:200::1", "2001:4860:4860::8888", "2003::1", "2606:4700:4700::1111", "2a00::1", "3ffe:ffff::1"),
    "2620:1::5efe:8.8.8.8",
)
"""Both neighbours of most ranges, so that none is wider than it should be."""


@pytest.mark.parametrize("text", [text for texts in REFUSED.values() for text in texts])
def test_what_is_not_the_public_internet_is_refused(text: str) -> None:
    """On every port, and with https."""
    assert not is_public(ip_address(text))
    assert not any(may_be_called(ip_address(text), port, (), https=True) for port in (80, 443, 8443, 8080))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_the_public_internet_may_be_called(text: str) -> None:
    """With https, on the ports of https, and no others."""
    address = ip_address(text)
    assert is_public(address)
    assert {port for port in range(65_536) if may_be_called(address, port, (), https=True)} == {443, 8443}
    assert not any(may_be_called(address, port, (), https=False) for port in (80, 443, 8443))


ADDRESSES = st.one_of(
    st.ip_addresses(),
    st.ip_addresses(v=6, network="2000::/3"),
    *(st.ip_addresses(network=network) for network in ("2001::/23", "2002::/16", "64:ff9b::/96", "::ffff:0:0/96")),
)


@given(ADDRESSES)
@example(ip_address("192.88.99.1"))
def test_nothing_is_public_that_the_standard_library_calls_private(address: Address) -> None:
    """Another list of the same registries agrees, wherever it refuses something."""
    if address.is_private or address.is_multicast or address.is_reserved or address.is_unspecified:
        assert not is_public(address)
    inside = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if inside is not None or getattr(address, "teredo", None) is not None:
        assert not is_public(address)


def test_an_allowed_network_may_be_called_with_http_and_on_free_ports() -> None:
    """But not on the ports below 1024, where the services of a machine are."""
    allow = networks("10.20.0.0/16")
    inside = ip_address("10.20.3.4")
    ports = {port for port in range(65_537) if may_be_called(inside, port, allow, https=False)}
    assert ports == {80, 443} | set(range(1024, 65_536))
    assert not may_be_called(ip_address("10.21.0.1"), 8080, allow, https=True)
    assert not may_be_called(ip_address("8.8.8.8"), 443, allow, https=False)


@pytest.mark.parametrize("allow", ["127.0.0.0/8,10.0.0.0/8", "0.0.0.0/0", "0.0.0.0/0, ::/0"])
def test_an_allowed_network_does_not_open_other_forms_of_its_addresses(allow: str) -> None:
    """Nor metadata, however wide it is."""
    assert is_allowed(ip_address("127.0.0.1"), networks(allow))
    for kind in ("IPv4-mapped", "IPv4-compatible", "IPv4-translated", "NAT64", "6to4", "Teredo", "metadata"):
        for text in REFUSED[kind]:
            assert not may_be_called(ip_address(text), 443, networks(allow), https=True), text


def test_a_translator_that_is_allowed_reaches_public_addresses_only() -> None:
    """As an IPv6-only site has one: what it translates to is checked as well."""
    allow = networks("64:ff9b::/96")
    assert may_be_called(ip_address("64:ff9b::8.8.8.8"), 443, allow, https=True)
    for text in ("64:ff9b::127.0.0.1", "64:ff9b::10.1.2.3", "64:ff9b::a9fe:a9fe", "64:ff9b::a83f:8110"):
        assert not may_be_called(ip_address(text), 443, allow, https=True), text
    both = networks("64:ff9b::/96, 10.1.0.0/16")
    assert may_be_called(ip_address("64:ff9b::10.1.2.3"), 443, both, https=True)


def test_of_a_tunnel_that_is_allowed_both_ends_are_checked() -> None:
    """A Teredo address holds its server's and its client's, the latter inverted; one of 6to4 holds a router's."""
    closed = ("2001:0:808:808::80ff:fffe", "2001:0:7f00:1::f7f7:f7f7", "2002:7f00:1::")
    opened = ("2001:0:808:808::f7f7:f7f7", "2002:808:808::")
    for text in (*closed, *opened):
        assert may_be_called(ip_address(text), 443, networks(text), https=True) is (text in opened), text


def test_a_metadata_address_has_to_be_allowed_by_itself() -> None:
    """Somebody means it then."""
    metadata = ip_address("169.254.169.254")
    assert not is_allowed(metadata, networks("169.254.0.0/16"))
    assert is_allowed(metadata, networks("169.254.169.254/32"))


def test_networks_are_a_list_and_a_mistake_is_named() -> None:
    """Addresses alone are networks of one."""
    assert networks(" 127.0.0.0/8,::1 ,") == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert networks("") == ()
    for wrong in ("10.0.0.1/8", "ten", "10.0.0.0/33", "localhost"):
        with pytest.raises(ValueError, match=wrong):
            networks(wrong)


@given(st.ip_addresses(v=4))
def test_every_form_of_an_address_is_as_closed_as_itself(inner: IPv4Address) -> None:
    """Whatever is not public has no public form: eight of them, by their definitions."""
    low, high = int(inner), int(inner) ^ 0xFFFFFFFF
    forms = (
        *(low, 0xFFFF << 32 | low, 0xFFFF << 48 | low),
        *(0x0064_FF9B << 96 | low, 0x2002 << 112 | low << 80, 0x2001 << 112 | high),
        *(0x2620_0001 << 96 | 0x5EFE << 32 | low, 0x2620_0001 << 96 | 0x0200_5EFE << 32 | low),
    )
    if not is_public(inner):
        assert [form for form in map(IPv6Address, forms) if is_public(form)] == []
