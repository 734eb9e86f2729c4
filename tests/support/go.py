"""Programs in Go, which tests compile where Go is; elsewhere they are skipped, except under CI=true."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def go_command(why: str) -> str:
    """The `go` of this machine; skips the test, with a line that says why to install it, where there is none."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")
    if go is None:
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return go


def build(go: str, source: str, output: Path, directory: Path) -> Path:
    """Compiles what is in a directory with nothing but what came with Go."""
    environment = {**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    command = [go, "build", "-o", str(output), source]
    built = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert built.returncode == 0, built.stderr
    return output
