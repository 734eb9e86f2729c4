"""The tree of RFC 6962, section 2.1, written down as its definitions are: slow, and plain enough to be believed."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from services.chassis.transparency.merkle import Node


def mth(leaves: list[bytes]) -> bytes:
    """MTH(D[n]) of leaf hashes."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = largest_power_below(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: list[bytes]) -> list[bytes]:
    """PROOF(m, D[n]), which is defined for 0 < m < n."""
    return _subproof(m, leaves, whole=True)


def _subproof(m: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def largest_power_below(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def leaves_of(size: int) -> list[bytes]:
    """The leaf hashes of the entries "0", "1" and so on."""
    return [sha256(b"\x00" + str(n).encode()).digest() for n in range(size)]


class NaiveNodes:
    """Looks up complete subtrees of leaves."""

    def __init__(self, leaves: list[bytes]) -> None:
        self._leaves = leaves

    def __call__(self, nodes: Sequence[Node]) -> list[bytes]:
        """Each as MTH of its leaves."""
        return [mth(self._leaves[node.number << node.level : (node.number + 1) << node.level]) for node in nodes]
