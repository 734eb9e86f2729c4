"""Two revisions next to each other: checked out, started and measured. What comes out is nobody's business here."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from deploy.bench.ab import command
from deploy.bench.ab.parts import PARTS
from deploy.bench.ab.revisions import LOCK, ROOT, NoRevision, check_out, interpreter, resolve
from deploy.bench.ab.sides import Impaired, check_log
from deploy.bench.engines import Engines
from deploy.bench.report import page
from deploy.bench.results import Record

COMMIT = ("-c", "user.name=Somebody", "-c", "user.email=somebody@voorbeeld.example", "commit", "--quiet", "--all")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One with a commit, a file that has changed since, one that is new, one that is ignored, and one that is gone."""
    if shutil.which("git") is None:
        pytest.skip("NO git HERE: revisions are measured where git is")
    made = tmp_path / "repository"
    (made / LOCK).parent.mkdir(parents=True)
    shutil.copyfile(ROOT / LOCK, made / LOCK)
    for name, text in (("changed", "before"), ("gone", "before"), (".gitignore", "ignored\n")):
        (made / name).write_text(text)
    for arguments in (("init", "--quiet"), ("add", "."), (*COMMIT, "--message=First")):
        subprocess.run(["git", "-C", str(made), *arguments], check=True)  # noqa: S607 - found on the path, as asked
    for name in ("changed", "new", "ignored"):
        (made / name).write_text("after")
    (made / "gone").unlink()
    return made


def test_a_revision_is_what_was_committed(repository: Path, tmp_path: Path) -> None:
    """Whatever lies in the working tree, and without leaving anything in the repository."""
    found = check_out("HEAD", tmp_path / "trees", repository)
    assert found.tree.name == resolve("HEAD", repository)[:12]
    assert (found.tree / "changed").read_text() == (found.tree / "gone").read_text() == "before"
    assert not (found.tree / "new").exists()
    assert found.python == Path(sys.executable)
    assert not (repository / ".git" / "worktrees").exists()


def test_the_working_tree_is_measured_as_it_is_now(repository: Path, tmp_path: Path) -> None:
    """With what is not committed yet, without what git ignores, and untouched by what changes later."""
    found = check_out(".", tmp_path / "trees", repository)
    (repository / "changed").write_text("later")
    assert (found.tree / "changed").read_text() == (found.tree / "new").read_text() == "after"
    assert not (found.tree / "gone").exists()
    assert not (found.tree / "ignored").exists()


def test_a_revision_that_git_does_not_know_is_refused(repository: Path, tmp_path: Path) -> None:
    """By its name, before anything is started."""
    with pytest.raises(NoRevision, match="no-such-thing: no revision"):
        check_out("no-such-thing", tmp_path / "trees", repository)


@pytest.mark.slow
def test_a_revision_with_another_lock_runs_in_an_environment_of_its_own(tmp_path: Path) -> None:
    """Made once, and found again; one with our lock runs in ours."""
    (tmp_path / LOCK).parent.mkdir(parents=True)
    (tmp_path / LOCK).write_text("# nothing at all\n")
    own = interpreter(tmp_path, tmp_path / "kept")
    assert own.is_relative_to(tmp_path / "kept")
    said = subprocess.run([str(own), "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True)
    assert Path(said.stdout.strip()) == own.parents[1]
    before = own.parents[1].stat().st_mtime_ns
    assert interpreter(tmp_path, tmp_path / "kept") == own
    assert own.parents[1].stat().st_mtime_ns == before
    shutil.copyfile(ROOT / LOCK, tmp_path / LOCK)
    assert interpreter(tmp_path, tmp_path / "kept") == Path(sys.executable)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--settings-b", "LOG_LEVEL=WARNING"], "a setting is CASERELAY_<NAME>=<value>"),
        (["--stores", "sqlite,oracle"], "oracle: the stores are sqlite, postgres, postgres"),
        (["--rounds", "0"], "a whole number from 1 on"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(
    given: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what would be accepted."""
    asked = argparse.ArgumentParser()
    command.add_options(asked)
    with pytest.raises(SystemExit):
        asked.parse_args(given)
    assert told in capsys.readouterr().err


def _run(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("NO REPOSITORY HERE: two revisions are measured where they can be checked out")
    asked = [sys.executable, "-m", "deploy.bench", "--ab", ".", ".", "--quick", "--data", str(data), *arguments]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two sides at the same moment need two cores")
def test_a_tree_next_to_itself_finds_ratios_and_a_control(tmp_path: Path) -> None:
    """Printed, kept as JSON, and shown on the page."""
    file = tmp_path / "found.json"
    settings = ("--settings-b", "CASERELAY_LOG_LEVEL=WARNING")
    said = _run("--only", "cpu,memory", "--services", "referral", "--json", str(file), *settings, data=tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "B: the working tree CASERELAY_LOG_LEVEL=WARNING" in said.stdout
    lines = [line for line in said.stdout.splitlines() if " B/A " in line]
    assert any("processor, the process that answers" in line for line in lines)
    assert all("(rounds " in line and "; control " in line for line in lines)
    record = Record.read(file)
    assert list(record.ran) == ["ab-cpu", "ab-memory"]
    for ran in record.ran.values():
        assert all([one.to for one in result.compared] == ["A", "A of itself (control)"] for result in ran.results)
        assert all((result.median or result.rate or 0) > 0 for result in ran.results)
    assert PARTS["cpu"].title in page(record, {})


@pytest.mark.slow
def test_a_setting_that_a_side_does_not_know_is_no_measurement(tmp_path: Path) -> None:
    """Ignored, it would give two equal sides, and a ratio that says that it changes nothing."""
    said = _run(
        "--only", "memory", "--services", "referral", "--settings-a", "CASERELAY_LOG_LEVLE=DEBUG", data=tmp_path
    )
    assert said.returncode == 1
    assert "A does not know all of its settings" in said.stdout


@pytest.mark.parametrize(
    "failure",
    [
        '{"level": "ERROR", "message": "a store cannot be used", "store": "casefile-log", "code": "53300"}',
        "FATAL:  sorry, too many clients already",
    ],
)
def test_a_side_that_lost_its_database_has_no_figures(failure: str, tmp_path: Path) -> None:
    """It answered with less than it needs: a ratio of that says something else."""
    log = tmp_path / "stderr.log"
    log.write_text('{"level": "INFO", "message": "started"}\n')
    check_log("B", log)
    log.write_text(f'{{"level": "INFO", "message": "started"}}\n{failure}\n')
    with pytest.raises(Impaired, match="B logged 1 failures; the first: "):
        check_log("B", log)


@pytest.mark.slow
def test_the_database_that_is_measured_has_room_for_three_systems_at_once(tmp_path: Path) -> None:
    """A, B and the control; a server as PostgreSQL starts it by itself takes a hundred connections."""
    with Engines(tmp_path) as engines, psycopg.connect(engines.postgres()) as connection:
        (most,) = connection.execute("SHOW max_connections").fetchone() or ("",)
        assert int(most) >= 3 * 100
