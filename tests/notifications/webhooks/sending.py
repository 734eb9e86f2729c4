"""What tests of webhooks send, and a resolver whose answers they choose."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Final

from services.notifications.webhooks.addresses import networks
from services.notifications.webhooks.pinning import Resolve
from services.notifications.webhooks.sender import Outgoing, Target
from services.notifications.webhooks.signing import Secret

LOOPBACK: Final = networks("127.0.0.0/8, ::1")
SECRET: Final = Secret.drawn()
UNUSED: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody, and is made once: reading the certificates of a system takes longer than what is tried with it."""
EVENT: Final = "7eaedd44-ef16-4041-9b55-856672b5511d"


def target(url: str, header: tuple[str, str] | None = None) -> Target:
    """An endpoint with a secret."""
    return Target(url, (SECRET,), header)


def event(name: str = EVENT, body: bytes = b'{"specversion":"1.0"}') -> Outgoing:
    """An event that is sent now."""
    return Outgoing(name, body, at=int(time.time()))


def names(answers: Mapping[str, Sequence[str]]) -> Resolve:
    """Answers so; every other name is on loopback."""

    async def resolve(host: str, _port: int) -> Sequence[str]:
        return answers.get(host, ["127.0.0.1"])

    return resolve
