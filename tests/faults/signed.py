"""An auditor who keeps asking for checkpoints, and whether the logs as they are now go on from every one of them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import Any, Final

import httpx

from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import VerifierKey
from services.chassis.transparency.notes import Note
from services.chassis.transparency.proofs import check_consistency
from tests.faults.caller import Caller
from tests.faults.processes import Program
from tests.support.backups import caserelay
from tests.support.people import AUDITOR

LOGS: Final = ("referral", "casefile", "notifications")
PAUSE_SECONDS: Final = 0.05


class Witnessed:
    """What was signed, as somebody saw it who kept every checkpoint."""

    def __init__(self, people: Caller) -> None:
        self._people = people
        self._seen: dict[str, set[bytes]] = {log: set() for log in LOGS}

    async def watch(self) -> None:
        """Asks again and again until it is cancelled, also while nobody answers."""
        while True:
            for log in LOGS:
                with contextlib.suppress(httpx.TransportError):
                    answer = await self._people.send(AUDITOR, "GET", f"/v1/audit/{log}/checkpoint")
                    if answer.status_code == 200:
                        self._seen[log].add(answer.content)
            await asyncio.sleep(PAUSE_SECONDS)

    async def have_one_history(self) -> int:
        """That no checkpoint contradicts another one or the log as it is now; how many there were."""
        for log, seen in self._seen.items():
            path = f"/v1/audit/{log}"
            now = await self._people.send(AUDITOR, "GET", f"{path}/checkpoint")
            keys = (await self._people.send(AUDITOR, "GET", f"{path}/keys")).text.splitlines()
            verifiers = [VerifierKey.read(key) for key in keys]
            checkpoints = [_verified(note, verifiers) for note in {*seen, now.content}]
            newest = _verified(now.content, verifiers)
            assert {checkpoint.origin for checkpoint in checkpoints} == {newest.origin}
            for checkpoint in checkpoints:
                if checkpoint.size:
                    between = {"from": checkpoint.size, "to": newest.size}
                    proof = await self._people.read(AUDITOR, f"{path}/consistency", **between)
                    hashes = [base64.b64decode(each) for each in proof["proof"]]
                    check_consistency(checkpoint.size, newest.size, hashes, checkpoint.root, newest.root)
        return sum(map(len, self._seen.values()))


def _verified(note: bytes, verifiers: list[VerifierKey]) -> Checkpoint:
    read = Note.read(note)
    read.verified(verifiers)
    return Checkpoint.read(read.text)


def rows_are_as_signed(victim: Program, **settings: Any) -> None:
    """Every event of every log has the leaf that was signed of it, and what is remembered outside is no other."""
    done = caserelay("audit", "verify", "--json", data=victim.data, **settings)
    found = json.loads(done.out)
    assert (done.status, found["mismatches"]) == (0, []), found
    assert min(found["checked"][log] for log in LOGS) > 0, found
