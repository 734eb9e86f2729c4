"""Tiles of a tree and bundles of its entries, as https://c2sp.org/tlog-tiles lays them out.

A tile is a run of up to 256 hashes; at level L each is that of a complete subtree of 256**L leaves. A full tile never
changes, and its own hash stands in the tile above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from services.chassis.transparency.merkle import HASH_BYTES, Node, nodes_hash

HEIGHT: Final = 8
"""Levels of the tree that a tile spans."""
WIDTH: Final = 1 << HEIGHT
"""Hashes of a full tile, and entries of a full bundle."""
LONGEST_ENTRY: Final = 2**16 - 1
_ENTRIES: Final = "entries"
_PATH: Final = re.compile(
    rf"({_ENTRIES}|0|[1-9][0-9]?)/((?:x[0-9]{{3}}/)*[0-9]{{3}})(?:\.p/([1-9][0-9]{{0,2}}))?", re.ASCII
)
_LONGEST_PATH: Final = 60


Place = tuple[int, int]
"""Level and number of a tile."""


class Tile(NamedTuple):
    """The `number`-th tile of a level, with its first `width` hashes. At level ENTRIES it is a bundle of entries."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def place(self) -> Place:
        """Where it is, whatever its width."""
        return self.level, self.number

    @property
    def path(self) -> str:
        """What stands behind `tile/` in its URL."""
        groups = [f"{self.number % 1000:03}"]
        rest = self.number // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        level = _ENTRIES if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{level}/{'/'.join(reversed(groups))}{partial}"

    @classmethod
    def at(cls, path: str) -> Tile:
        """The tile of a path; only the one spelling that the specification gives it counts. Raises ValueError."""
        if len(path) > _LONGEST_PATH or (found := _PATH.fullmatch(path)) is None:
            raise ValueError("no path of a tile")
        level, number, width = found.groups()
        tile = cls(
            ENTRIES if level == _ENTRIES else int(level),
            int(number.replace("/", "").replace("x", "")),
            int(width) if width else WIDTH,
        )
        if tile.path != path or tile.level > 63 or (width and tile.width >= WIDTH):
            raise ValueError("no path of a tile")
        return tile

    def in_tree(self, size: int) -> bool:
        """Whether a tree of `size` leaves has this tile, if it was full at some time or is partly filled so far."""
        below = size >> (HEIGHT * max(self.level, 0))
        return self.number * WIDTH + self.width <= below


ENTRIES: Final = -1
"""The level at which a tile holds entries: its place is that of a tile of level 0."""


def tile_of(node: Node) -> Tile:
    """The narrowest tile from which the hash of a complete subtree follows."""
    level, above = divmod(node.level, HEIGHT)
    first = node.number << above
    number, offset = divmod(first, WIDTH)
    return Tile(level, number, offset + (1 << above))


def hash_in(tile: bytes, node: Node) -> bytes:
    """The hash of a complete subtree, from the tile that it follows from. Raises ValueError for a tile too narrow."""
    above = node.level % HEIGHT
    offset = (node.number << above) % WIDTH
    hashes = split(tile[offset * HASH_BYTES : (offset + (1 << above)) * HASH_BYTES])
    if len(hashes) != 1 << above:
        raise ValueError("the tile is narrower than it has to be")
    return complete(hashes)


def complete(hashes: Sequence[bytes]) -> bytes:
    """The hash of a complete subtree, of those of its parts, whose number is a power of two."""
    level = b"".join(hashes)
    while len(level) > HASH_BYTES:
        level = b"".join([nodes_hash(level[n : n + 2 * HASH_BYTES]) for n in range(0, len(level), 2 * HASH_BYTES)])
    return level


def split(tile: bytes) -> list[bytes]:
    """The hashes of a tile. Raises ValueError where it is not made of whole hashes."""
    if len(tile) % HASH_BYTES:
        raise ValueError(f"a tile is made of hashes of {HASH_BYTES} bytes")
    return [tile[n : n + HASH_BYTES] for n in range(0, len(tile), HASH_BYTES)]


def tiles_for(nodes: Iterable[Node]) -> list[Tile]:
    """The tiles from which the hashes of complete subtrees follow, each once, as wide as it has to be."""
    widest: dict[Place, Tile] = {}
    for tile in map(tile_of, nodes):
        widest[tile.place] = max(widest.get(tile.place, tile), tile)
    return [*widest.values()]


def from_tiles(nodes: Iterable[Node], tiles: Mapping[Place, bytes]) -> list[bytes]:
    """The hashes of complete subtrees, from their tiles or wider ones. Raises KeyError for one that is not there."""
    return [hash_in(tiles[tile_of(node).place], node) for node in nodes]


def tiles_of(size: int) -> Iterator[Tile]:
    """All tiles of hashes of a tree, those of a level after one another; the last of each may be partial."""
    level = 0
    while (count := size >> (HEIGHT * level)) > 0:
        full, width = divmod(count, WIDTH)
        for number in range(full):
            yield Tile(level, number)
        if width:
            yield Tile(level, full, width)
        level += 1


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries as a bundle holds them, each behind its length. Raises ValueError for one that is too long."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > LONGEST_ENTRY:
            raise ValueError(f"an entry has at most {LONGEST_ENTRY} bytes")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def entries_of(bundled: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ValueError where it ends within one."""
    entries: list[bytes] = []
    place = 0
    while place < len(bundled):
        length = int.from_bytes(bundled[place : place + 2], "big")
        place += 2 + length
        if place > len(bundled):
            raise ValueError("the bundle ends within an entry")
        entries.append(bundled[place - length : place])
    return entries
