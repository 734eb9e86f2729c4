"""Revisions of the project, each as a tree of files with an interpreter that has what its lock names."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
WORKING_TREE: Final = "."
LOCK: Final = Path("deploy/locks/runtime.txt")
_RUN: Final = "import sys; sys.path.insert(0, {tree!r}); from {program} import main; main()"


class NoRevision(ValueError):  # noqa: N818 - reads as what happened
    """Git knows no such revision; the message names it."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision as it was named, its tree, the interpreter that runs it, and the module that is run."""

    name: str
    tree: Path
    python: Path
    program: str = "services.cli"

    @property
    def command(self) -> Sequence[str]:
        """The command `caserelay` of this revision, whatever is installed for the interpreter."""
        return (str(self.python), "-c", _RUN.format(tree=str(self.tree), program=self.program))


def resolve(name: str, repository: Path = ROOT) -> str:
    """The commit that a revision names; the working tree stays what it is. Raises NoRevision."""
    if name == WORKING_TREE:
        return name
    done = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", check=False)
    if done.returncode != 0:
        raise NoRevision(f"{name}: no revision of this repository; {WORKING_TREE} is the working tree")
    return done.stdout.decode().strip()


def check_out(name: str, directory: Path, repository: Path = ROOT) -> Revision:
    """The files of a revision of a repository, below a directory, and what runs them. Raises NoRevision.

    A copy also of the working tree: it may change while it is measured. Nothing is registered with git, so that a run
    that is killed leaves nothing behind there.
    """
    commit = resolve(name, repository)
    tree = directory / (commit[:12] if commit != WORKING_TREE else "working-tree")
    if not tree.exists():
        tree.mkdir(parents=True)
        if commit == WORKING_TREE:
            _copy(repository, tree)
        else:
            archive = _git(repository, "archive", "--format=tar", commit).stdout
            subprocess.run(["tar", "-x", "-C", str(tree)], input=archive, check=True)  # noqa: S607 - found on the PATH
    return Revision(name, tree, interpreter(tree, Path(sys.prefix) / ".cache" / "ab"))


def _copy(repository: Path, tree: Path) -> None:
    listed = _git(repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout.decode()
    for name in filter(None, listed.split("\0")):
        # What was deleted and not committed yet is listed all the same; so is a link to a directory.
        if (repository / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(repository / name, tree / name)


def interpreter(tree: Path, keep: Path) -> Path:
    """Ours, unless the tree's lock names other versions: then that of an environment of its own, made once and kept."""
    lock = (tree / LOCK).read_bytes()
    if lock == (ROOT / LOCK).read_bytes():
        return Path(sys.executable)
    place = keep / hashlib.sha256(lock).hexdigest()[:16]
    python, complete = place / "bin" / "python", place / "complete"
    if not complete.exists():
        venv.create(place, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
        subprocess.run([*pip, "--require-hashes", "--no-deps", "--requirement", str(tree / LOCK)], check=True)
        complete.touch()
    return python


def _git(repository: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=check)  # noqa: S607 - as above
