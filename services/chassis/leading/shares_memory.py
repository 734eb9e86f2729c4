"""Shares in memory, for tests and experiments: all who share are in one process."""

from __future__ import annotations

import time

from services.chassis.leading.shares import Claimed, fair_part


class MemorySharesContents:
    """Who is there until when, and who has which part, by the machine's clock."""

    def __init__(self) -> None:
        self.members: dict[str, float] = {}
        self.parts: dict[int, str] = {}


class MemoryShares:
    """`Shares` in memory."""

    def __init__(self, contents: MemorySharesContents) -> None:
        self._all = contents

    async def claim(self, holder: str, parts: int, seconds: float) -> Claimed:
        """See `Shares.claim`."""
        members, now = self._all.members, time.monotonic()
        members[holder] = now + seconds
        for gone in [member for member, until in members.items() if until < now]:
            self._drop(gone)
        fair = fair_part(parts, len(members))
        mine = {part for part, having in self._all.parts.items() if having == holder}
        for part in range(parts):
            if len(mine) < fair and part not in self._all.parts:
                self._all.parts[part] = holder
                mine.add(part)
        return Claimed(frozenset(mine), fair)

    async def give_back(self, holder: str, part: int) -> None:
        """See `Shares.give_back`."""
        if self._all.parts.get(part) == holder:
            del self._all.parts[part]

    async def leave(self, holder: str) -> None:
        """See `Shares.leave`."""
        self._drop(holder)

    def _drop(self, holder: str) -> None:
        self._all.members.pop(holder, None)
        for part in [part for part, having in self._all.parts.items() if having == holder]:
            del self._all.parts[part]

    async def close(self) -> None:
        """See `Shares.close`."""
