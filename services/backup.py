"""What stands behind `caserelay backup` and `caserelay restore`: the files of a data directory in one archive.

Logs and vaults, the sandbox's clock and the development issuer's key: what cannot be made again. Indexes, snapshots,
places of consumers and the bus are made again from the logs, and so can disagree with nothing.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from contracts.audited import ACCESS
from services.backup_manifest import Manifest, Member
from services.chassis.engines.sqlite_moment import Unreadable, moment
from services.chassis.log.epochs_sqlite import begin_in_restored_file
from services.chassis.modelling.days import in_utc
from services.chassis.refused_start import RefusedStart
from services.chassis.settings import Settings
from services.chassis.time.clock import machine_now
from services.progress import Progress, Say, size_of

SERVICES: Final = ("referral", "casefile", "notifications")
STORES: Final = tuple(f"{log}-{store}.db" for store in ("vault", "log", "audit") for log in (*SERVICES, ACCESS))
"""In the order in which they are copied: while a vault is, what is erased from it leaves its traces beside it."""
PLAIN: Final = ("sandbox-clock.json", "issuer/ed25519.pem")
MEMBERS: Final = (*STORES, *PLAIN)
MADE_AGAIN: Final = (
    "bus.db",
    *(f"{service}-{store}.db" for service in SERVICES for store in ("index", "snapshots", "consumers", "lease")),
    "casefile-reports.db",
    f"{ACCESS}-index.db",
)
MANIFEST: Final = "manifest.json"
COMPRESSION: Final = 1
"""Of zlib. Logs shrink to an eighth at 100 MB/s; the most effort makes it a tenth, and takes four times as long."""
CHUNK: Final = 1 << 20
LARGEST_MANIFEST: Final = 1 << 16


class Refused(RefusedStart):
    """Nothing was backed up or restored; the text says why, in one line."""


def back_up(settings: Settings, file: Path, say: Say) -> Manifest:
    """Writes the files of the data directory, as they all stand at one moment, to an archive. Raises Refused.

    `file` appears complete or not at all, and only its owner can read it.
    """
    _need_files(settings)
    data = settings.data
    with _failures(f"{file} could not be written"):
        stores = _stores(data)
        if file.exists() or file.is_symlink():
            raise Refused(f"{file} already exists and is left unchanged; choose a new file for each backup")
        if file.absolute().parent.resolve().is_relative_to(data.resolve()):
            raise Refused(f"{file} is inside {data}, which is being backed up; choose a file elsewhere")
        for name in _strange(data):
            say(f"{name} is not a Caserelay file and is skipped")
        with _appearing(file) as (written, aside):
            manifest = _write(data, stores, written, aside, say)
    contents = f"{len(manifest.members)} files as of {_at(manifest)}, {size_of(file.stat().st_size)}"
    say(f"{file}: {contents}")
    say("It contains personal data: store it encrypted and elsewhere, and no longer than your retention period.")
    say(f"`caserelay restore {file}` puts it into an empty CASERELAY_DATA.")
    return manifest


def restore(settings: Settings, file: Path, say: Say) -> Manifest:
    """Puts the files of an archive into the data directory, which has to be empty. Raises Refused.

    Nothing is written before all of the archive was read and its digests agree.
    """
    _need_files(settings)
    data = settings.data
    with _failures(f"{file} could not be restored"):
        _need_empty(data)
        with _archive(file) as archive:
            manifest = _manifest(archive)
            for name, member in manifest.members.items():
                with archive.open(name) as source:
                    _expect(name, member, _digest(source, None, member.size, f"{name} checked", say))
            _put_back(archive, manifest, data, say)
    say(f"{data} is restored to {_at(manifest)}. Now:")
    if settings.kafka_servers is not None:
        say("- before the services start, delete and recreate their topics (docs/operating.md, Restore);")
    say("- have the logs signed again, in another epoch: `caserelay audit epoch --reason TEXT`;")
    say("- start the services: they publish and index their logs until `behind` in /readyz is 0;")
    say("- repeat the erasures made since the backup.")
    return manifest


def _need_files(settings: Settings) -> None:
    if settings.database_url is not None:
        raise Refused(
            "the data are in the database of CASERELAY_DATABASE_URL and not in files:"
            " use pg_dump and pg_restore, as docs/operating.md says"
        )


def _stores(data: Path) -> list[Path]:
    stores = [data / name for name in STORES if (data / name).is_file()]
    if not any(store.name.endswith("-log.db") for store in stores):
        raise Refused(
            f"{data} contains no service's log, so there is nothing to back up; set CASERELAY_DATA to another directory"
        )
    return stores


def _strange(data: Path) -> list[str]:
    known = {f"{name}{suffix}" for name in (*STORES, *MADE_AGAIN) for suffix in ("", "-wal", "-shm", "-journal")}
    found = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}
    return sorted(found - known - {*PLAIN})


def _write(data: Path, stores: Sequence[Path], written: IO[bytes], aside: Path, say: Say) -> Manifest:
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        members: dict[str, Member] = {}
        with moment(stores) as held:
            made_at = machine_now()
            # At once: the clock may be moved again before the stores are copied, and is nothing to them if it lags.
            plain = {name: (data / name).read_bytes() for name in PLAIN if (data / name).is_file()}
            for store in stores:
                copied = Progress(f"{store.name} copied", say)
                copy = aside / store.name
                held.copy(store, copy, copied.report)
                with copy.open("rb") as source:
                    size = copy.stat().st_size
                    members[store.name] = _add(archive, store.name, made_at, source, size, say)
                copy.unlink()
        for name, content in plain.items():
            members[name] = _add(archive, name, made_at, io.BytesIO(content), len(content), say)
        manifest = Manifest(caserelay=version("caserelay"), made_at=made_at, members=members)
        archive.writestr(_entry(MANIFEST, made_at), manifest.model_dump_json(indent=2))
    return manifest


def _add(archive: zipfile.ZipFile, name: str, at: datetime, source: IO[bytes], size: int, say: Say) -> Member:
    with archive.open(_entry(name, at), "w", force_zip64=True) as target:
        member = _digest(source, target, size, f"{name} written", say)
    say(f"{name}: {size_of(member.size)}")
    return member


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    # Anyone who unpacks it by hand makes no file that others can read.
    entry.external_attr = 0o100600 << 16
    return entry


@contextmanager
def _appearing(file: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """What to write, and a directory for what has to be set aside; then it is on the disk under the name."""
    parent = file.absolute().parent
    with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=parent) as directory:
        partial = Path(directory) / file.name
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "wb") as written:
            aside = Path(directory) / "stores"
            aside.mkdir(mode=0o700)
            yield written, aside
            written.flush()
            os.fsync(written.fileno())
        # Of two that chose the same name, one gets it.
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        partial.replace(file)
    _sync_directory(parent)


@contextmanager
def _archive(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    # NotImplementedError is the library's word for a compression that it does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as failure:
        raise Refused(f"{file} is damaged, incomplete or not a backup: {failure}; nothing was restored") from failure


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    name = archive.filename
    entries = archive.infolist()
    if any(entry.flag_bits & 1 or entry.compress_type != zipfile.ZIP_DEFLATED for entry in entries):
        raise Refused(f"{name} is encrypted, or was not written by `caserelay backup`; nothing was restored")
    holds = [entry.filename for entry in entries]
    if MANIFEST not in holds:
        raise Refused(f"{name} has no {MANIFEST}, so it is not a backup by `caserelay backup`; nothing was restored")
    with archive.open(MANIFEST) as source:
        text = source.read(LARGEST_MANIFEST)
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError:
        raise Refused(f"{name}: its {MANIFEST} is not supported by this version; nothing was restored") from None
    # Names are looked up among those that a backup has, and lead nowhere else.
    if set(manifest.members) - set(MEMBERS) or sorted(holds) != sorted([MANIFEST, *manifest.members]):
        raise Refused(f"{name} has missing, duplicate or unexpected files; nothing was restored")
    return manifest


def _put_back(archive: zipfile.ZipFile, manifest: Manifest, data: Path, say: Say) -> None:
    made = not data.exists()
    data.mkdir(parents=True, mode=0o700, exist_ok=True)
    # Inside, since the directory may be where a volume is mounted.
    partial = Path(tempfile.mkdtemp(prefix=".restoring-", dir=data))
    placed: list[Path] = []
    try:
        for name, member in manifest.members.items():
            _extract(archive, name, member, partial / name, say)
            if name.endswith("-log.db"):
                # What was recorded after the backup is not in it: cursors that stand behind that have to be told.
                begin_in_restored_file(partial / name)
        for directory in (partial, *(entry for entry in partial.iterdir() if entry.is_dir())):
            _sync_directory(directory)
        if _names(data) != [partial.name]:
            raise Refused(f"another process started using {data} in the meantime; nothing was restored")
        for entry in sorted(partial.iterdir()):
            placed.append(entry.rename(data / entry.name))  # noqa: PERF401 - known also if a later one fails
        _sync_directory(data)
    except BaseException:
        for entry in placed:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        shutil.rmtree(partial)
        if made:
            data.rmdir()
        raise
    partial.rmdir()


def _extract(archive: zipfile.ZipFile, name: str, member: Member, to: Path, say: Say) -> None:
    to.parent.mkdir(mode=0o700, exist_ok=True)
    with archive.open(name) as source, os.fdopen(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
        # Once more: somebody may have changed the archive since.
        _expect(name, member, _digest(source, out, member.size, f"{name} restored", say))
        out.flush()
        os.fsync(out.fileno())
    say(f"{name}: {size_of(member.size)}")


def _digest(source: IO[bytes], target: IO[bytes] | None, size: int, doing: str, say: Say) -> Member:
    """Carries all of it over, a piece at a time. What is longer than it should be is read no further."""
    digest, length, progress = hashlib.sha256(), 0, Progress(doing, say)
    while length <= size and (piece := source.read(CHUNK)):
        digest.update(piece)
        length += len(piece)
        if target is not None:
            target.write(piece)
        progress.report(length, size)
    return Member(size=length, sha256=digest.hexdigest())


def _expect(name: str, expected: Member, found: Member) -> None:
    if found != expected:
        raise Refused(f"the archive is damaged: {name} is not what its manifest says; nothing was restored")


def _need_empty(data: Path) -> None:
    try:
        there = _names(data)
    except FileNotFoundError:
        there = []
    except NotADirectoryError:
        raise Refused(f"{data} is not a directory; set CASERELAY_DATA to a directory") from None
    if users := _users(data):
        named = ", ".join(map(str, users))
        raise Refused(f"a running process uses {data} (process {named}): stop all services first")
    if any(name.startswith(".restoring-") for name in there):
        raise Refused(f"{data} is not empty because a restore was interrupted; empty it and restore again")
    if there:
        raise Refused(
            f"{data} is not empty ({there[0]}); move its files away, or set CASERELAY_DATA to another directory"
        )


def _names(data: Path) -> list[str]:
    # A new volume has the place where its file system puts what it finds.
    return sorted(entry.name for entry in data.iterdir() if entry.name != "lost+found" or not entry.is_dir())


def _users(data: Path) -> list[int]:
    """Processes that have files of the directory open, also deleted ones; only where the system tells."""
    found, within = [], f"{data.resolve()}{os.sep}"
    for process in Path("/proc").glob("[0-9]*"):
        try:
            opened = list((process / "fd").iterdir())
        except OSError:
            # It has ended, or is somebody else's.
            continue
        if any(name.startswith(within) and ".db" in name for name in map(_name_of, opened)):
            found.append(int(process.name))
    return sorted(found)


def _name_of(opened: Path) -> str:
    try:
        return str(opened.readlink())
    except OSError:
        # Closed meanwhile, which says nothing of what else the process has open.
        return ""


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _failures(what: str) -> Iterator[None]:
    try:
        yield
    except Unreadable as failure:
        raise Refused(str(failure)) from failure
    except sqlite3.Error as failure:
        raise Refused(f"{what}: {failure}") from failure
    except FileExistsError as failure:
        raise Refused(f"{what}: another process created it in the meantime") from failure
    except OSError as failure:
        hint = "; free some space and try again" if failure.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise Refused(f"{what}: {failure.strerror or failure}{hint}") from failure


def _at(manifest: Manifest) -> str:
    return in_utc(manifest.made_at, "seconds")
