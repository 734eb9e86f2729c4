"""How many of our files one request passes through, and how often it moves from one to another.

`python -m tests.support.one_request` counts it for one `POST /v1/referrals`, in the process and on the threads that it
uses. A move is a call from a function in one of our files to a function in another, with any library between them.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

from services.referral.app import build
from tests.support.people import INES
from tests.support.requests import another_person
from tests.support.running import running

ROOT: Final = Path(__file__).parents[2]
OURS: Final = tuple(f"{ROOT}/{folder}/" for folder in ("contracts", "services"))

_PARTS: Final = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
"""Frames of their own that are no function."""


@dataclass
class Way:
    """The files that a request passed through, with the calls into each, and the moves between two of them."""

    entered: Counter[str] = field(default_factory=Counter)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)

    def notice(self, frame: FrameType, event: str, _argument: Any) -> None:
        """What the interpreter calls at every call of a function."""
        if event != "call":
            return
        file = _ours(frame)
        if file is None or frame.f_code.co_name in _PARTS:
            return
        self.entered[file] += 1
        caller = frame.f_back
        while caller is not None and _ours(caller) is None:
            caller = caller.f_back
        if caller is not None and (other := _ours(caller)) is not None and other != file:
            self.moves[other, file] += 1


def _ours(frame: FrameType) -> str | None:
    name = frame.f_code.co_filename
    return name[len(str(ROOT)) + 1 :] if name.startswith(OURS) else None


async def count(directory: Path) -> Way:
    """The way of one referral through a service that has taken in others before."""
    async with running(directory, {"referral": build}, at_work=False) as service:
        await service.set_the_scene()
        for _ in range(3):
            assert (await service.create(INES, "/v1/referrals", another_person())).status_code == 201
        way, body = Way(), another_person()
        threading.setprofile(way.notice)
        sys.setprofile(way.notice)
        try:
            answer = await service.create(INES, "/v1/referrals", body)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
        assert answer.status_code == 201, answer.text
        return way


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        found = asyncio.run(count(Path(directory)))
    print(
        f"{len(found.entered)} files entered, {sum(found.moves.values())} moves between files, "
        f"{len(found.moves)} pairs of files, {sum(found.entered.values())} calls"
    )
    if "--files" in sys.argv:
        for name, calls in sorted(found.entered.items()):
            print(f"{calls:6} {name}")
