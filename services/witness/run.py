"""Runs a witness until a signal stops it, or has it look at a service once."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.chassis.operating.telemetry import Telemetry, configure_logging
from services.chassis.settings import Settings
from services.serve import RefusedAddress, address, listen, serve_app
from services.witness.app import application
from services.witness.cosigner import Cosigner, log_keys
from services.witness.following import Follower, RefusedToFollow
from services.witness.key_file import read_or_draw
from services.witness.records import Records

DEFAULT_ADDRESS: Final = "127.0.0.1:8641"
_ADDRESS: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+)):([0-9]{1,5})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Duty:
    """What a witness is to do. `follow`: the service that is polled `every` so many seconds, with this `token`."""

    logs: tuple[str, ...]
    key: Path
    name: str | None = None
    listen: str = DEFAULT_ADDRESS
    follow: str | None = None
    token: Path | None = None
    every: float = 60.0

    @property
    def records(self) -> Path:
        """The directory of what it keeps, beside its key."""
        return self.key.with_name(f"{self.key.name}.witnessed")


def run_witness(settings: Settings, duty: Duty, say: Callable[[str], object], *, once: bool = False) -> int:
    """Returns the exit status: 0, or 1 where it could not serve or a log was found to contradict itself.

    Raises RefusedStart when something that it is given cannot be used, and with `once` where a service does not answer.
    """
    configure_logging(settings.log_level)
    logs, key = log_keys(duty.logs), read_or_draw(duty.key, duty.name)
    with contextlib.closing(Records(duty.records)) as records:

        def report(line: str) -> None:
            # Where nobody reads it any more, it is in its file all the same, and requests are answered.
            with contextlib.suppress(OSError):
                say(line)

        cosigner = Cosigner(key, logs, records, say=report)
        follower = None
        if duty.follow is not None and duty.token is not None:
            follower = Follower(cosigner, duty.follow, duty.token, report)
        say(key.verifier.text)
        if once:
            return _look_once(cosigner, follower)
        return _serve(settings, duty, cosigner, follower, say)


def _look_once(cosigner: Cosigner, follower: Follower | None) -> int:
    if follower is None:
        raise RefusedToFollow("--once: name the service by --follow and --token")
    asyncio.run(follower.poll())
    if any(cosigner.findings(origin) for origin in cosigner.origins):
        return 1
    if follower.failing:
        raise RefusedToFollow("not every log was cosigned")
    return 0


def _serve(
    settings: Settings, duty: Duty, cosigner: Cosigner, follower: Follower | None, say: Callable[[str], object]
) -> int:
    if (given := _ADDRESS.fullmatch(duty.listen)) is None or int(given[3]) > 65_535:
        raise RefusedAddress("--listen: give an address and a port, such as 127.0.0.1:8641 or [::1]:8641")
    here = settings.model_copy(update={"host": given[1] or given[2], "port": int(given[3])})

    @contextlib.asynccontextmanager
    async def beside() -> AsyncIterator[None]:
        task = asyncio.create_task(follower.go_on(duty.every)) if follower is not None else None
        yield
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    try:
        on = listen(here)
    except RefusedAddress:
        raise RefusedAddress(f"--listen: {duty.listen} cannot be listened on; give another address or port") from None
    with on:
        say(f"listening on http://{address(here, on)}")
        failing = follower.failing if follower is not None else {}
        return serve_app(application(cosigner, failing, beside), here, on, Telemetry(), lambda: None)
