"""The right edge of a tree that grows: all that its next leaves need to know of those before them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.chassis.transparency.merkle import HASH_BYTES, root
from services.chassis.transparency.tiles import HEIGHT, WIDTH, Place, Tile, complete, from_tiles, split


def edge_of(size: int) -> list[Tile]:
    """The last tile of each level of a tree, where it is partial."""
    edge: list[Tile] = []
    level = 0
    while (count := size >> (HEIGHT * level)) > 0:
        number, width = divmod(count, WIDTH)
        if width:
            edge.append(Tile(level, number, width))
        level += 1
    return edge


class RightEdge:
    """The partial tiles of a tree of `size` leaves, and those that its leaves have changed since `taken`."""

    def __init__(self, size: int, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """`tiles` are those of `edge_of`. Raises ValueError where one is not as wide as it has to be."""
        self.size = size
        self._levels: list[list[bytes]] = []
        self._filled: dict[Place, bytes] = {}
        self._touched: set[int] = set()
        for tile, content in tiles:
            hashes = split(content[: tile.width * HASH_BYTES])
            if len(hashes) != tile.width:
                raise ValueError(f"tile {tile.path} is narrower than it has to be")
            self._reach(tile.level)
            self._levels[tile.level] = hashes

    def _reach(self, level: int) -> None:
        while len(self._levels) <= level:
            self._levels.append([])

    def append(self, leaf: bytes) -> None:
        """Takes in the hash of the next leaf."""
        self.extend((leaf,))

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Takes in the hashes of the next leaves."""
        taken = 0
        while taken < len(leaves):
            self._reach(0)
            room = WIDTH - len(self._levels[0])
            some = leaves[taken : taken + room]
            self._levels[0] += some
            self._touched.add(0)
            taken += len(some)
            self.size += len(some)
            self._rise()

    def _rise(self) -> None:
        level = 0
        while len(hashes := self._levels[level]) == WIDTH:
            number = (self.size >> (HEIGHT * (level + 1))) - 1
            self._filled[level, number] = b"".join(hashes)
            rising = complete(hashes)
            hashes.clear()
            level += 1
            self._reach(level)
            self._levels[level].append(rising)
            self._touched.add(level)

    def taken(self) -> dict[Place, bytes]:
        """The tiles that have changed, full ones and those of the edge as they are now; from now on only later ones."""
        filled, self._filled = self._filled, {}
        touched, self._touched = self._touched, set()
        return filled | {tile.place: content for tile, content in self.partial if tile.level in touched}

    @property
    def partial(self) -> list[tuple[Tile, bytes]]:
        """The tiles of the edge as they are now."""
        return [(tile, b"".join(self._levels[tile.level])) for tile in edge_of(self.size)]

    @property
    def root(self) -> bytes:
        """The root of the tree, which follows from its edge."""
        tiles = {tile.place: content for tile, content in self.partial}
        return root(self.size, lambda nodes: from_tiles(nodes, tiles))
