"""The witnesses of a transparency log, and what each is known to hold of it: a log never signs less than that.

A witness is looked at before anything is signed, and where it does not answer then, before it is asked to cosign.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from services.chassis.audit.witness_client import Disputed, HoldsAnother, NotCosigned, WitnessClient
from services.chassis.audit.witness_policy import reachable
from services.chassis.transparency.add_checkpoint import AddCheckpoint
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.notes import Note, Signature
from services.chassis.transparency.trust_policy import TrustPolicy

ANSWER_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 2.0
"""How long the first signature of a process may be held up by witnesses that do not answer."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds that a witness is left alone which does not cosign, the first time and in the end."""
UNKNOWN_ROOT: Final = b""
"""In the place of a root that a witness does not tell: only its size is known."""

log = logging.getLogger(__name__)
Done = TypeVar("Done")
Prove = Callable[[int], Awaitable[tuple[bytes, ...]]]
"""The proof that the tree of the checkpoint begins with that of so many leaves."""


class Witness:
    """One of them: what it holds, as far as it has said so, and how long it is left alone."""

    def __init__(self, name: str, client: WitnessClient, first_pause: float = FIRST_PAUSE) -> None:
        """`first_pause` is how long it is left alone after its first failure, in seconds."""
        self.name = name
        self.client = client
        self.held: Checkpoint | None = None
        """The newest checkpoint that it was found to hold, which this process need not have asked it to cosign."""
        self.failing: str | None = None
        self._looked_at = ""
        self._size = 0
        self._first_pause = first_pause
        self._pause, self._until = first_pause, 0.0

    @property
    def rests(self) -> bool:
        """Whether it is left alone at the moment."""
        return time.monotonic() < self._until

    def look_again(self) -> None:
        """Others may have asked it meanwhile."""
        self._looked_at = ""

    async def look(self, origin: str, note: Note | None) -> None:
        """Finds out what it holds of a log. `note` is offered to one that shows nothing, so that it names its size.

        Raises NotCosigned.
        """
        if self._looked_at == origin:
            return
        self._size = 0
        shown = await self._kept(self.client.newest(origin))
        if shown is not None:
            self._hold(Checkpoint.read(shown.text))
        elif note is not None:
            try:
                await self._kept(self.client.add(AddCheckpoint(0, (), note)))
                self._size = Checkpoint.read(note.text).size
            except HoldsAnother as other:
                self._hold(Checkpoint(origin, other.size, UNKNOWN_ROOT))
            except Disputed:
                # The size was right, so it holds nothing, or the empty tree.
                pass
        self._looked_at = origin

    def _hold(self, checkpoint: Checkpoint) -> None:
        self._size = checkpoint.size
        if self.held is not None and self.held.origin == checkpoint.origin:
            # Of one size the one whose root is known tells more.
            known = (self.held.size, self.held.root != UNKNOWN_ROOT)
            if (checkpoint.size, checkpoint.root != UNKNOWN_ROOT) < known:
                return
        self.held = checkpoint

    async def cosign(self, note: Note, prove: Prove) -> Signature | None:
        """Its cosignature of a checkpoint; None where it holds what that checkpoint does not continue, see `held`.

        Raises NotCosigned.
        """
        checkpoint = Checkpoint.read(note.text)
        await self.look(checkpoint.origin, note)
        # What it was thought to hold, and what it says that it holds; others may ask it at the same moment.
        for _ in range(3):
            if self._size > checkpoint.size:
                break
            try:
                request = AddCheckpoint(self._size, await prove(self._size), note)
                signature = await self._kept(self.client.add(request))
            except HoldsAnother as other:
                self._hold(Checkpoint(checkpoint.origin, other.size, UNKNOWN_ROOT))
            except Disputed:
                break
            else:
                self._size, self._pause = checkpoint.size, self._first_pause
                if self.failing is not None:
                    self.failing = None
                    log.warning("a witness cosigns again", extra={"address": self.name})
                return signature
        self._looked_at = ""
        await self.look(checkpoint.origin, None)
        self.leave_alone("it holds another checkpoint")
        return None

    async def _kept(self, answer: Awaitable[Done]) -> Done:
        """An answer; one that failed is noted, and the witness left alone for a while."""
        try:
            return await answer
        except NotCosigned as failure:
            self.leave_alone(str(failure))
            raise

    def leave_alone(self, why: str) -> None:
        """For a while, which gets longer each time."""
        if self.failing != why:
            self.failing = why
            log.warning("a witness does not cosign", extra={"address": self.name, "failure": why})
        self._until = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)


async def shown_by(policy: TrustPolicy, origin: str, say: Callable[[str], object]) -> list[bytes]:
    """The checkpoints of a log that the witnesses of a policy show; `say` hears of those that do not answer."""
    shown: list[bytes] = []
    for name, party in reachable(policy).items():
        client = WitnessClient(party.key, party.url or "", ANSWER_SECONDS)
        try:
            note = await client.newest(origin)
        except NotCosigned as failure:
            say(f"the witness {name} does not answer ({failure}): nothing is compared with what it holds")
        else:
            shown += [note.content] if note is not None else []
        finally:
            await client.close()
    return shown


class Witnesses:
    """All of them, for one log."""

    def __init__(
        self, policy: TrustPolicy, *, answer_seconds: float = ANSWER_SECONDS, first_pause: float = FIRST_PAUSE
    ) -> None:
        self.policy = policy
        self.all = [
            Witness(name, WitnessClient(party.key, party.url or "", answer_seconds), first_pause)
            for name, party in reachable(policy).items()
        ]

    async def look(self, origin: str, note: bytes) -> None:
        """Looks at what they hold of a log whose `note` was signed last; returns after LOOK_SECONDS in any case."""
        signed = Note.read(note) if note else None
        for witness in self.all:
            witness.look_again()

        async def look(witness: Witness) -> None:
            with contextlib.suppress(NotCosigned):
                await witness.look(origin, signed)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await asyncio.gather(*(look(witness) for witness in self.all))

    def held(self, origin: str) -> list[Checkpoint]:
        """What they are known to hold of a log, but for the empty tree; a root may be UNKNOWN_ROOT."""
        found = (witness.held for witness in self.all)
        return [held for held in found if held is not None and held.origin == origin and held.size]

    async def shown(self, origin: str) -> list[bytes]:
        """The checkpoints of a log that they show at the moment; those that do not answer show none."""
        shown: list[bytes] = []
        for witness in self.all:
            with contextlib.suppress(NotCosigned):
                shown += [note.content] if (note := await witness.client.newest(origin)) is not None else []
        return shown

    async def close(self) -> None:
        """Lets go of all connections."""
        for witness in self.all:
            await witness.client.close()
