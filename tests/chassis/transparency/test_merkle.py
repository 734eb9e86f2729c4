"""Merkle trees of RFC 6962: their hashes, and proofs made of them, next to the definitions as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.transparency.merkle import (
    EMPTY_ROOT,
    Node,
    complete_subtrees,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    range_hashes,
    root,
)
from services.chassis.transparency.proofs import Unproven, check_consistency, check_inclusion
from tests.chassis.transparency.naive_tree import NaiveNodes, leaves_of, mth, path, proof

SIZES = st.integers(min_value=1, max_value=300)
LEAVES = leaves_of(600)


def test_hashes_are_those_that_others_compute() -> None:
    """The values of rfc6962_test.go in transparency-dev/merkle, made with sha256sum there."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert node_hash(b"N123", b"N456").hex() == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"


def test_a_range_falls_into_its_largest_complete_subtrees() -> None:
    """Seven leaves are four, two and one; the last three of eight, begun at four, are two and one."""
    assert [*complete_subtrees((0, 7))] == [Node(2, 0), Node(1, 2), Node(0, 6)]
    assert [*complete_subtrees((4, 7))] == [Node(1, 2), Node(0, 6)]
    assert [*complete_subtrees((5, 5))] == []


@given(size=st.integers(min_value=0, max_value=600))
def test_roots_are_those_of_the_definition(size: int) -> None:
    """MTH, for the empty tree too."""
    assert root(size, NaiveNodes(LEAVES)) == mth(LEAVES[:size])


@given(st.data())
def test_inclusion_proofs_are_those_of_the_definition_and_hold(data: st.DataObject) -> None:
    """PATH; and any other leaf, place, size, root or proof is refused."""
    size = data.draw(SIZES)
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    made = range_hashes(inclusion_ranges(index, size), NaiveNodes(LEAVES))
    assert made == path(index, LEAVES[:size])
    whole = mth(LEAVES[:size])
    check_inclusion(index, size, LEAVES[index], made, whole)
    wrong = [
        (index, size, LEAVES[index + 1], made, whole),
        (index, size, LEAVES[index], made, mth(LEAVES[: size + 1])),
        (index, size, LEAVES[index], [*made, LEAVES[0]], whole),
        (index, size, LEAVES[index], [*made, b"short"], whole),
        (-1, size, LEAVES[index], made, whole),
        (size, size, LEAVES[index], made, whole),
    ]
    if made:
        wrong += [
            (index, size, LEAVES[index], made[:-1], whole),
            (index, size, LEAVES[index], [*made[:-1], LEAVES[599]], whole),
            (index ^ 1, size, LEAVES[index], made, whole),
        ]
    for arguments in wrong:
        with pytest.raises(Unproven):
            check_inclusion(*arguments)


@given(st.data())
def test_consistency_proofs_are_those_of_the_definition_and_hold(data: st.DataObject) -> None:
    """PROOF; and a beginning with another leaf, another end, or a proof with something more or less, is refused."""
    second = data.draw(st.integers(min_value=2, max_value=300))
    first = data.draw(st.integers(min_value=1, max_value=second - 1))
    made = range_hashes(consistency_ranges(first, second), NaiveNodes(LEAVES))
    assert made == proof(first, LEAVES[:second])
    roots = mth(LEAVES[:first]), mth(LEAVES[:second])
    check_consistency(first, second, made, *roots)
    changed = data.draw(st.integers(min_value=0, max_value=first - 1))
    other = [*LEAVES[:changed], LEAVES[599], *LEAVES[changed + 1 : first]]
    wrong = [
        (first, second, made, mth(other), roots[1]),
        (first, second, made, roots[0], mth(LEAVES[: second + 1])),
        (first, second, made[:-1], *roots),
        (first, second, [*made, LEAVES[0]], *roots),
        (first, second, [], *roots),
        (second, first, made, *roots),
        (0, second, made, *roots),
        (first, first, made, roots[0], roots[0]),
    ]
    for arguments in wrong:
        with pytest.raises(Unproven):
            check_consistency(*arguments)


def test_of_equal_trees_and_of_an_empty_one_there_is_nothing_to_prove() -> None:
    """The first holds, the second says nothing, so that nobody may rest on it."""
    assert consistency_ranges(5, 5) == []
    assert consistency_ranges(0, 5) == []
    check_consistency(5, 5, [], LEAVES[0], LEAVES[0])
    with pytest.raises(Unproven):
        check_consistency(5, 5, [], LEAVES[0], LEAVES[1])
    with pytest.raises(Unproven):
        check_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)


@pytest.mark.parametrize(("first", "second"), [(6, 5), (-1, 5)])
def test_no_tree_begins_with_a_larger_one(first: int, second: int) -> None:
    """Nor with what is no tree."""
    with pytest.raises(ValueError, match="does not begin"):
        consistency_ranges(first, second)


@pytest.mark.parametrize(("index", "size"), [(5, 5), (-1, 5), (0, 0)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    """Beyond the end, before the beginning, and in the empty tree."""
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_ranges(index, size)
