"""Begins an epoch of a transparency log: a tree, a key and an origin of its own."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Final

from services.chassis.audit.entries import SECRET_BYTES
from services.chassis.audit.store import AuditStore, Begun, Standing
from services.chassis.transparency.keys import SEED_BYTES, SignerKey

NOWHERE: Final = "caserelay.invalid"
"""What an origin begins with that nobody has set."""


def origin_of(base: str, log: str, epoch: int) -> str:
    """The origin of an epoch; the number is left out of the first."""
    return f"{base}/{log}" if epoch == 1 else f"{base}/{log}/{epoch}"


def epoch_of(origin: str, log: str) -> int:
    """The number of the epoch of a log that an origin names; 0 where it names none."""
    found = re.search(f"/{re.escape(log)}(?:/([1-9][0-9]{{0,3}}))?$", origin)
    return int(found[1] or 1) if found is not None else 0


def new_key(origin: str) -> str:
    """A private key of an origin, drawn by chance."""
    return SignerKey(origin, secrets.token_bytes(SEED_BYTES)).text


async def begin_first(store: AuditStore, log: str, log_epoch: str, base: str | None) -> None:
    """Begins the first epoch, unless somebody was first. `base`: the origin as it is set, without the log's name."""
    origin = origin_of(base or f"{NOWHERE}/{uuid.uuid4()}", log, 1)
    await store.begin(_begun(origin, log_epoch, "the first"), after=0)


def next_origin(standing: Standing, log: str, base: str | None) -> str:
    """The origin of the epoch behind the one that stands."""
    before = standing.origin.removesuffix(origin_of("", log, standing.epoch))
    return origin_of(base or before, log, standing.epoch + 1)


async def begin_next(
    store: AuditStore, standing: Standing, log: str, log_epoch: str, base: str | None, reason: str
) -> str | None:
    """Begins the epoch behind the one that stands; its origin, or None where somebody else was first."""
    origin = next_origin(standing, log, base)
    begun = await store.begin(_begun(origin, log_epoch, reason), after=standing.epoch)
    return origin if begun else None


def _begun(origin: str, log_epoch: str, reason: str) -> Begun:
    return Begun(origin, new_key(origin), log_epoch, secrets.token_bytes(SECRET_BYTES), reason)
