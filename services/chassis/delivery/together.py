"""Taking in the messages of a batch together: decided one after the other, and stored in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from contracts.message import Envelope
from services.chassis.deciding.row import Row
from services.chassis.deciding.streams import Streams
from services.chassis.engines.store_health import Unavailable
from services.chassis.modelling.decider import Entity

AT_A_STRETCH: Final = 20
"""Messages, after which others have a turn."""

Add = Callable[[Row, Envelope], Awaitable[None]]
Ahead = Callable[[Envelope], tuple[str, Entity[Any]] | None]
"""The stream that a message is likely to be decided on, as its envelope has it; None where it says nothing of that."""


def _nothing_ahead(_event: Envelope) -> None:
    return None


class ComesAlone(Exception):  # noqa: N818 - reads as what is so
    """What follows from a message rests on more than a row of decisions knows: it is taken in by itself."""


class Together:
    """Stores what follows from many messages in one append; what does not go that way is left to come alone."""

    def __init__(self, streams: Streams, add: Add, ahead: Ahead = _nothing_ahead) -> None:
        """`add` decides what follows from one message, and adds it to the row.

        The streams that `ahead` names are read at once; one that it does not name, or in vain, costs a read.
        """
        self._streams = streams
        self._add = add
        self._ahead = ahead

    async def __call__(self, events: Sequence[Envelope]) -> set[int]:
        """Which of the messages were taken, by their number from 0. Of a key none is taken behind one that was not.

        Raises Unavailable; what was stored is then unknown, and a repeat finds out.
        """
        row = Row(self._streams)
        await row.together(wanted for event in events if (wanted := self._ahead(event)) is not None)
        taken, left = set[int](), set[str]()
        for number, event in enumerate(events):
            if number % AT_A_STRETCH == AT_A_STRETCH - 1:
                await asyncio.sleep(0)
            if event.partitionkey in left:
                continue
            try:
                await self._add(row, event)
            except Unavailable:
                raise
            except Exception:  # noqa: BLE001 - it comes again alone, and then says what is wrong with it
                left.add(event.partitionkey)
            else:
                taken.add(number)
        try:
            await row.store()
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - a conflict, or an event that cannot be stored: which, each finds out alone
            return set()
        return taken
