"""Signed notes, as https://c2sp.org/signed-note has them: a text, an empty line, and who signed it, a line each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.chassis.transparency.base64_text import decoded, encoded
from services.chassis.transparency.cosignatures import cosigned, cosigned_at
from services.chassis.transparency.keys import SignatureType, SignerKey, VerifierKey, is_key_name

MOST_SIGNATURES: Final = 100
LARGEST_NOTE: Final = 1_000_000
"""Bytes of a note. Sixteen signatures must be accepted, and those of the kinds to come have almost 5 kB each."""
_BEFORE_NAME: Final = "— "
_ID_BYTES: Final = 4


class NoNote(ValueError):  # noqa: N818 - reads as what it is
    """A text that is no signed note; the message says why."""


class NotSigned(ValueError):  # noqa: N818 - reads as what was found
    """A note that no known key has signed, or that one of them has not although it bears its name."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A line of signature: the key by its name and id, and what it made of the text."""

    name: str
    id: bytes
    content: bytes

    @property
    def line(self) -> str:
        """The line, with its end."""
        return f"{_BEFORE_NAME}{self.name} {encoded(self.id + self.content)}\n"

    @classmethod
    def read(cls, line: str) -> Signature:
        """Of a line without its end. Raises NoNote."""
        name, _, text = line.removeprefix(_BEFORE_NAME).partition(" ")
        try:
            content = decoded(text)
        except ValueError:
            raise NoNote("the signature of a line is base64") from None
        if not line.startswith(_BEFORE_NAME) or not is_key_name(name) or len(content) <= _ID_BYTES:
            raise NoNote("a line of signature is: — name base64")
        return cls(name, content[:_ID_BYTES], content[_ID_BYTES:])


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that was found right, and when it was made in seconds since 1970, where its kind says so."""

    key: VerifierKey
    signature: Signature
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends with a line, and its signatures. Nothing of it may be believed before `verified` was asked."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def read(cls, content: bytes, most: int = LARGEST_NOTE) -> Note:
        """Of at most so many bytes. Raises NoNote."""
        if len(content) > most:
            raise NoNote(f"a note has at most {most:,} bytes")
        try:
            written = content.decode("utf-8")
        except UnicodeDecodeError:
            raise NoNote("a note is written in UTF-8") from None
        if any(letter < " " and letter != "\n" for letter in written):
            raise NoNote("a note has no control characters but the ends of its lines")
        text, empty_line, signed = written.rpartition("\n\n")
        if not empty_line or not signed.endswith("\n"):
            raise NoNote("a note ends with an empty line and lines of signature")
        lines = signed.removesuffix("\n").split("\n")
        if len(lines) > MOST_SIGNATURES:
            raise NoNote(f"a note has at most {MOST_SIGNATURES} signatures")
        return cls(f"{text}\n", tuple(Signature.read(line) for line in lines))

    @property
    def content(self) -> bytes:
        """The note as it is written."""
        return f"{self.text}\n{''.join(signature.line for signature in self.signatures)}".encode()

    def signed_by(self, key: SignerKey, at: int = 0) -> Note:
        """The note with one more signature, which says for cosignatures that it was made `at` seconds since 1970."""
        return Note(self.text, (*self.signatures, signature_of(self.text, key, at)))

    def verified(self, keys: Iterable[VerifierKey]) -> list[Verified]:
        """The signatures of these keys, the first of each. Raises NotSigned for a wrong one, and where there is none.

        Signatures of other keys are ignored, and so are keys whose way of signing is not known here.
        """
        known = {(key.name, key.id): key for key in keys if key.kind in [*SignatureType]}
        found: dict[tuple[str, bytes], Verified] = {}
        for signature in self.signatures:
            if (key := known.get((signature.name, signature.id))) is None or (signature.name, signature.id) in found:
                continue
            found[signature.name, signature.id] = _verified(key, signature, self.text)
        if not found:
            raise NotSigned("no known key has signed it")
        return list(found.values())


def signature_of(text: str, key: SignerKey, at: int = 0) -> Signature:
    """What a key makes of a text, in the way of its kind."""
    message = text.encode()
    verifier = key.verifier
    if verifier.kind == SignatureType.COSIGNATURE_V1:
        made = at.to_bytes(8, "big") + key.sign(cosigned(message, at))
    else:
        made = key.sign(message)
    return Signature(verifier.name, verifier.id, made)


def _verified(key: VerifierKey, signature: Signature, text: str) -> Verified:
    message, content, timestamp = text.encode(), signature.content, None
    if key.kind == SignatureType.COSIGNATURE_V1:
        try:
            timestamp, content = cosigned_at(content)
        except ValueError as failure:
            raise NotSigned(f"{key.name}: {failure}") from None
        message = cosigned(message, timestamp)
    if not key.verifies(content, message):
        raise NotSigned(f"the signature of {key.name} is wrong")
    return Verified(key, signature, timestamp)
