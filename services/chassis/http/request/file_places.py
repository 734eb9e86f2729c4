"""How many files are made and sent at once, such as bundles and exports: each takes memory, or room on a disk.

A place is taken before anything is read, and given back when the answer was sent or came to nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import Depends, Request

from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.caller import Authenticated

MOST_OF_CALLER: Final = 2
"""So that the next may be made while the last one is on its way."""
MOST: Final = 16
"""Of all callers of a process."""
_AGAIN: Final = {"Retry-After": "5"}


async def file_place(request: Request, caller: Authenticated) -> AsyncIterator[None]:
    """Holds a place for the file of a request. Raises ProblemError where there is none."""
    places: Counter[tuple[str, str]] = request.app.state.file_places
    who = caller.org, caller.sub
    if places[who] >= MOST_OF_CALLER:
        raise ProblemError(
            429,
            "TOO_MANY_FILES",
            f"you are being sent {MOST_OF_CALLER} files already, bundles or exports; ask again once one has arrived",
            headers=_AGAIN,
        )
    if places.total() >= MOST:
        raise ProblemError(
            503,
            "FILES_IN_THE_MAKING",
            f"{MOST} files are being made or sent to others already, which is the most at once; ask again soon",
            headers=_AGAIN,
        )
    places[who] += 1
    try:
        yield
    finally:
        places[who] -= 1
        if not places[who]:
            del places[who]


FilePlace = Annotated[None, Depends(file_place)]
