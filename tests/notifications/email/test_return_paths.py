"""A return path names a letter, proves that it was ours, and can be made by nobody else."""

from __future__ import annotations

import re
from typing import Final

import pytest
from msgspec.structs import replace

from services.chassis.memory_stores import MemoryStores
from services.chassis.vault.vault import Vault
from services.notifications.domain.subscription import Subscription
from services.notifications.email.return_paths import ReturnPaths, SentTo

MAILBOX: Final = Subscription(subscription="0d9d2a55-1c1e-5b7e-9d51-6a4a2f0b3e77", challenges=3)
ADDRESS: Final = "bounces@example.org"


@pytest.fixture
def vault() -> Vault:
    """With a key of its own."""
    return MemoryStores().vault("notifications")


@pytest.fixture
def paths(vault: Vault) -> ReturnPaths:
    """Those of an installation."""
    return ReturnPaths(vault, ADDRESS)


def made(paths: ReturnPaths, subscription: Subscription = MAILBOX, letter: str = "a-letter") -> str:
    """The return path of a letter."""
    path = paths.for_letter(subscription, letter)
    assert path is not None
    return path


def test_it_is_known_again(paths: ReturnPaths) -> None:
    """In any text, however a server on the way wrote it; the same for every attempt, another one for each letter."""
    path = made(paths)
    assert path == made(paths)
    assert re.fullmatch(r"bounces\+[a-z2-7]{52}@example\.org", path)
    for text in (path, f"<{path}>", f'"Bounces" <{path}>, other@example.org', path.upper(), f"x@example.org\n{path}"):
        assert paths.find(text) == SentTo(MAILBOX.subscription, 3)
    assert made(paths, letter="another") != path


def test_the_name_before_the_at_is_as_long_as_it_may_be(vault: Vault) -> None:
    """64 characters (RFC 5321, 4.5.3.1.1), with the longest address that may be set."""
    path = made(ReturnPaths(vault, "elevenchars@example.org"))
    assert len(path.partition("@")[0]) == 64


def test_nothing_else_is_taken_for_one(paths: ReturnPaths) -> None:
    """Any character changed, cut, longer, of another domain or name, or made with another key."""
    path = made(paths)
    local, _, domain = path.partition("@")
    for place in range(len("bounces+"), len(local)):
        other = "a" if local[place] != "a" else "b"
        assert paths.find(f"{local[:place]}{other}{local[place + 1 :]}@{domain}") is None, place
    for wrong in (
        f"{local[:-1]}@{domain}",
        f"{local}a@{domain}",
        f"{local}@elsewhere.example",
        f"{local}@example.organic",
        f"other{local.removeprefix('bounces')}@{domain}",
        ADDRESS,
        "",
        # What Python takes for an s, a k and an i in the other case.
        *(f"{local[:-1]}{letter}@{domain}" for letter in "\u017f\u212a\u0131\u0130"),
        made(ReturnPaths(MemoryStores().vault("notifications"), ADDRESS)),
    ):
        assert paths.find(wrong) is None, wrong


def test_the_first_that_is_ours_counts(paths: ReturnPaths) -> None:
    """Behind some that are not; and of very many only some are looked at."""
    wrong = f"bounces+{'a' * 52}@example.org "
    assert paths.find(wrong * 5 + made(paths)) == SentTo(MAILBOX.subscription, 3)
    assert paths.find(wrong * 10_000 + made(paths)) is None


def test_it_holds_until_the_address_is_proven_again(paths: ReturnPaths) -> None:
    """Another address, or the same one after `verify`, has another number."""
    sent = paths.find(made(paths))
    assert sent is not None
    assert sent.still(MAILBOX)
    assert not sent.still(replace(MAILBOX, challenges=4))
    many = replace(MAILBOX, challenges=70_000)
    sent = paths.find(made(paths, many))
    assert sent is not None
    assert sent.still(many)


def test_without_the_setting_there_are_none(vault: Vault) -> None:
    """And none is known."""
    paths = ReturnPaths(vault, None)
    assert paths.for_letter(MAILBOX, "a-letter") is None
    assert paths.find(f"+{'a' * 52}@") is None
