"""What checks the OpenAPI documents and makes clients of them, fetched once and kept like Kafka's jars.

Linters and the TypeScript client come from locked npm packages, where Node is; the Python client from locked packages
in an environment of its own. `python -m tests.support.contract_tools` fetches what is not there, and says what it does.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.engines import NoServer, without_server
from tests.support.kafka_jars import cache, complete_or_not_there

ROOT: Final = Path(__file__).parents[2]
CLIENTS: Final = ROOT / "deploy" / "clients"
PYTHON_LOCK: Final = ROOT / "deploy" / "locks" / "clients.txt"
OLDEST_NODE: Final = 20
FETCH_SECONDS: Final = 300
HOW_TO_GET_THEM: Final = (
    "the OpenAPI documents are not linted, and no client is made of them: that takes Node 20 or newer with npm, and "
    "access to the registries of npm and Python the first time"
)


def node_modules() -> Path:
    """The directory of the npm packages. Skips the test where they cannot be had, and fails it under CI=true."""
    return _or_skip(_node_modules)


def client_python() -> Path:
    """The interpreter that makes and runs the Python client. Skips or fails in the same way."""
    return _or_skip(_client_python)


def _or_skip(get: Callable[[], Path]) -> Path:
    try:
        return get()
    except NoServer as failure:
        without_server(HOW_TO_GET_THEM, failure)


def node() -> str:
    """The Node to run them with. Raises NoServer where there is none that is new enough."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        raise NoServer("no Node with npm")
    output = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.", output)
    if version is None or int(version[1]) < OLDEST_NODE:
        raise NoServer(f"{found} is {output.strip() or 'none'}, older than Node {OLDEST_NODE}")
    return found


def _node_modules() -> Path:
    node()
    lock = CLIENTS / "package-lock.json"
    kept = cache() / f"npm-{_mark(lock)}"
    with _alone(kept):
        if not kept.exists():
            say(f"fetching the linters and the TypeScript client's tools, once, into {kept}")
            with complete_or_not_there(kept) as made:
                made.mkdir()
                for name in ("package.json", "package-lock.json"):
                    shutil.copy(CLIENTS / name, made)
                # Nothing of a package runs while it is installed.
                _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], made)
    return kept / "node_modules"


def _client_python() -> Path:
    kept = cache() / f"python-client-{sys.version_info.major}.{sys.version_info.minor}-{_mark(PYTHON_LOCK)}"
    with _alone(kept):
        if not kept.exists():
            say(f"fetching what makes a Python client, once, into {kept}")
            with complete_or_not_there(kept) as made:
                _run([sys.executable, "-m", "venv", str(made)], made.parent)
                pip = [str(made / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
                _run([*pip, "--require-hashes", "--no-deps", "--requirement", str(PYTHON_LOCK)], made.parent)
    return kept / "bin" / "python"


def _mark(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:12]


@contextmanager
def _alone(kept: Path) -> Iterator[None]:
    """Nobody else fetches the same meanwhile."""
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        lock = kept.with_name(f"{kept.name}.lock").open("a")
    except OSError as failure:
        raise NoServer(f"no cache: {failure}") from failure
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: list[str], where: Path) -> None:
    try:
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        raise NoServer(f"{command[0]} took more than {FETCH_SECONDS} s") from None
    except OSError as failure:
        raise NoServer(f"{command[0]}: {failure}") from failure
    if done.returncode != 0:
        raise NoServer(f"{command[0]}: {(done.stdout + done.stderr).strip()[-2000:]}")


def say(what: str) -> None:
    """A line of progress, for anyone who waits."""
    sys.stderr.write(f"==> {what}\n")


if __name__ == "__main__":
    for fetched in (_node_modules, _client_python):
        try:
            fetched()
        except NoServer as missing:
            say(f"{HOW_TO_GET_THEM} ({missing})")
