"""The transparency log of a service, put together: what builds it, what has it cosigned, and what reads it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from services.chassis.audit.builder import LogBuilder
from services.chassis.audit.cosigning import Cosigning
from services.chassis.audit.reader import AuditReader
from services.chassis.audit.remembered import RememberedCheckpoint
from services.chassis.audit.store import AuditStore
from services.chassis.audit.witness_policy import read_policy
from services.chassis.audit.witnesses import Witnesses
from services.chassis.log.epochs import Epochs
from services.chassis.log.event_log import EventLog


class TransparencyLog:
    """Of one event log. `origin`, `state` and `policy` are as the settings have them.

    `led` are its rounds of background work for the process that leads. Raises RefusedState, RefusedPolicy.
    """

    def __init__(
        self,
        log: EventLog,
        epochs: Epochs,
        store: AuditStore,
        origin: str | None,
        state: Path | None,
        policy: Path | None = None,
    ) -> None:
        remembered = RememberedCheckpoint(state, log.name) if state is not None else None
        trusts = read_policy(policy) if policy is not None else None
        self.store = store
        self._witnesses = Witnesses(trusts) if trusts is not None else None
        cosigning = Cosigning(store, self._witnesses) if self._witnesses is not None else None
        self.builder = LogBuilder(
            log,
            epochs.current.name,
            store,
            origin=origin,
            remembered=remembered,
            witnesses=self._witnesses,
            signed=cosigning.look if cosigning is not None else lambda: None,
        )
        self.reader = AuditReader(log, store, self.builder.hurry, trusts)
        self.led: dict[str, Callable[[], Awaitable[None]]] = {"audit": self.builder.round}
        if cosigning is not None:
            self.led["witnesses"] = cosigning.round

    async def close(self) -> None:
        """Lets go of files and connections."""
        if self._witnesses is not None:
            await self._witnesses.close()
        await self.store.close()
