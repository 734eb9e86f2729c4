"""Commands of the product in processes of their own that start at once, as forks of one that has loaded the product.

Of a command that ends by itself, nine tenths of the time are the start of Python and its imports. A fork has its own
memory, environment, standard streams and exit status like any process; it does not come through the installed script,
which `tests.journeys.sandbox.run_as_installed` starts.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

LOADED: Final = [
    "services.cli",
    "services.sandbox.run",
    "services.bus_administration",
    "services.casefile.app",
    "services.casefile.replay",
    "services.notifications.app",
    "services.referral.app",
    __name__,
]
"""What the process from which all others are forked loads; it has no thread, no store and no loop."""
NAME: Final = "caserelay"

_forks: Final = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(LOADED)


def ended(arguments: Sequence[str], environment: Mapping[str, str], seconds: float) -> subprocess.CompletedProcess[str]:
    """What became of a command that ends by itself. Raises subprocess.TimeoutExpired where it does not in time."""
    command = [NAME, *arguments]
    with TemporaryDirectory() as directory:
        out, err = Path(directory) / "out", Path(directory) / "err"
        process = _forks.Process(target=_main, args=(command, dict(environment), out, err))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(command, seconds)
        status = process.exitcode
        process.close()
        return subprocess.CompletedProcess(command, status, *(file.read_text(encoding="utf-8") for file in (out, err)))


def _main(command: list[str], environment: dict[str, str], out: Path, err: Path) -> None:
    """The command itself, in the fork."""
    for file, stream in ((out, 1), (err, 2)):
        written = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(written, stream)
        os.close(written)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = command
    # Late: who starts a command does not load it.
    from services.cli import main  # noqa: PLC0415

    main(prog_name=NAME)
