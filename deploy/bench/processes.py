"""What Linux says of processes: who started whom, who answers on a port, what they have used, where they may run."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
PROC: Final = Path("/proc")
_GONE: Final = (FileNotFoundError, ProcessLookupError)
"""A process may end while it is looked at."""
_ESTABLISHED: Final = "01"
_STATE, _PARENT, _USED = 0, 1, slice(11, 15)
"""Fields of /proc/<pid>/stat behind the command; `_USED` is user and system time, and those of ended children."""


def _fields(pid: int, proc: Path) -> list[str]:
    # The command in brackets may hold anything, brackets too.
    return (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


def _pids(proc: Path) -> Iterator[int]:
    return (int(entry.name) for entry in proc.iterdir() if entry.name.isdigit())


def tree(root: int, proc: Path = PROC) -> list[int]:
    """A process with all its living descendants, parents before children."""
    children = dict[int, list[int]]()
    for pid in _pids(proc):
        with suppress(*_GONE):
            children.setdefault(int(_fields(pid, proc)[_PARENT]), []).append(pid)
    found = [root]
    for pid in found:
        found += sorted(children.get(pid, ()))
    return found


def processor_seconds(pids: Iterable[int], proc: Path = PROC) -> float:
    """Processor time of these processes, and of the children of theirs that have ended."""
    ticks = 0
    for pid in pids:
        with suppress(*_GONE):
            ticks += sum(map(int, _fields(pid, proc)[_USED]))
    return ticks / TICKS


def resident_megabytes(pids: Iterable[int], proc: Path = PROC) -> float:
    """Memory in RAM; what processes share counts for each of them."""
    return _kilobytes(pids, "status", "VmRSS:", proc) / 1024


def proportional_megabytes(pids: Iterable[int], proc: Path = PROC) -> float:
    """Memory in RAM; what processes share is divided among them."""
    return _kilobytes(pids, "smaps_rollup", "Pss:", proc) / 1024


def _kilobytes(pids: Iterable[int], file: str, name: str, proc: Path) -> int:
    found = 0
    for pid in pids:
        with suppress(*_GONE):
            told = (proc / str(pid) / file).read_text(encoding="utf-8", errors="replace").partition(f"\n{name}")[2]
            # One that has ended and was not waited for yet has no memory.
            found += int(told.split()[0]) if told else 0
    return found


def answering(pids: Iterable[int], port: int, proc: Path = PROC) -> list[int]:
    """Those that hold accepted connections of a port: one that only listens may have handed the socket on."""
    sockets = {f"socket:[{inode}]" for inode in _accepted(port, proc)}
    return [pid for pid in pids if not sockets.isdisjoint(_open(pid, proc))]


def _accepted(port: int, proc: Path) -> Iterator[str]:
    for name in ("tcp", "tcp6"):
        with suppress(*_GONE):
            for line in (proc / "net" / name).read_text(encoding="ascii").splitlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                if state == _ESTABLISHED and int(local.rpartition(":")[2], 16) == port:
                    yield inode


def _open(pid: int, proc: Path) -> set[str]:
    found = set[str]()
    with suppress(*_GONE):
        for descriptor in (proc / str(pid) / "fd").iterdir():
            with suppress(*_GONE):
                found.add(str(descriptor.readlink()))
    return found


def named(words: Collection[str], proc: Path = PROC) -> list[int]:
    """Processes whose command line has all these words in it."""
    found = []
    for pid in _pids(proc):
        with suppress(*_GONE):
            line = (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if all(word in line for word in words):
                found.append(pid)
    return found


def pin(pids: Iterable[int], cores: Collection[int]) -> None:
    """Lets all their threads run on these cores only; what they start later does as well."""
    for pid in pids:
        with suppress(*_GONE):
            for thread in (PROC / str(pid) / "task").iterdir():
                with suppress(*_GONE):
                    os.sched_setaffinity(int(thread.name), cores)
