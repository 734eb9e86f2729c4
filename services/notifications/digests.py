r"""Hashes of where cases stand, in a form that anybody can compute who has the same cases.

Of a case: the SHA-256, in lower-case hexadecimal, of the UTF-8 text `<case>\n<state>\n<id of the last event>\n`. Of
several: the SHA-256 of their hashes, each with a `\n` behind it, in the order of the ids of the cases, by their UTF-8
bytes. Of none: that of nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256


def hash_of_case(case: str, state: str, last_event: str) -> str:
    """The hash of one case."""
    return sha256(f"{case}\n{state}\n{last_event}\n".encode()).hexdigest()


def hash_over(hashes: Mapping[str, str]) -> str:
    """The hash over all, from their hashes by their ids."""
    ordered = (hashes[case] for case in sorted(hashes, key=str.encode))
    return sha256("".join(f"{digest}\n" for digest in ordered).encode()).hexdigest()
