"""An organisation's own system: deploy/examples/subscribe.py, or the one in JavaScript, running."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from tests.support.contract_tools import node, node_modules

EXAMPLES: Final = Path(__file__).parents[2] / "deploy" / "examples"
SOON: Final = 30.0


class Subscriber:
    """The example, running."""

    def __init__(self, servers: str, organisation: str, directory: Path) -> None:
        self.said = directory / "said"
        self._handled = directory / "handled"
        environment = {
            **os.environ,
            "KAFKA_SERVERS": servers,
            "ORGANISATION": organisation,
            "HANDLED": str(self._handled),
        }
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(self._command(directory), env=environment, stdout=said)

    def _command(self, _directory: Path) -> list[str]:
        return [sys.executable, str(EXAMPLES / "subscribe.py")]

    def _remembered(self) -> int:
        with closing(sqlite3.connect(self._handled)) as handled:
            count: int = handled.execute("SELECT COUNT(*) FROM handled").fetchone()[0]
        return count

    def wait_until_remembered(self, count: int) -> None:
        """Returns once so many ids are remembered; a subscriber killed before that prints the last line again."""
        until = time.monotonic() + SOON
        while self._remembered() < count:
            assert time.monotonic() < until
            time.sleep(0.01)

    def printed(self, least: int) -> list[dict[str, Any]]:
        """All that it printed, once that is enough."""
        until = time.monotonic() + SOON
        while True:
            events = [json.loads(line) for line in self.said.read_text(encoding="utf-8").splitlines()]
            if len(events) >= least:
                return events
            assert self.process.poll() is None
            assert time.monotonic() < until, events
            time.sleep(0.05)


class NodeSubscriber(Subscriber):
    """The same in JavaScript, with the packages of deploy/clients."""

    def _command(self, directory: Path) -> list[str]:
        packages = directory / "node_modules"
        if not packages.exists():
            packages.symlink_to(node_modules())
        return [node(), str(shutil.copy(EXAMPLES / "subscribe.mjs", directory))]

    def _remembered(self) -> int:
        return len(self._handled.read_text(encoding="utf-8").splitlines())
