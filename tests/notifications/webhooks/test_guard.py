"""Which URLs may be subscribed, as far as their text tells: a battery of those that guards were passed with."""

from __future__ import annotations

from ipaddress import ip_address

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.webhooks.addresses import is_public
from services.notifications.webhooks.guard import BadUrl, check_header, check_url, destination
from tests.notifications.webhooks.sending import LOOPBACK

ACCEPTED = {
    "https://hooks.example.org": ("hooks.example.org", 443, b"/"),
    "https://hooks.example.org/a/b?c=d&e=%20f": ("hooks.example.org", 443, b"/a/b?c=d&e=%20f"),
    "https://hooks.example.org?c=d": ("hooks.example.org", 443, b"/?c=d"),
    "https://hooks.example.org:8443/a": ("hooks.example.org", 8443, b"/a"),
    "HTTPS://Hooks.Example.ORG/A": ("hooks.example.org", 443, b"/A"),
    "https://8.8.8.8/": ("8.8.8.8", 443, b"/"),
    "https://[2606:4700:0:0::1111]/": ("2606:4700::1111", 443, b"/"),
    "https://bücher.example/": ("xn--bcher-kva.example", 443, b"/"),
    "https://xn--bcher-kva.example/": ("xn--bcher-kva.example", 443, b"/"),
    "https://straße.example/": ("xn--strae-oqa.example", 443, b"/"),
    "https://\uff48\uff4f\uff4f\uff4b\uff53.example/": ("hooks.example", 443, b"/"),
    "https://hooks。example/": ("hooks.example", 443, b"/"),
}
REFUSED = {
    "not https": ("http://hooks.example.org/", "ftp://hooks.example.org/", "file:///etc/passwd", "gopher://a.b/_x"),
    "not absolute": (
        "hooks.example.org/a",
        "//hooks.example.org",
        "https:hooks.example.org",
        "https:/a.b",
        "",
        "https",
    ),
    "no host": ("https://", "https:///a", "https://?a", "https://:443/"),
    "user information": ("https://a@hooks.example.org", "https://a:b@hooks.example.org", "https://8.8.8.8@127.0.0.1/"),
    "fragment": ("https://hooks.example.org/#a", "https://hooks.example.org#", "https://127.0.0.1#@hooks.example.org/"),
    "port": ("https://a.example:80/", "https://a.example:22/", "https://a.example:0/", "https://a.example:65536/"),
    "no port": ("https://a.example:/", "https://a.example:443:443/", "https://a.example:+443/", "https://a.example:x/"),
    "loopback": ("https://127.0.0.1/", "https://[::1]/", "https://localhost/", "https://[::]/"),
    "loopback as inet_aton reads it": (
        *("https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/"),
        *("https://017700000001/", "https://0177.0.0.1/", "https://0x7f.0x0.0x0.0x1/", "https://127.0.0.01/"),
        *("https://0/", "https://127.0.0.1./", "https://0x/", "https://1.2.3.4.5/", "https://999.1.1.1/"),
    ),
    "loopback in other digits": ("https://①②⑦.⓪.⓪.①/", "https://\uff11\uff12\uff17.0.0.1/", "https://127。0。0。1/"),
    "private": ("https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/", "https://[fd00::1]/"),
    "metadata": ("https://169.254.169.254/latest/", "https://[fd00:ec2::254]/", "https://168.63.129.16/"),
    "IPv4 in IPv6": (
        *(
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[::127.0.0.1]/",
            "https://[2002:7f00:1::]/",
        ),
        *("https://[64:ff9b::127.0.0.1]/", "https://[64:ff9b:1::7f00:1]/", "https://[0:0:0:0:0:ffff:8.8.8.8]/"),
    ),
    "zone": ("https://[fe80::1%25eth0]/", "https://[2606:4700::1111%25eth0]/", "https://[::1%lo]/"),
    "no address": (
        "https://[127.0.0.1]/",
        "https://[::1/",
        "https://::1]/",
        "https://2606:4700::1111/",
        "https://[v1.a]/",
    ),
    "no name": (
        *(
            "https://a_b.example/",
            "https://-a.example/",
            "https://a-.example/",
            "https://a..example/",
            "https://.example/",
        ),
        *("https://hooks.example.org./", f"https://{'a' * 64}.example/", "https://" + "a." * 127 + "example/"),
        *(
            "https://%6c%6f%63alhost/",
            "https://127.0.0.1%2f@a.example/",
            "https://exa mple.org/",
            "https://ex*mple.org/",
        ),
    ),
    "no domain": ("https://intranet/", "https://metadata/", "https://casefile/", "https://kubernetes/"),
    "parsers differ": (
        *("https://a.example\\@127.0.0.1/", "https://a.example\\.b.example/", "https://127.0.0.1\\a.example/"),
        *("https://a.example\t.b/", "https://a.exa\nmple/", "ht\ntps://a.example/", " https://a.example/"),
        *(
            "https://a.example/\r\nHost: b",
            "https://a.example/ ",
            "https://a.example/\x00",
            "https://a.example\u0000.b/",
        ),
        *("https://a.example/é", "https://a.example/\u202e", "https://a.example/{x}", 'https://a.example/"'),
    ),
    "too long": ("https://a.example/" + "a" * 2048,),
}


@pytest.mark.parametrize("url", ACCEPTED)
def test_a_url_of_the_public_internet_is_taken(url: str) -> None:
    """With its host as it is looked up, and its path and query as they are sent."""
    assert check_url(url, ()) is None
    found = destination(url, ())
    assert (found.https, found.host, found.port, found.target) == (True, *ACCEPTED[url])


@pytest.mark.parametrize("url", [url for urls in REFUSED.values() for url in urls])
def test_any_other_url_is_refused_and_not_repeated(url: str) -> None:
    """What would be accepted is said; the URL may hold a secret and is not."""
    fault = check_url(url, ())
    assert fault is not None
    assert (fault.pointer, fault.code) == ("/url", "URL_NOT_ALLOWED")
    assert len(url) < 12 or url not in fault.detail


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        *(
            ("not https", "https://"),
            ("user information", "user name"),
            ("fragment", "fragment"),
            ("port", "443 or 8443"),
        ),
        *(("no domain", "domain"), ("zone", "address")),
    ],
)
def test_what_would_be_accepted_is_named(kind: str, words: str) -> None:
    """By somebody who mistyped a URL, it can be mended."""
    for url in REFUSED[kind]:
        fault = check_url(url, ())
        assert fault is not None
        assert words in fault.detail, (url, fault.detail)


def test_within_allowed_networks_http_and_free_ports_are_taken() -> None:
    """A name without a domain too: what it resolves to is checked when it is called."""
    for url in (
        *("http://127.0.0.1:9000/hooks", "http://[::1]:9000/", "https://127.0.0.1:9443/", "http://localhost:9000/"),
        *("http://127.0.0.1/", "http://receiver:80/", "https://hooks.example.org/"),
    ):
        assert check_url(url, LOOPBACK) is None, url
    for url in (
        *(
            "http://127.0.0.1:22/",
            "http://localhost:25/",
            "http://10.0.0.1:9000/",
            "http://8.8.8.8/",
            "http://0.0.0.0/",
        ),
        *("http://[::ffff:127.0.0.1]:9000/", "http://2130706433:9000/", "http://a@127.0.0.1:9000/", "http://[::]/"),
    ):
        assert check_url(url, LOOPBACK) is not None, url


HOSTS = st.text(st.sampled_from("0123456789abcdefx.:[]%@#?/\\-_ é①。"), max_size=24)


@given(HOSTS, st.sampled_from(["", "/", ":443/", ":8443/a?b"]))
def test_whatever_is_taken_means_the_same_to_another_parser(host: str, rest: str) -> None:
    """And names a public address, or a name whose last part no resolver takes for a number."""
    try:
        found = destination(f"https://{host}{rest}", ())
    except BadUrl:
        return
    other = httpx.URL(f"https://{found.host_header}{found.target.decode()}")
    # Its `host` is what people read; on the wire goes the other one.
    assert (other.raw_host.decode(), other.port or 443, other.raw_path) == (found.host, found.port, found.target)
    if found.address is not None:
        assert is_public(ip_address(found.host))
    else:
        assert "." in found.host
        assert not found.host.rpartition(".")[2].isdigit()


@pytest.mark.parametrize(("name", "value"), [("Authorization", "Bearer abc"), ("X-Api-Key", "k"), ("x-tenant", "a b")])
def test_a_header_of_ones_own_is_taken(name: str, value: str) -> None:
    """A token for the receiver's gateway, say."""
    assert check_header(name, value) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "x") for name in ("Host", "content-length", "Transfer-Encoding", "Connection", "Expect", "Cookie")),
        *((name, "x") for name in ("webhook-signature", "Webhook-Id", "Content-Type", "Proxy-Authorization", "TE")),
        *((name, "x") for name in ("", "X Y", "X:Y", "X\r\nY", "é", "x" * 65)),
        *(("X-A", value) for value in ("", " x", "x ", "a\r\nB: c", "a\x00b", "é", "x" * 4097)),
    ],
)
def test_a_header_that_changes_the_request_is_refused(name: str, value: str) -> None:
    """What HTTP frames with, what we sign with, and what would become a second header; neither is repeated."""
    fault = check_header(name, value)
    assert fault is not None
    assert (fault.pointer, fault.code) == ("/header", "HEADER_NOT_ALLOWED")
    assert len(value) < 3 or value not in fault.detail
