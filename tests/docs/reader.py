"""A reader of README.md: pastes its blocks, in order, into one shell beside a sandbox that was just started."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.docs.pages import Step
from tests.journeys.sandbox import environment, sandbox

SECONDS: Final = 100
_MARK: Final = "=-=-= end of block"


@dataclass(frozen=True, slots=True)
class Pasted:
    """What came of a block: all that it printed, and each command in it that failed, as `status command`."""

    printed: str
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the sandbox said at its start, and what came of each block, by the line on which it begins."""

    said: str
    pasted: dict[int, Pasted]


@contextmanager
def reading(directory: Path, steps: list[Step]) -> Iterator[Reading]:
    """Pastes the blocks into a shell. The port and the data directory are the only things changed: by environment."""
    with sandbox(directory / "var") as (program, _):
        said = program.said
        home = directory / "clone"
        home.mkdir()
        # Where `make run` leaves the command, is the environment that the tests run in.
        (home / ".venv").symlink_to(sys.prefix)
        ended = subprocess.run(
            ["/bin/bash", "-c", _script(steps)],
            cwd=home,
            env={**environment(directory / "var", program.port), "FAILED": str(directory / "failed")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert program.process.poll() is None, f"the sandbox ended on the way:\n{program.said}"
        printed = ended.stdout.split(_MARK + os.linesep)
        assert len(printed) == len(steps) + 1, f"the shell ended before the last block:\n{ended.stdout}"
        yield Reading(
            said,
            {
                step.commands.line: Pasted(text, _failed(directory, step))
                for step, text in zip(steps, printed, strict=False)
            },
        )


def _script(steps: list[Step]) -> str:
    # Bash, since it tells of every command that fails; what is pasted runs in any shell.
    lines = ["set -u -E -o pipefail"]
    for step in steps:
        lines.append(f'trap \'echo "$? $BASH_COMMAND" >>"$FAILED.{step.commands.line}"\' ERR')
        lines += [step.commands.text, "trap - ERR", f"echo '{_MARK}'"]
    return "\n".join(lines)


def _failed(directory: Path, step: Step) -> tuple[str, ...]:
    file = directory / f"failed.{step.commands.line}"
    return tuple(file.read_text(encoding="utf-8").splitlines()) if file.exists() else ()
