"""A long file that is written in parts, so that who was killed goes on where they were.

Beside `FILE` is a directory `FILE.parts` until it is done. It holds the plan, which fixes what the file is made of, and
every part that is complete; a part appears at once or not at all. So a file that was interrupted however often is the
same, byte for byte, as one that was not.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import IO, Final

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import decode, encode
from msgspec.json import format as indented

from services.casefile.exports.contents import Basis
from services.chassis.refused_start import RefusedStart

PLAN: Final = "plan.json"
LOCK: Final = "lock"
PART: Final = ".part"
MANIFEST: Final = ".sha256"
CHUNK: Final = 1 << 20


class NotWritten(RefusedStart):
    """Nothing was written, or not all of it; the message says why, and what to do."""


class Order(Struct, frozen=True):
    """What somebody asks for, as it stands in the plan: another one is another file."""

    format: str
    table: str
    as_of: str | None
    known_at: str | None
    log: str
    """The epoch of the log."""
    version: str
    """Of the program, whose next one may write other sentences."""


class Plan(Struct, frozen=True):
    """What is asked for, and what it is made of, whatever is recorded meanwhile."""

    order: Order
    basis: Basis


class Piece:
    """A part under way, with what is in it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.cases = 0
        self.events = 0


class Parts:
    """The parts of a file, each named by a number that says where the next one begins."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self._directory = directory
        self.plan = plan

    @property
    def complete(self) -> Sequence[Path]:
        """The parts that are there, in order."""
        return sorted(path for path in self._directory.iterdir() if path.suffix == PART)

    @property
    def through(self) -> int:
        """The number of the last part; 0 where there is none."""
        return max((int(path.stem.partition("-")[0]) for path in self.complete), default=0)

    @property
    def counts(self) -> tuple[int, int]:
        """How many cases and events are in them."""
        named = [path.stem.split("-") for path in self.complete]
        return sum(int(cases) for _, cases, _ in named), sum(int(events) for _, _, events in named)

    @contextmanager
    def part(self, number: int) -> Iterator[Piece]:
        """The part that ends there. It counts once this is left without an error."""
        partial = self._directory / f"{number}.partial"
        with _renamed(partial, lambda: partial.with_name(f"{number:012}-{piece.cases}-{piece.events}{PART}")) as file:
            piece = Piece(file)
            yield piece

    def finish(self, file: Path, join: Callable[[Sequence[Path], IO[bytes]], object], about: str) -> str:
        """Puts the parts together, with a manifest beside the file; its digest. Then the parts are gone."""
        with appearing(file, self._directory) as written:
            join(self.complete, written)
            written.flush()
            digest = write_manifest(file, written, about, self._directory)
        # First under another name: a part that is gone must not be missed by who goes on.
        over = _over(file)
        self._directory.rename(over)
        _removed(over)
        return digest


@contextmanager
def parts_of(file: Path, order: Order, basis: Callable[[], Basis]) -> Iterator[Parts]:
    """The parts of a file, of this order or begun by the same one. Raises NotWritten."""
    directory = file.with_name(f"{file.name}.parts")
    _removed(_over(file))
    if not (directory / PLAN).exists():
        refuse_existing(file)
        _refuse_others(directory)
    directory.mkdir(mode=0o700, exist_ok=True)
    with _held(directory / LOCK, file):
        yield Parts(directory, _plan(directory, order, basis))


def refuse_existing(file: Path) -> None:
    """Raises NotWritten where there is such a file: nothing is overwritten."""
    if file.exists() or file.is_symlink():
        raise NotWritten(f"{file} already exists and is left unchanged; choose a new file for each export")


def _refuse_others(directory: Path) -> None:
    """Raises NotWritten for a directory that no export has made: it would be removed in the end."""
    if directory.exists() and any(path.name not in (LOCK, PLAN, _aside(PLAN)) for path in directory.iterdir()):
        raise NotWritten(f"{directory} has something else in it; move it away, or choose another file")


def _over(file: Path) -> Path:
    return file.with_name(f"{file.name}.parts.done")


def _removed(over: Path) -> None:
    # Two may remove it at once: that it is gone already is no failure.
    shutil.rmtree(over, ignore_errors=True)


@contextmanager
def _held(lock: Path, file: Path) -> Iterator[None]:
    with lock.open("ab") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotWritten(f"another process is writing {file}; let it finish, or stop it") from None
        yield


def _plan(directory: Path, order: Order, basis: Callable[[], Basis]) -> Plan:
    place = directory / PLAN
    for left in directory.glob("*.partial"):
        left.unlink()
    if not place.exists():
        plan = Plan(order, basis())
        with appearing(place, directory) as written:
            written.write(indented(encode(plan)))
        return plan
    try:
        plan = decode(place.read_bytes(), type=Plan)
    except (DecodeError, ValidationError):
        raise NotWritten(f"{place} cannot be read; remove {directory} to begin again") from None
    if plan.order != order:
        raise NotWritten(
            f"{directory} was begun by another command, version or log; give the same one to go on, or remove"
            " the directory to begin again"
        )
    return plan


@contextmanager
def appearing(file: Path, aside: Path | None = None) -> Iterator[IO[bytes]]:
    """What to write; then it is on the disk under the name, at once.

    `aside` is a directory of the writer's own where it is written before; without one it is written beside the file,
    under a name that nobody else has.
    """
    partial = aside / _aside(file.name) if aside is not None else file.with_name(f"{file.name}.{token_hex(4)}.partial")
    with _renamed(partial, lambda: file) as written:
        yield written


def _aside(name: str) -> str:
    return f"{name}.partial"


@contextmanager
def _renamed(partial: Path, named: Callable[[], Path]) -> Iterator[IO[bytes]]:
    # Whatever has the name already is somebody else's, and stays.
    opened = partial.open("x+b")
    try:
        with opened as written:
            yield written
            written.flush()
            os.fsync(written.fileno())
        place = partial.replace(named())
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync(place.parent)


def write_manifest(file: Path, written: IO[bytes], about: str, aside: Path | None = None) -> str:
    """Writes `FILE.sha256` beside a file under way, for `sha256sum --check`; the digest. `about` becomes comments."""
    digest = hashlib.sha256()
    written.seek(0)
    while piece := written.read(CHUNK):
        digest.update(piece)
    written.seek(0, os.SEEK_END)
    comments = "".join(f"# {line}".rstrip() + "\n" for line in about.splitlines())
    name = file.name
    if "\\" in name or "\n" in name:
        # As sha256sum has such names.
        name = name.replace("\\", "\\\\").replace("\n", "\\n")
        comments += "\\"
    with appearing(file.with_name(f"{file.name}{MANIFEST}"), aside) as manifest:
        manifest.write(f"{comments}{digest.hexdigest()}  {name}\n".encode())
    return digest.hexdigest()


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def failures(file: Path, *, resumable: bool) -> Iterator[None]:
    """Says what kept a file from being written. Raises NotWritten for it."""
    try:
        yield
    except OSError as failure:
        full = failure.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "; free some space and give the same command again" if full else ""
        if resumable and file.with_name(f"{file.name}.parts").exists():
            hint = f"{hint or '; give the same command again'}: it goes on where it was"
        raise NotWritten(f"{file} could not be written: {failure.strerror or failure}{hint}") from failure
