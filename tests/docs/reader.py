"""A reader of README.md: pastes its blocks, in order, into one shell beside a sandbox that was just started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Final

from tests.docs.pages import ROOT, Step
from tests.journeys.sandbox import Program, environment, free_port

SECONDS: Final = 160
_MARK: Final = "=-=-= end of block"
_MAKE_RUN: Final = 'make() { [ "$*" = run ] && exec .venv/bin/caserelay sandbox; }'
"""As the Makefile has it, once everything is installed."""


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
def reading(directory: Path, steps: list[Step], start: str = "make run", **outside: str) -> Iterator[Reading]:
    """Pastes the blocks into a shell. The ports and the data directory are the only things changed: by environment.

    `start` is pasted into a shell of its own, and has to end with `make run`. `outside` are more variables for both.
    """
    home = _clone(directory)
    # What is installed already has to do: nothing is fetched.
    variables = {"HOOK_PORT": str(free_port()), "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **outside}
    command = ["env", *(f"{name}={value}" for name, value in variables.items()), "/bin/bash", "-c"]
    there = f"cd {quote(str(home))}"
    program = Program(directory / "var", f"{there}\n{_MAKE_RUN}\n{start}", command=command)
    try:
        program.wait_until_ready()
        ended = _pasted(
            [*command, f"{there}\n{_script(steps)}"],
            {**environment(directory / "var", program.port), "FAILED": str(directory / "failed")},
        )
        assert program.process.poll() is None, f"the sandbox ended on the way:\n{program.said}"
        printed = ended.split(_MARK + os.linesep)
        assert len(printed) == len(steps) + 1, f"the shell ended before the last block:\n{ended}"
        yield Reading(
            program.said,
            {
                step.commands.line: Pasted(text, _failed(directory, step))
                for step, text in zip(steps, printed, strict=False)
            },
        )
    finally:
        program.stop()


def _pasted(command: list[str], variables: dict[str, str]) -> str:
    shell = subprocess.Popen(
        command,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = shell.communicate(timeout=SECONDS)
        return printed
    finally:
        # What was started in the background ends with the shell, also where that took too long.
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()


def _clone(directory: Path) -> Path:
    home = directory / "clone"
    (home / "var").mkdir(parents=True)
    # Where `make run` leaves the command, is the environment that the tests run in.
    (home / ".venv").symlink_to(sys.prefix)
    (home / "deploy").symlink_to(ROOT / "deploy")
    return home


def _script(steps: list[Step]) -> str:
    # Bash, since it tells of every command that fails; what is pasted runs in any shell.
    lines = ["set -u -E -o pipefail", "trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    for step in steps:
        lines.append(f'trap \'echo "$? $BASH_COMMAND" >>"$FAILED.{step.commands.line}"\' ERR')
        lines += [step.commands.text, "trap - ERR", f"echo '{_MARK}'"]
    return "\n".join(lines)


def _failed(directory: Path, step: Step) -> tuple[str, ...]:
    file = directory / f"failed.{step.commands.line}"
    return tuple(file.read_text(encoding="utf-8").splitlines()) if file.exists() else ()
