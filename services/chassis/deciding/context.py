"""What a decision rests on, declared as data: which streams a command needs, and what the domain makes of them.

A service writes one `Contexts` per kind of command. The handler reads what it names: for a stream that is new, or whose
fold is kept from the last command, everything in one round trip; for any other the stream itself first, and then all
that follows from its state in one more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

from services.chassis.deciding.streams import Needed, Reads
from services.chassis.modelling.decider import Entity

S = TypeVar("S")
C_contra = TypeVar("C_contra", contravariant=True)
S_contra = TypeVar("S_contra", contravariant=True)
X = TypeVar("X")

__all__ = ["Contexts", "Needed", "OwnState", "load"]

NOTHING: Mapping[str, Any] = {}
"""No streams, or no references."""


class Contexts(Protocol[C_contra, S_contra, X]):
    """The contexts of one kind of command: `S` is the state of the command's own stream, `X` the domain's context."""

    def needs(self, command: C_contra, own: S_contra, /) -> Mapping[str, Needed]:
        """The streams that a command rests on beside its own, by names of the service's choice.

        Pure, and cheap: it is asked with what is known of the own stream before anything is read, which may be its
        initial state, and again if that turns out to have moved. A stream that only the first answer names is read
        in vain and harms nothing.
        """

    async def make(self, command: C_contra, stream: str, own: S_contra, found: Mapping[str, Any], reads: Reads, /) -> X:
        """The context, from the states that `needs` named; `reads` is for the few that follow only from those."""

    def references(self, command: C_contra, context: X, /) -> Mapping[str, str | None]:
        """What goes into the metadata of the command's events, by the names that the service gave to EventTypes."""


class OwnState(Generic[S]):
    """The contexts of an entity that is decided on its own state alone."""

    def needs(self, _command: object, _own: S, /) -> Mapping[str, Needed]:
        """Nothing else."""
        return NOTHING

    async def make(self, _command: object, _stream: str, own: S, _found: Mapping[str, Any], _reads: Reads, /) -> S:
        """The state itself."""
        return own

    def references(self, _command: object, _context: S, /) -> Mapping[str, str | None]:
        """None."""
        return NOTHING


async def load(
    contexts: Contexts[C_contra, S, X], command: C_contra, stream: str, entity: Entity[S], reads: Reads
) -> X:
    """The context of a command on a stream; what has been read in advance is not read again."""
    own = await reads.state(stream, entity)
    # The guess was right for every new stream, and then neither asked again nor read.
    if (needs := reads.guessed(command, own)) is None:
        needs = contexts.needs(command, own)
    await reads.together(needs.values())
    found = {name: reads.seen(needed.stream, needed.entity) for name, needed in needs.items()}
    return await contexts.make(command, stream, own, found, reads)
