"""`caserelay export`: a file with a manifest that others check, and all cases in one that goes on after a kill."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest

from services.casefile.exports.formats import FORMATS, Format
from services.casefile.exports.parts import NotWritten
from services.casefile.exports.replayed import Wanted, export_all, export_case
from services.casefile.exports.tables import TABLES
from services.casefile.reports.report import History
from services.chassis.settings import Settings
from tests.casefile.casebook import Casebook
from tests.casefile.cases import SERVICES, CaseContext
from tests.casefile.exports.histories import much_longer
from tests.casefile.reports.many import make_log, write_cases, write_history
from tests.faults.processes import PROGRAM
from tests.support.backups import caserelay
from tests.support.mounts import mounted
from tests.support.people import AUDITOR, LOTTE
from tests.support.repetitions import times
from tests.support.running import running

pytestmark = pytest.mark.on_files
CASES: Final = 90
KINDS: Final = tuple(FORMATS)


def story() -> History:
    """The happy path, to its end."""
    book = Casebook()
    book.closed()
    return History("case-C", book.history)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with so many cases."""
    directory = tmp_path_factory.mktemp("exports")
    asyncio.run(make_log(directory))
    write_cases(directory, [story()], CASES)
    return directory


def export(data: Path, kind: str, file: Path, **more: Any) -> tuple[int, int]:
    """All cases, in small parts; how many cases and events there are."""
    settings, wanted = Settings(data=data), Wanted(FORMATS[kind], TABLES["timeline"])
    written = asyncio.run(export_all(settings, wanted, file, lambda _: None, **{"streams_in_part": 7, **more}))
    assert written.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    return written.cases, written.events


def checked(file: Path, manifest: str | None = None) -> bool:
    """Whether `sha256sum` finds the file to be what its manifest says."""
    listed = ["/usr/bin/env", "sha256sum", "--check", "--strict", manifest or f"{file.name}.sha256"]
    return subprocess.run(listed, cwd=file.parent, capture_output=True, check=False).returncode == 0


async def an_exported_case(data: Path) -> tuple[str, dict[tuple[str, str], bytes]]:
    """A case, and its files as the API gives them to an auditor and to its organisation."""
    async with running(data, SERVICES) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        case = await context.brought_to("MENTORING")
        files = {}
        for kind in KINDS:
            for person in (AUDITOR, LOTTE):
                answer = await services.get(person, f"{case.path}/export", format=kind)
                files[kind, person.org] = answer.content
        return case.id, files


@pytest.mark.slow
def test_the_shell_writes_what_the_api_answers(tmp_path: Path) -> None:
    """Byte by byte, for an auditor and as an organisation sees it; and what is written can be checked."""
    data = tmp_path / "data"
    case, files = asyncio.run(an_exported_case(data))
    for (kind, organisation), content in files.items():
        file = tmp_path / f"{organisation}.{kind}"
        viewer = ("--viewer", organisation) if organisation == "brugwerk" else ()
        written = caserelay("export", case, "--format", kind, "-o", file, *viewer, "--json", data=data)
        assert written.status == 0, written
        assert file.read_bytes() == content, (kind, organisation)
        said = json.loads(written.out)
        assert said["sha256"] == hashlib.sha256(content).hexdigest()
        assert (said["cases"], said["file"], said["manifest"]) == (1, str(file), f"{file}.sha256")
        assert checked(file)
    manifest = (tmp_path / "brugwerk.csv.sha256").read_text()
    assert f"# caserelay export of case {case} as csv, table timeline" in manifest
    assert "/casefile\n" in manifest, "the checkpoint stands in it"
    (tmp_path / "brugwerk.csv").write_bytes(b"changed")
    assert not checked(tmp_path / "brugwerk.csv")


def test_what_cannot_be_written_is_refused_in_a_line(tmp_path: Path, data: Path) -> None:
    """No log, no such case, a file that is there, a directory that is not, both or neither of what to export."""
    file = tmp_path / "file.csv"
    as_csv = ("--format", "csv", "-o", file)
    assert caserelay("export", "no-such-case", *as_csv, data=data).status == 1
    caserelay("export", "--all", *as_csv, data=tmp_path / "none").refuses("there is no casefile log under")
    for wrong in ((), ("n0", "--all"), ("--all", "--viewer", "brugwerk")):
        assert caserelay("export", *wrong, *as_csv, data=data).status == 2
    assert not file.exists()
    file.write_text("mine")
    caserelay("export", "n0", *as_csv, data=data).refuses("already exists and is left unchanged")
    caserelay("export", "--all", *as_csv, data=data).refuses("already exists and is left unchanged")
    assert [path.name for path in tmp_path.iterdir()] == ["file.csv"]
    lost = tmp_path / "nowhere" / "file.csv"
    caserelay("export", "n0", "--format", "csv", "-o", lost, data=data).refuses("could not be written")


@pytest.mark.parametrize("kind", KINDS)
def test_all_cases_are_in_one_file(tmp_path: Path, data: Path, kind: str) -> None:
    """As tables one below the other; as documents and workbooks an archive, with a digest for each."""
    file = tmp_path / f"all.{FORMATS[kind].suffix_of_many}"
    events = len(story().records)
    assert export(data, kind, file) == (CASES, CASES * events)
    assert checked(file)
    assert {path.name for path in tmp_path.iterdir()} == {file.name, f"{file.name}.sha256"}
    if kind == "csv":
        lines = file.read_text().splitlines()
        assert len(lines) == 1 + CASES * events
        assert len({line.partition(",")[0] for line in lines[1:]}) == CASES
    if kind == "ndjson":
        cases = [json.loads(line)["case"] for line in file.read_text().splitlines()]
        assert cases == [f"n{number}" for number in range(CASES) for _ in range(events)]
    if kind == "parquet":
        assert pq.read_table(file).num_rows == CASES * events
    if kind in ("pdf", "xlsx"):
        with zipfile.ZipFile(file) as archive:
            assert len(archive.namelist()) == CASES + 1
            archive.extractall(tmp_path / "out")
        assert checked(tmp_path / "out" / "SHA256SUMS", "SHA256SUMS")


def test_what_is_recorded_meanwhile_is_not_in_a_file_that_was_begun(tmp_path: Path) -> None:
    """So that what was interrupted is the same as what was not."""
    own = tmp_path / "own"
    asyncio.run(make_log(own))
    write_cases(own, [story()], 20)
    whole, stopped = tmp_path / "whole.csv", tmp_path / "stopped.csv"
    export(own, "csv", whole)

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    settings, wanted = Settings(data=own), Wanted(FORMATS["csv"], TABLES["timeline"])
    with pytest.raises(KeyboardInterrupt):
        # It is stopped by what it says before it puts the parts together.
        asyncio.run(export_all(settings, wanted, stopped, stop, streams_in_part=7))
    assert not stopped.exists()
    write_history(own, History("case-later", story().records))
    with pytest.raises(NotWritten, match="begun by another command"):
        export(own, "ndjson", stopped)
    assert export(own, "csv", stopped) == (20, 20 * len(story().records))
    assert stopped.read_bytes() == whole.read_bytes()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log whose export takes some seconds."""
    directory = tmp_path_factory.mktemp("large")
    asyncio.run(make_log(directory))
    write_cases(directory, [story()], 2_500)
    return directory


def begun(data: Path, kind: str, file: Path) -> subprocess.Popen[bytes]:
    """The command in a process of its own; what it says is in a file beside its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CASERELAY_")}
    with file.with_suffix(".out").open("wb") as out:
        return subprocess.Popen(
            [PROGRAM, "export", "--all", "--format", kind, "-o", file],
            env=environment | {"CASERELAY_DATA": str(data)},
            stdout=out,
            stderr=out,
        )


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_who_was_killed_goes_on_and_the_file_is_the_same(tmp_path: Path, large: Path, kind: str) -> None:
    """Killed again and again, at other moments; byte by byte what one gets who never was."""
    whole, killed = tmp_path / f"whole.{kind}", tmp_path / f"killed.{kind}"
    process = begun(large, kind, whole)
    began = time.monotonic()
    assert process.wait(200) == 0, whole.with_suffix(".out").read_text()
    took = time.monotonic() - began
    kills = 0
    for share in (0.6, 0.8, 0.5, 0.7, 0.55)[: times(5)]:
        process = begun(large, kind, killed)
        try:
            process.wait(took * share)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            assert process.wait(10) == -signal.SIGKILL
            kills += 1
            assert not killed.exists()
    if not killed.exists():
        process = begun(large, kind, killed)
        status, said = process.wait(200), killed.with_suffix(".out").read_text()
        assert status == 0, said
        assert "going on behind" in said
    assert kills > 0
    assert killed.read_bytes() == whole.read_bytes()
    assert not killed.with_name(f"{killed.name}.parts").exists()
    assert checked(killed)


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.parametrize("kind", KINDS)
def test_on_a_full_disk_it_says_so_and_goes_on_when_there_is_room(tmp_path: Path, data: Path, kind: str) -> None:
    """One line and a status that is not 0; what was written is kept, and the file is the same in the end."""
    whole = tmp_path / "whole"
    export(data, kind, whole)
    small = max(256, whole.stat().st_size // 2048)
    with mounted(tmp_path / "disk", f"{small}k") as disk:
        file, filler = disk / "all", disk / "filler"
        filler.write_bytes(bytes(whole.stat().st_size // 5))
        with pytest.raises(NotWritten, match="No space left on device") as refused:
            export(data, kind, file)
        assert "free some space and give the same command again: it goes on where it was" in str(refused.value)
        assert not file.exists()
        assert file.with_name("all.parts").exists()
        assert not list(disk.rglob("*.partial"))
    with mounted(tmp_path / "larger", f"{small * 8}k") as disk:
        # The same on a disk that was full, and is not any more.
        file, filler = disk / "all", disk / "filler"
        filler.write_bytes(bytes(small * 8 * 1024 - whole.stat().st_size // 2))
        with pytest.raises(NotWritten):
            export(data, kind, file)
        filler.unlink()
        export(data, kind, file)
        assert file.read_bytes() == whole.read_bytes()


@pytest.fixture(scope="module")
def of_one_long_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of a case with more than 10,000 events."""
    directory = tmp_path_factory.mktemp("long")
    asyncio.run(make_log(directory))
    book = Casebook()
    book.mentoring()
    write_cases(directory, [History("case-C", much_longer(book, 10_000))], 1)
    return directory


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="how much memory a process had at most: Linux says it in /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_events_take_a_bounded_memory(tmp_path: Path, of_one_long_case: Path, kind: str) -> None:
    """Libraries included; and many cases take no more than one."""
    of_one = peak(of_one_long_case, kind, tmp_path / "one")
    assert of_one < 300
    if kind == "csv":
        directory = tmp_path / "many"
        asyncio.run(make_log(directory))
        write_cases(directory, [History("case-C", much_longer(Casebook().mentoring(), 1_000))], 40)
        assert peak(directory, kind, tmp_path / "many.csv") < of_one + 20


def peak(data: Path, kind: str, file: Path) -> float:
    """How many megabytes the command has at most."""
    # Of the system, since what `getrusage` counts includes the process that this one was forked from.
    program = (
        "import sys; from pathlib import Path; from services.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CASERELAY_")}
    done = subprocess.run(
        [sys.executable, "-c", program, "export", "--all", "--format", kind, "-o", str(file)],
        env=environment | {"CASERELAY_DATA": str(data)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout.split()[-1]) / 1024


def test_no_more_than_one_writes_a_file(tmp_path: Path, data: Path) -> None:
    """The second is told; once the first has ended, it goes on."""
    file = tmp_path / "all.csv"
    parts = tmp_path / "all.csv.parts"
    parts.mkdir()
    with (parts / "lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(NotWritten, match="another process is writing"):
            export(data, "csv", file)
    assert export(data, "csv", file)[0] == CASES


def test_no_export_touches_what_it_has_not_made(tmp_path: Path, data: Path) -> None:
    """Neither a directory that only has the name of its parts, nor the file that another one has written meanwhile."""
    mine = tmp_path / "all.csv.parts"
    mine.mkdir()
    (mine / "lock").write_text("mine")
    (mine / "thesis").write_text("mine")
    with pytest.raises(NotWritten, match="has something else in it"):
        export(data, "csv", tmp_path / "all.csv")
    assert {path.name: path.read_text() for path in mine.iterdir()} == {"lock": "mine", "thesis": "mine"}
    beside = tmp_path / "case.csv.partial"
    beside.write_text("mine")
    caserelay("export", "n0", "--format", "csv", "-o", tmp_path / "case.csv", data=data)
    assert beside.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "all.csv.parts",
        "case.csv",
        "case.csv.partial",
        "case.csv.sha256",
    ]


def test_of_two_that_write_one_file_at_once_one_is_refused(tmp_path: Path, data: Path) -> None:
    """The one that ends last; file and manifest are those of the other."""
    file, settings = tmp_path / "case", Settings(data=data)

    class Overtaken(Format):
        def write(self, *rest: Any) -> None:
            super().write(*rest)
            file.write_bytes(b"of the other")

    kind = Overtaken("csv", "text/csv", tabular=True)
    with pytest.raises(NotWritten, match="already exists and is left unchanged"):
        asyncio.run(export_case(settings, "n0", Wanted(kind, TABLES["timeline"]), None, file))
    assert file.read_bytes() == b"of the other"
    assert [path.name for path in tmp_path.iterdir()] == ["case"]
