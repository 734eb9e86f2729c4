"""How far a command is that takes long: a bar over the one before on a terminal, and a line now and then elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from services.progress import Progress

BAR = (
    "from services.progress import Progress\n"
    "from services.shell_commands import drawn_on_stderr\n"
    "with drawn_on_stderr() as (say, every):\n"
    "    progress = Progress('verified', say, str, every=0, bar=True)\n"
    "    progress.report(1, 2)\n"
    "    progress.report(2, 2)\n"
)


def test_a_bar_says_how_much_of_all_is_done() -> None:
    """In twentieths and in percent; of nothing there is no bar."""
    lines: list[str] = []
    progress = Progress("casefile verified", lines.append, lambda count: f"{count:,} events", every=0, bar=True)
    progress.report(4_000, 10_000)
    progress.report(10_000, 10_000)
    progress.report(0, 0)
    assert lines == [
        "  casefile verified: [########............] 40 %, 4,000 events of 10,000 events",
        "  casefile verified: [####################] 100 %, 10,000 events of 10,000 events",
        "  casefile verified: 0 events of 0 events",
    ]


def test_on_a_terminal_it_is_drawn_over_itself_and_nothing_is_left_of_it() -> None:
    """Each over the one before; what the command prints then stands alone."""
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", BAR], stderr=theirs, check=True, timeout=60)
    os.close(theirs)
    shown = os.read(ours, 4096).decode()
    os.close(ours)
    half, whole = "[##########..........] 50 %", "[####################] 100 %"
    wiped = "\r\x1b[2K"
    assert shown == f"{wiped}  verified: {half}, 1 of 2{wiped}  verified: {whole}, 2 of 2{wiped}"


def test_elsewhere_there_are_lines() -> None:
    """As many as are due."""
    done = subprocess.run([sys.executable, "-c", BAR], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "  verified: [####################] 100 %, 2 of 2"
