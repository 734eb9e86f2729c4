"""To where mail servers return what they cannot deliver: an address that says which letter of ours it was.

It has a sub-address (RFC 5233): `bounces+TOKEN@example.org`. The token has the id of a subscription, the number of its
challenges then, a few bytes of which letter it was, and a proof of all that under the vault's key: so nobody silences a
mailbox whose letters they have not got, and a report about an address before says nothing of the one now.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode
from hashlib import sha256
from hmac import compare_digest
from itertools import islice
from typing import Final, NamedTuple
from uuid import UUID

from services.chassis.vault.vault import Vault
from services.notifications.domain.subscription import Subscription

_PURPOSE: Final = b"return path\0"
_NUMBERS: Final = 1 << 16
_NAMED: Final = 16 + 2 + 4
"""Bytes: the subscription, the number of its challenges, and the letter."""
_PROOF: Final = 10
"""Bytes; each try to guess one is a message that an operator hands over."""
_MOST: Final = 20
"""Addresses of a text that are looked at."""


class SentTo(NamedTuple):
    """To which subscription a letter was sent, and as of which challenge."""

    subscription: str
    challenges: int

    def still(self, subscription: Subscription) -> bool:
        """Whether it is at the same address, and has not been proven again since."""
        return subscription.challenges % _NUMBERS == self.challenges


class ReturnPaths:
    """Makes such addresses, and knows them again."""

    def __init__(self, vault: Vault, address: str | None) -> None:
        """`address`: what they are made of (`CASERELAY_MAIL_BOUNCES`); without it there are none."""
        self._vault = vault
        self._local, _, self._domain = (address or "").rpartition("@")
        # Letters of base32 alone: a server on the way may write all of an address in small letters. Of ASCII alone:
        # else some that are no such letters are taken for one in the other case.
        self._form = re.compile(
            rf"{re.escape(self._local)}\+([a-z2-7]{{52}})@{re.escape(self._domain)}\b", re.IGNORECASE | re.ASCII
        )

    def for_letter(self, subscription: Subscription, letter: str) -> str | None:
        """The address for a letter of this identity; None where there are none."""
        if not self._domain:
            return None
        number = (subscription.challenges % _NUMBERS).to_bytes(2, "big")
        named = UUID(subscription.subscription).bytes + number + sha256(letter.encode()).digest()[:4]
        return f"{self._local}+{self._token(named)}@{self._domain}"

    def find(self, text: str) -> SentTo | None:
        """The letter that the first of our addresses in a text is for; None where there is none."""
        for found in islice(self._form.finditer(text) if self._domain else (), _MOST):
            token = found[1].lower()
            named = b32decode(f"{token.upper()}====")[:_NAMED]
            if compare_digest(token, self._token(named)):
                return SentTo(str(UUID(bytes=named[:16])), int.from_bytes(named[16:18], "big"))
        return None

    def _token(self, named: bytes) -> str:
        proof = bytes.fromhex(self._vault.fingerprint(_PURPOSE + named))[:_PROOF]
        return b32encode(named + proof).decode().rstrip("=").lower()
