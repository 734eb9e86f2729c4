"""The services as they are, but that nobody builds a transparency log: what it costs is measured next to this.

Run as a program it takes what `caserelay` takes.
"""

from __future__ import annotations

import asyncio
from typing import Final

from services import cli
from services.chassis.audit.builder import LogBuilder

IDLE_SECONDS: Final = 3600


async def _nothing_is_built(_: LogBuilder) -> None:
    await asyncio.sleep(IDLE_SECONDS)


def main() -> None:
    """Patches the builder before anything is started; a worker that is forked later has it so too."""
    # No setting turns it off.
    LogBuilder.round = _nothing_is_built  # type: ignore[method-assign, assignment]
    cli.main()
