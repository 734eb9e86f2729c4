"""Merkle trees of RFC 6962, section 2.1: their hashes, and what a proof is made of.

A tree is spoken of by ranges of its leaves: the hash of the leaves from `start` up to `end` is MTH(D[start:end]) there.
A range that a proof or a root needs falls into complete subtrees, whose hashes never change while the tree grows, and
which are therefore all that anybody needs to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256().digest()
"""The root of a tree without leaves."""
LARGEST_TREE: Final = 2**63 - 1
"""Leaves of the largest tree that the formats can speak of."""


class Node(NamedTuple):
    """A complete subtree of 2**level leaves, the `number`-th of its kind from the left."""

    level: int
    number: int


Range = tuple[int, int]
"""The leaves from the first number up to, and without, the second."""
ReadNodes = Callable[[Sequence[Node]], Sequence[bytes]]
"""Looks up the hashes of complete subtrees, in the order in which they are asked for."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a subtree whose two halves have these hashes."""
    return nodes_hash(left + right)


def nodes_hash(halves: bytes) -> bytes:
    """The same, of both hashes in one."""
    return sha256(b"\x01" + halves).digest()


def complete_subtrees(span: Range) -> Iterator[Node]:
    """The largest complete subtrees that make up a range, from left to right.

    A range begins where a subtree of its own size may begin, as all ranges of roots and proofs do.
    """
    start, end = span
    while start < end:
        level = (end - start).bit_length() - 1
        yield Node(level, start >> level)
        start += 1 << level


def joined(hashes: Sequence[bytes]) -> bytes:
    """The hash of a range, of those of its complete subtrees; a range without any is the empty tree."""
    if not hashes:
        return EMPTY_ROOT
    whole = hashes[-1]
    for left in reversed(hashes[:-1]):
        whole = node_hash(left, whole)
    return whole


def nodes_of(spans: Iterable[Range]) -> list[Node]:
    """All complete subtrees that make up some ranges."""
    return [node for span in spans for node in complete_subtrees(span)]


def range_hashes(spans: Sequence[Range], read: ReadNodes) -> list[bytes]:
    """The hash of each range; all that is needed is read at once."""
    hashes = iter(read(nodes_of(spans)))
    return [joined([next(hashes) for _ in complete_subtrees(span)]) for span in spans]


def root(size: int, read: ReadNodes) -> bytes:
    """The root of the tree of the first `size` leaves."""
    (whole,) = range_hashes([(0, size)], read)
    return whole


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """What an inclusion proof of a leaf lists, from its sibling up to the root's child (RFC 6962, section 2.1.1).

    Raises ValueError where the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    start, end = 0, size
    proof: list[Range] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append((middle, end))
            end = middle
        else:
            proof.append((start, middle))
            start = middle
    return proof[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """What a proof lists that a tree begins with an earlier one (RFC 6962, section 2.1.2).

    Of two equal trees, and of an empty one, there is nothing to prove. Raises ValueError where the first is larger.
    """
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {second} leaves does not begin with one of {first}")
    if first in (0, second):
        return []
    start, end = 0, second
    # The earlier root is known to who checks; the hash of its own rightmost part is not, unless it is all of it.
    known = True
    proof: list[Range] = []
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            proof.append((middle, end))
            end = middle
        else:
            proof.append((start, middle))
            start, known = middle, False
    if not known:
        proof.append((start, end))
    return proof[::-1]


def _split(size: int) -> int:
    """The largest power of two that is smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)
