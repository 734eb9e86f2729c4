"""The port of what a transparency log keeps: its entries, the tiles of its tree, its keys, and what it signed last.

Leaf hashes are stored when an event is taken in, and read from there ever after. An epoch is a tree of its own, with an
origin of its own: another one begins where the log was put back to an earlier time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from services.chassis.transparency.tiles import Place, Tile


class Begun(Struct, frozen=True):
    """An epoch of a transparency log as it begins.

    `origin` names it in checkpoints, and its key; `key` is that one, private; `log_epoch` is the epoch of the event log
    that it proves; `secret` is what the salts of entries follow from; `reason` is why it began.
    """

    origin: str
    key: str
    log_epoch: str
    secret: bytes
    reason: str


class Standing(Struct, frozen=True):
    """How far the newest epoch has come. `note` is the checkpoint that was signed last, empty before the first.

    `size` is the number of leaves, `through` the position of the last event among them, `signer` who may extend it.
    `earlier` are the origins of the epochs before, the newest first.
    """

    epoch: int
    origin: str
    log_epoch: str
    secret: bytes
    signer: str
    size: int = 0
    through: int = 0
    note: bytes = b""
    earlier: tuple[str, ...] = ()


class Added(NamedTuple):
    """An entry, with the position and the id of its event, by which it is found."""

    position: int
    event: str
    entry: bytes


class Growth(Struct, frozen=True):
    """What further events add: their entries, and the tiles that these change."""

    entries: Sequence[Added]
    tiles: Mapping[Place, bytes]


class AuditStore(Protocol):
    """What one service's transparency log keeps."""

    async def standing(self) -> Standing | None:
        """How far it has come; None where no epoch has begun."""

    async def begin(self, begun: Begun, *, after: int) -> bool:
        """Begins an epoch behind the one of this number (0: the first); False where another was begun meanwhile."""

    async def take_over(self, epoch: int, signer: str) -> None:
        """From now on only `signer` extends it: who could before, and still thinks so, cannot any more."""

    async def extend(self, standing: Standing, growth: Growth, sign: Callable[[], bytes]) -> bool:
        """Stores what was added and the checkpoint that `sign` makes, in one transaction.

        False, and nothing is stored or signed, where the log no longer stands as it is given, or has another signer.
        `sign` is called once nobody else can extend it; what it raises leaves everything as it was.
        """

    async def tiles(self, tiles: Sequence[Tile]) -> dict[Place, bytes]:
        """Those of these tiles that are there, at least as wide as asked for."""

    async def entries(self, first: int, count: int) -> list[bytes]:
        """The entries from the `first` leaf on, of the newest epoch."""

    async def cosigned(self) -> list[bytes]:
        """The checkpoints of the newest epoch that are kept with cosignatures of witnesses, the largest first."""

    async def keep_cosigned(self, epoch: int, size: int, note: bytes, stay: Sequence[int]) -> None:
        """Keeps a checkpoint of `size` leaves with its cosignatures; of others of the epoch only those in `stay`."""

    async def leaf_of(self, event: str) -> tuple[int, int] | None:
        """The leaf of an event of this id, and the position; None while it is not taken in."""

    async def keys(self, origin: str | None = None) -> list[str]:
        """All private keys, or those of an origin, the newest first."""

    async def add_key(self, key: str) -> None:
        """Has a further key, with which the newest epoch's checkpoints are signed from now on."""

    async def close(self) -> None:
        """Lets go of files and connections."""
