"""How the clients of Kafka wait for their sockets."""

from __future__ import annotations

import selectors
from typing import Final, Protocol

_CLOSED: Final = -1


class Numbered(Protocol):
    """A file or socket that has a number, as those have that the system waits for."""

    def fileno(self) -> int:
        """The number; -1 once it is closed."""


class Selector(selectors.DefaultSelector):
    """Looks up a socket by its number.

    The client asks for a socket's key before every wait, and mostly there is none. The error says so with the socket
    in words, for which the system is asked for both of its addresses, twice; with its number it costs nothing.
    """

    def get_key(self, fileobj: int | Numbered) -> selectors.SelectorKey:
        """See `selectors.BaseSelector.get_key`. Raises KeyError for what is not registered."""
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        # One that was closed is found by itself alone.
        return super().get_key(fileobj if number == _CLOSED else number)
