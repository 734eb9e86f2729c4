"""Tests are dealt out to processes by the file where it is large, and one by one where it is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import ROOT
from tests.support.dealing import LARGE

WHERE: Final = """
import os
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize("number", range({count}))
def test_here(number):
    time.sleep({seconds})
    with Path(__file__).with_suffix(".seen").open("a") as seen:
        seen.write(os.environ["PYTEST_XDIST_WORKER"] + " ")
"""


@pytest.mark.slow
def test_a_large_file_goes_to_one_process_whole(tmp_path: Path) -> None:
    """And a small one to both, so that nobody waits in the end."""
    files = {LARGE: tmp_path / "test_large.py", LARGE - 1: tmp_path / "test_small.py"}
    for (count, file), seconds in zip(files.items(), (0, 0.2), strict=True):
        file.write_text(WHERE.format(count=count, seconds=seconds))
    command = ["-m", "pytest", "-p", "tests.support.dealing", "-p", "no:cacheprovider", "-n", "2", "--dist=loadgroup"]
    done = subprocess.run(
        [sys.executable, *command, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{2 * LARGE - 1} passed" in done.stdout, done.stdout + done.stderr
    large, small = (file.with_suffix(".seen").read_text().split() for file in files.values())
    assert (len(large), len(set(large))) == (LARGE, 1)
    assert (len(small), len(set(small))) == (LARGE - 1, 2)
