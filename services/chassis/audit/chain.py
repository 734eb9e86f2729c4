"""The hash chain of a stream: one value that stands for all of its events so far, for a quick look with `sha256sum`.

It proves nothing to anybody who keeps none of its values; what the log has signed does.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from services.chassis.log.metadata import Recorded

BEFORE_THE_FIRST: Final = "0" * 64


def chain_of(stream: Iterable[Recorded]) -> dict[int, str]:
    """The value behind each event of a stream, from the first on, by its version.

    The SHA-256 of the value before it and of the digest of its stored bytes, both in hexadecimal, one behind the
    other; so is the result.
    """
    value, values = BEFORE_THE_FIRST, dict[int, str]()
    for recorded in stream:
        value = sha256(f"{value}{recorded.digest}".encode()).hexdigest()
        values[recorded.version] = value
    return values
