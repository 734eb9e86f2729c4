"""Signatures after Standard Webhooks (spec/standard-webhooks.md of github.com/standard-webhooks/standard-webhooks).

`v1` is made with a shared secret, `v1a` with a key of which the receiver has the public half. A delivery carries both,
and those of an older secret for as long as that is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DRAWN: Final = 32
"""Bytes of a secret that is drawn here; the specification asks for 24 to 64."""
_SEED: Final = 32
"""Bytes of an Ed25519 key's seed. Behind it stands the public key in a `whsk_`, as libsodium writes such keys."""


class NoSecret(ValueError):  # noqa: N818 - reads as what it is
    """A text is no secret of Standard Webhooks; the message says what is wrong with it and never shows it."""


class Secret:
    """What the deliveries of a subscription are signed with: a shared secret, and an Ed25519 key."""

    __slots__ = ("_key", "_shared")

    def __init__(self, shared: bytes, key: Ed25519PrivateKey) -> None:
        if not 24 <= len(shared) <= 64:
            raise NoSecret("a shared secret has 24 to 64 bytes")
        self._shared = shared
        self._key = key

    @classmethod
    def drawn(cls) -> Secret:
        """A new one."""
        return cls(secrets.token_bytes(DRAWN), Ed25519PrivateKey.generate())

    @classmethod
    def of(cls, whsec: str, whsk: str) -> Secret:
        """The one that was written as these two texts. Raises NoSecret."""
        pair = _bytes_of("whsk_", whsk)
        if len(pair) not in (_SEED, 2 * _SEED):
            raise NoSecret("a whsk_ holds the 32 bytes of an Ed25519 seed, and may hold its public key behind them")
        key = Ed25519PrivateKey.from_private_bytes(pair[:_SEED])
        if len(pair) > _SEED and pair[_SEED:] != key.public_key().public_bytes_raw():
            raise NoSecret("the public key in a whsk_ is that of its seed")
        return cls(_bytes_of("whsec_", whsec), key)

    def __repr__(self) -> str:
        """Shows the public half alone, wherever it is printed by accident."""
        return f"Secret({self.whpk})"

    @property
    def whsec(self) -> str:
        """The shared secret as the receiver is given it."""
        return _text_of("whsec_", self._shared)

    @property
    def whsk(self) -> str:
        """The private key; it leaves the vault for nothing but a signature."""
        return _text_of("whsk_", self._key.private_bytes_raw() + self._key.public_key().public_bytes_raw())

    @property
    def whpk(self) -> str:
        """The public key, which anybody may know."""
        return _text_of("whpk_", self._key.public_key().public_bytes_raw())

    def signatures(self, content: bytes) -> tuple[str, str]:
        """`v1,…` and `v1a,…` of what is signed."""
        shared = hmac.new(self._shared, content, hashlib.sha256).digest()
        return f"v1,{b64encode(shared).decode()}", f"v1a,{b64encode(self._key.sign(content)).decode()}"


def signed_headers(message_id: str, at: int, body: bytes, signing: Sequence[Secret]) -> dict[str, str]:
    """The three headers of a delivery: `at` is the moment of the attempt, in seconds since 1970.

    The newest secret comes first: a receiver that reads only the first signature of its kind is served as well.
    Raises ValueError for an id with a full stop or a space in it, which would make the signed content ambiguous.
    """
    if not message_id or not message_id.isascii() or any(sign in message_id for sign in ". \r\n\t"):
        raise ValueError("the id of a message has neither full stops nor spaces")
    content = b"%b.%d.%b" % (message_id.encode(), at, body)
    made = [signature for secret in signing for signature in secret.signatures(content)]
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": " ".join(made)}


def _text_of(prefix: str, raw: bytes) -> str:
    return prefix + b64encode(raw).decode()


def _bytes_of(prefix: str, text: str) -> bytes:
    if not text.startswith(prefix):
        raise NoSecret(f"it does not begin with {prefix}")
    try:
        return b64decode(text.removeprefix(prefix), validate=True)
    except NotBase64:
        raise NoSecret(f"what follows {prefix} is not base64") from None
