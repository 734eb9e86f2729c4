"""The private key of a witness, in a file of its owner alone, in the form of golang.org/x/mod/sumdb/note."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from services.chassis.engines.durable_file import sync_directory
from services.chassis.refused_start import RefusedStart
from services.chassis.transparency.keys import SEED_BYTES, SignatureType, SignerKey


class RefusedKeyFile(RefusedStart):
    """The file of the key cannot be used; the message says why, and nothing of what is in it."""


def read_or_draw(file: Path, name: str | None) -> SignerKey:
    """The key in the file; where there is no such file, one that is drawn now. Raises RefusedKeyFile.

    `name` is what a key that is drawn is called; without it a name that is nobody else's.
    """
    try:
        if (content := _content(file)) is None:
            _draw(file, name or f"caserelay.invalid/witness/{secrets.token_hex(4)}")
            content = file.read_text(encoding="ascii")
    except OSError as failure:
        raise RefusedKeyFile(f"--key: {file} cannot be read or written ({failure.strerror})") from None
    except ValueError as failure:
        raise RefusedKeyFile(f"--key: {failure}") from None
    try:
        key = SignerKey.read(content.strip())
    except ValueError:
        raise RefusedKeyFile(f"--key: {file} holds no private key of a witness") from None
    if key.verifier.kind != SignatureType.COSIGNATURE_V1:
        raise RefusedKeyFile(f"--key: {file} holds a key of another kind than witnesses cosign with")
    if name not in (None, key.verifier.name):
        raise RefusedKeyFile(f"--name: the key in {file} is called {key.verifier.name}")
    return key


def _content(file: Path) -> str | None:
    try:
        return file.read_bytes().decode("ascii", "replace")
    except FileNotFoundError:
        return None


def _draw(file: Path, name: str) -> None:
    key = SignerKey(name, secrets.token_bytes(SEED_BYTES), SignatureType.COSIGNATURE_V1)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = file.with_name(f"{file.name}.new-{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as writing:
            writing.write(f"{key.text}\n")
            writing.flush()
            os.fsync(writing.fileno())
        try:
            # Of two that draw one at the same moment the first has drawn it for both.
            os.link(aside, file)
        except FileExistsError:
            return
    finally:
        aside.unlink(missing_ok=True)
    sync_directory(file.parent)
