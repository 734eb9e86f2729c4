"""Keys of signed notes, as https://c2sp.org/signed-note writes them: who signs under which name, and in which way."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.chassis.transparency.base64_text import decoded, encoded

_ID: Final = re.compile(r"[0-9a-f]{8}", re.ASCII)
_PRIVATE: Final = "PRIVATE+KEY+"
SEED_BYTES: Final = 32


class SignatureType(IntEnum):
    """The ways of signing that are known here, by the byte that names each. Others are ignored, as the format asks."""

    ED25519 = 1
    COSIGNATURE_V1 = 4


def is_key_name(name: str) -> bool:
    """Whether a key may be named so: not empty, neither white space nor a plus, nothing that ends a line."""
    return bool(name) and "+" not in name and not any(letter.isspace() or letter < " " for letter in name)


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The four bytes by which a signature says which key of a name it was made with."""
    return hashlib.sha256(f"{name}\n".encode() + bytes([kind]) + public).digest()[:4]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name; `kind` is the byte of its signature type."""

    name: str
    id: bytes
    kind: int
    public: bytes

    @classmethod
    def of(cls, name: str, kind: int, public: bytes) -> VerifierKey:
        """The key, with the id that follows from it. Raises ValueError for a name that no key may have."""
        if not is_key_name(name):
            raise ValueError("the name of a key is not empty and has neither white space nor a plus")
        return cls(name, key_id(name, kind, public), kind, public)

    @classmethod
    def read(cls, vkey: str) -> VerifierKey:
        """A key of its text, such as `example.com/log+8f3b9c12+AbC…`. Raises ValueError."""
        name, _, rest = vkey.partition("+")
        number, _, material = rest.partition("+")
        content = decoded(material) if material else b""
        if not _ID.fullmatch(number) or not content:
            raise ValueError(
                "no key of a signed note: a name, eight hexadecimal digits and base64, with + between them"
            )
        key = cls.of(name, content[0], content[1:])
        if key.id.hex() != number:
            raise ValueError("the id of the key is not that of its name and bytes")
        if key.kind in [*SignatureType] and len(key.public) != 32:
            raise ValueError("a key of Ed25519 has 32 bytes")
        return key

    @property
    def text(self) -> str:
        """The key as a vkey."""
        return f"{self.name}+{self.id.hex()}+{encoded(bytes([self.kind]) + self.public)}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the key made a plain Ed25519 signature of a message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class SignerKey:
    """A private key with its name. Nothing prints it: what it is made of leaves it by `text` alone."""

    def __init__(self, name: str, seed: bytes, kind: SignatureType = SignatureType.ED25519) -> None:
        """`seed`: 32 bytes that nobody else knows. Raises ValueError for other lengths, and for names of no key."""
        if len(seed) != SEED_BYTES:
            raise ValueError(f"a key of Ed25519 is made of {SEED_BYTES} bytes")
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey.of(name, kind, self._private.public_key().public_bytes_raw())

    @classmethod
    def read(cls, text: str) -> SignerKey:
        """A key of its text, in the form of golang.org/x/mod/sumdb/note. Raises ValueError."""
        name, _, rest = text.removeprefix(_PRIVATE).partition("+")
        number, _, material = rest.partition("+")
        content = decoded(material) if material else b""
        if not text.startswith(_PRIVATE) or not content or content[0] not in [*SignatureType]:
            raise ValueError("no private key of a signed note")
        key = cls(name, content[1:], SignatureType(content[0]))
        if key.verifier.id.hex() != number:
            raise ValueError("the id of the private key is not that of its name and public key")
        return key

    @property
    def text(self) -> str:
        """The private key itself, to be kept where nobody else reads it."""
        verifier = self.verifier
        return f"{_PRIVATE}{verifier.name}+{verifier.id.hex()}+{encoded(bytes([verifier.kind]) + self._seed)}"

    def sign(self, message: bytes) -> bytes:
        """A plain Ed25519 signature of a message."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"SignerKey({self.verifier.text})"
