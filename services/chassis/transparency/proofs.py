"""Checks proofs of inclusion and of consistency, as RFC 9162 describes it in sections 2.1.3.2 and 2.1.4.2.

A proof is a list of hashes of 32 bytes, as `services.chassis.transparency.merkle` says which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.chassis.transparency.merkle import HASH_BYTES, node_hash


class Unproven(ValueError):  # noqa: N818 - reads as what a proof turned out to be
    """A proof does not prove what it is given for; the message says in which way."""


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """That the tree of `size` leaves with this root has this leaf hash at `index`. Raises Unproven."""
    if not 0 <= index < size:
        raise Unproven(f"a tree of {size} leaves has no leaf {index}")
    _check_hashes(leaf, root, *proof)
    result = leaf
    for sibling, on_the_left in _climb(index, size - 1, proof):
        result = node_hash(sibling, result) if on_the_left else node_hash(result, sibling)
    if result != root:
        raise Unproven("the proof leads to another root")


def check_consistency(first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes) -> None:
    """That the tree of `second` leaves begins with all of the tree of `first` leaves. Raises Unproven.

    An empty tree is the beginning of every tree, so nothing is ever proven of it: that is refused as well.
    """
    if not 0 < first <= second:
        raise Unproven(f"nothing is proven of trees of {first} and {second} leaves")
    if first == second:
        if proof or first_root != second_root:
            raise Unproven("trees of one size have one root, and need no proof")
        return
    _check_hashes(first_root, second_root, *proof)
    if not proof:
        raise Unproven("the proof is empty")
    # The first tree, if complete, is itself the subtree that the proof begins with.
    begin, *steps = [first_root, *proof] if first & (first - 1) == 0 else proof
    number, last = first - 1, second - 1
    while number & 1:
        number >>= 1
        last >>= 1
    old = new = begin
    for step, on_the_left in _climb(number, last, steps):
        if on_the_left:
            old, new = node_hash(step, old), node_hash(step, new)
        else:
            new = node_hash(new, step)
    if old != first_root:
        raise Unproven("the proof leads to another root of the first tree")
    if new != second_root:
        raise Unproven("the proof leads to another root of the second tree")


def _climb(number: int, last: int, steps: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each step of a proof, and whether it stands on the left of what is known, from a leaf to the root."""
    for step in steps:
        if last == 0:
            raise Unproven("the proof is longer than the tree is high")
        on_the_left = bool(number & 1) or number == last
        yield step, on_the_left
        while on_the_left and number and not number & 1:
            # At the right edge a subtree rises past levels at which it has no sibling.
            number >>= 1
            last >>= 1
        number >>= 1
        last >>= 1
    if last:
        raise Unproven("the proof is shorter than the tree is high")


def _check_hashes(*hashes: bytes) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise Unproven(f"a hash has {HASH_BYTES} bytes")
