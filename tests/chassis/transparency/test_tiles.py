"""Tiles, as https://c2sp.org/tlog-tiles lays them out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.transparency.merkle import (
    Node,
    consistency_ranges,
    inclusion_ranges,
    range_hashes,
    root,
)
from services.chassis.transparency.tiles import (
    ENTRIES,
    Tile,
    bundle,
    entries_of,
    from_tiles,
    hash_in,
    tiles_for,
    tiles_of,
)
from tests.chassis.transparency.naive_tree import leaves_of, mth, path, proof

LEAVES = leaves_of(1000)


def contents(tile: Tile) -> bytes:
    """A tile of LEAVES, as the specification defines it."""
    span = 256**tile.level
    first = tile.number * 256
    return b"".join(mth(LEAVES[n * span : (n + 1) * span]) for n in range(first, first + tile.width))


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("0/x001/x234/067", Tile(0, 1_234_067)),  # the example of the specification
        ("0/000", Tile(0, 0)),
        ("63/999.p/255", Tile(63, 999, 255)),
        ("1/x001/000.p/1", Tile(1, 1000, 1)),
        ("entries/x273/x000/000.p/112", Tile(ENTRIES, 273_000_000, 112)),
    ],
)
def test_the_number_of_a_tile_is_written_in_groups_of_three(path: str, tile: Tile) -> None:
    """All but the last with an x; a width only where the tile is partial."""
    assert tile.path == path
    assert Tile.at(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "0", "0/", "0/0", "0/1000", "0/x000/001", "00/000", "64/000", "-1/000", "0/001/002", "0/x001", "0/000.p/0",
        "0/000.p/256", "0/000.p/300", "0/000.p/01", "0/000.p/", "0/000/", "/0/000", "data/000",
        "0/\u0660\u0661\u0662", "0/000.p/\u0662",
        "0/000\n", "0/" + "x001/" * 30 + "000",
    ],
)  # fmt: skip
def test_no_other_spelling_is_a_tile(path: str) -> None:
    """Every tile has one address, so that it can be kept by it."""
    with pytest.raises(ValueError, match="no path of a tile"):
        Tile.at(path)


def test_a_tree_of_70000_leaves_has_the_tiles_of_the_specification() -> None:
    """The specification counts them: 273 full and a partial one of 112, a full and a partial one of 17, one of 1."""
    tiles = [*tiles_of(70_000)]
    assert [tile for tile in tiles if tile.level == 0] == [*(Tile(0, n) for n in range(273)), Tile(0, 273, 112)]
    assert [tile for tile in tiles if tile.level > 0] == [Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert [*tiles_of(256)] == [Tile(0, 0), Tile(1, 0, 1)]
    assert [*tiles_of(0)] == []


def test_a_tree_has_its_tiles_at_their_widths_and_narrower() -> None:
    """Partial ones of an earlier size stay there; no others are."""
    assert all(tile.in_tree(70_000) for tile in tiles_of(70_000))
    assert Tile(0, 273, 111).in_tree(70_000)
    assert Tile(ENTRIES, 273, 112).in_tree(70_000)
    assert not Tile(0, 273, 113).in_tree(70_000)
    assert not Tile(ENTRIES, 273).in_tree(70_000)
    assert not Tile(3, 0, 1).in_tree(70_000)
    assert not Tile(0, 0, 1).in_tree(0)


@given(st.data())
def test_all_proofs_follow_from_tiles(data: st.DataObject) -> None:
    """Of a tree of two levels of tiles; each tile is read once."""
    size = data.draw(st.integers(min_value=2, max_value=1000))

    def nodes(wanted: Sequence[Node]) -> list[bytes]:
        tiles = tiles_for(wanted)
        assert all(tile.in_tree(size) for tile in tiles)
        assert len({tile.place for tile in tiles}) == len(tiles)
        return from_tiles(wanted, {tile.place: contents(tile) for tile in tiles})

    assert root(size, nodes) == mth(LEAVES[:size])
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    first = data.draw(st.integers(min_value=1, max_value=size - 1))
    assert range_hashes(inclusion_ranges(index, size), nodes) == path(index, LEAVES[:size])
    assert range_hashes(consistency_ranges(first, size), nodes) == proof(first, LEAVES[:size])


def test_a_tile_that_is_too_narrow_is_noticed() -> None:
    """Its missing hashes are not taken for none."""
    with pytest.raises(ValueError, match="narrower"):
        hash_in(contents(Tile(0, 0, 3)), Node(2, 0))
    with pytest.raises(ValueError, match="made of hashes"):
        hash_in(contents(Tile(0, 0, 3))[:-1], Node(2, 0))


@given(entries=st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_holds_entries_behind_their_lengths(entries: list[bytes]) -> None:
    """Two bytes, the higher one first; and back."""
    bundled = bundle(entries)
    assert bundled == b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
    assert entries_of(bundled) == entries


def test_what_is_too_long_or_cut_off_is_no_entry() -> None:
    """65,535 bytes are the most that two bytes can say."""
    assert entries_of(bundle([b"x" * 65_535])) == [b"x" * 65_535]
    with pytest.raises(ValueError, match="65535"):
        bundle([b"x" * 65_536])
    for cut in (b"\x00", b"\x00\x02a"):
        with pytest.raises(ValueError, match="ends within"):
            entries_of(cut)
