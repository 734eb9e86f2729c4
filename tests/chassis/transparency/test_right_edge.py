"""A tree grows at its right edge, leaf by leaf, and leaves tiles behind that never change again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.transparency.right_edge import RightEdge, edge_of
from services.chassis.transparency.tiles import Tile, tiles_of
from tests.chassis.transparency.naive_tree import leaves_of, mth

LEAVES = leaves_of(70_000)
SIZES = st.lists(st.integers(min_value=0, max_value=1100), min_size=1, max_size=5).map(sorted)


def grown(sizes: list[int]) -> dict[tuple[int, int], bytes]:
    """The tiles of a tree that has grown to one size after the other, each time from what was stored."""
    stored: dict[tuple[int, int], bytes] = {}
    before = 0
    for size in sizes:
        edge = RightEdge(before, [(tile, stored[tile.place]) for tile in edge_of(before)])
        for leaf in LEAVES[before:size]:
            edge.append(leaf)
        assert edge.root == mth(LEAVES[:size])
        stored |= edge.taken()
        assert edge.taken() == {}
        before = size
    return stored


def expected(size: int) -> dict[tuple[int, int], bytes]:
    """The tiles of a tree by their definition."""
    tiles: dict[tuple[int, int], bytes] = {}
    for tile in tiles_of(size):
        span, first = 256**tile.level, tile.number * 256
        hashes = (mth(LEAVES[n * span : (n + 1) * span]) for n in range(first, first + tile.width))
        tiles[tile.place] = b"".join(hashes)
    return tiles


@given(sizes=SIZES)
def test_a_tree_that_grows_in_steps_has_the_tiles_of_its_size(sizes: list[int]) -> None:
    """However it came to be so large, and the root that follows from its edge is its own."""
    assert grown(sizes) == expected(sizes[-1])


def test_tiles_rise_through_three_levels() -> None:
    """At 65,536 leaves the tile above is full as well."""
    assert grown([65_535, 65_536, 66_000]) == expected(66_000)


def test_the_edge_of_a_tree_are_its_partial_tiles() -> None:
    """A tree whose tiles are full up to a level has none there."""
    assert edge_of(0) == []
    assert edge_of(256) == [Tile(1, 0, 1)]
    assert edge_of(70_000) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]


def test_an_edge_that_is_too_narrow_is_noticed() -> None:
    """A store that lost a part of it must not make another tree of it."""
    with pytest.raises(ValueError, match="narrower"):
        RightEdge(3, [(Tile(0, 0, 3), b"".join(LEAVES[:2]))])
    with pytest.raises(ValueError, match="made of hashes"):
        RightEdge(3, [(Tile(0, 0, 3), b"".join(LEAVES[:3])[:-1])])
