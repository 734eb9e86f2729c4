"""How subscriptions are spread over the processes that deliver: by shards, each owned by one process at a time."""

from __future__ import annotations

from typing import Final
from zlib import crc32

SHARDS: Final = 64
"""Fixed for ever while versions run beside one another: more processes than these would have nothing to do."""


def shard_of(subscription: str) -> int:
    """The shard that a subscription belongs to, the same in every process."""
    return crc32(subscription.encode()) % SHARDS
