"""What `make` says while it installs a lock."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
ROUTINE: Final = """\
Looking in links: /somewhere
Collecting click==8.5.1 (from -r lock.txt (line 1))
  Downloading click-8.5.1-py3-none-any.whl (103 kB)
Requirement already satisfied: idna==3.20 in ./lib (from -r lock.txt (line 2)) (3.20)
Installing collected packages: idna, click
Successfully installed click-8.5.1
"""


def said(of: str, status: int) -> subprocess.CompletedProcess[str]:
    """What is shown of pip's words."""
    return subprocess.run(
        ["/usr/bin/env", "awk", "-v", "total=2", "-v", "tty=", "-f", ROOT / "deploy" / "locks" / "progress.awk"],
        input=f"{of}exit status {status}\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_an_installation_says_how_far_it_is_and_no_more() -> None:
    """Neither names nor addresses of what went well."""
    shown = said(ROUTINE, 0)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == "    2 of 2 packages found; writing them\n"


def test_a_failed_installation_fails_and_shows_what_pip_said() -> None:
    """The error, with the lines that led to it; a warning is shown in any case."""
    error = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n"
    shown = said(ROUTINE + error, 1)
    assert shown.returncode == 1
    assert error in shown.stderr
    assert "Downloading click" in shown.stderr
    assert "WARNING: slow" in said("WARNING: slow\n" + ROUTINE, 0).stderr
