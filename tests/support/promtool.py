"""Prometheus' promtool: the one that is installed, or else Debian's, fetched once and kept like Kafka's jars."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.support.engines import NoServer, without_server
from tests.support.kafka_jars import cache

HOW_TO_GET_IT: Final = "promtool is not on the PATH (Debian: apt-get install prometheus)"
FETCH_SECONDS: Final = 100


def promtool() -> Path:
    """Where it is. Skips the test where it cannot be had, and fails it under CI=true."""
    try:
        return _found()
    except NoServer as failure:
        without_server(HOW_TO_GET_IT, failure)


def _found() -> Path:
    if (installed := shutil.which("promtool")) is not None:
        return Path(installed)
    kept = cache() / "promtool"
    if not kept.exists():
        _fetch(kept)
    return kept


def _fetch(kept: Path) -> None:
    # Downloading and unpacking need nobody's permission, and apt checks the package's signature and digest.
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise NoServer("no Debian, whose package could be fetched")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix="promtool.") as directory:
            _run(["apt-get", "--quiet", "download", "prometheus"], directory)
            (package,) = Path(directory).glob("prometheus_*.deb")
            _run(["dpkg-deb", "--extract", str(package), "package"], directory)
            # At once, or never; a second process puts the same in its place.
            (Path(directory) / "package" / "usr" / "bin" / "promtool").replace(kept)
    except OSError as failure:
        raise NoServer(f"it cannot be kept: {failure}") from failure


def _run(command: list[str], directory: str) -> None:
    try:
        done = subprocess.run(
            command, cwd=directory, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise NoServer(f"{command[0]} took more than {FETCH_SECONDS} s") from None
    if done.returncode != 0:
        raise NoServer(f"{command[0]}: {(done.stdout + done.stderr).strip()[-2000:]}")
