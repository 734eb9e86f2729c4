"""Cursors: where a list goes on, for the caller and the filters that it was begun with, in a log that may be restored.

A cursor is sealed (AES-SIV, RFC 5297) with a key that is kept beside the log: nobody outside reads the place in it, and
nobody makes one. It gives no right to anything. What it names is looked at so that a mistake is said and never answered
with a wrong page: a list that goes on somewhere else would leave things out without a word.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from fastapi import Depends, Query, Request
from pydantic_core import from_json, to_json

from services.chassis.access.identity import Caller
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.caller import Authenticated
from services.chassis.log.epochs import Epochs
from services.chassis.log.metadata import Recorded
from services.chassis.log.position import read_token, to_token
from services.chassis.modelling.decider import Fault
from services.chassis.service import Service

Place = int | tuple[str, str]
"""Behind which item a list goes on: a number that grows along it; or (due, key), where it goes by what is due first."""

LONGEST: Final = 1000
NO_FILTERS: Final = frozenset({"limit", "cursor", "after", "waitFor", "expand"})
"""Parameters that say how a page is shown, or when, and not what is in the list."""
_CONTEXT: Final = [b"caserelay cursor 2"]
_EARLIER: Final = re.compile(rb"(?:c1:([0-9]{1,18})|w1\|[ -~]+)\Z")
"""Cursors as they were before they were sealed: a place and nothing else."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """Where a cursor is sent: its name, the pointer to it, where it comes from, and how to begin without it."""

    name: str
    pointer: str
    source: str
    start_over: str


CURSOR: Final = Parameter(
    "cursor", "/query/cursor", "the `next` of an earlier page", "leave `cursor` out to start with the first page"
)


class Cursors:
    """Seals and reads the cursors of one service. `through` and `head` tell how far its index and its log reach."""

    def __init__(
        self, epochs: Epochs, through: Callable[[], Awaitable[int]], head: Callable[[], Awaitable[int]]
    ) -> None:
        self._epochs = epochs
        self._cipher = AESSIV(epochs.key)
        self._through = through
        self._head = head

    def of(
        self,
        caller: Caller,
        name: str,
        filters: Iterable[tuple[str, str]],
        sent: str | None,
        parameter: Parameter = CURSOR,
        *,
        outlives_versions: bool = False,
    ) -> Pages:
        """The pages of a list for a caller, from where the cursor that was `sent` says.

        `outlives_versions`: callers keep its cursors for longer than a version is in use.
        """
        return Pages(
            self, name, _mark(sorted(filters)), _mark([caller.org, caller.role, caller.sub]), sent, parameter,
            outlives_versions,
        )  # fmt: skip

    def seal(self, name: str, filters: str, caller: str, place: Place, recorded: int) -> str:
        """The cursor of a place; `recorded` is the position in the log that has to be there for the place to be."""
        written = to_json([name, filters, caller, self._epochs.at(recorded).name, recorded, place])
        return to_token(self._cipher.encrypt(written, _CONTEXT))

    def open(self, token: str) -> list[Any] | None:
        """What was sealed: list, filters, caller, epoch, recorded, place; None for what this service did not seal."""
        try:
            opened: list[Any] = from_json(self._cipher.decrypt(read_token(token, LONGEST) or b"", _CONTEXT))
        except (InvalidTag, ValueError):
            return None
        return opened

    def of_earlier_version(self, token: str) -> tuple[int | None, str] | None:
        """The place, where that is a number, and the epoch of a cursor as it was before they were sealed; else None.

        A log that is younger than that has never given one out.
        """
        found = _EARLIER.match(read_token(token, LONGEST) or b"")
        epoch = self._epochs.before_the_first
        if found is None or epoch is None:
            return None
        return (int(found[1]) if found[1] is not None else None), epoch.name

    async def stands(self, epoch: str, recorded: int) -> bool:
        """Whether the log still holds what was recorded at a position when that epoch was written."""
        try:
            end = self._epochs.end_of(epoch)
        except KeyError:
            # It was undone: the log was restored from before it began.
            return False
        if end is not None:
            return recorded <= end
        # The head as well: files may have been put back by hand, and then nobody began another epoch.
        return recorded <= await self._through() or recorded <= await self._head()


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one list for one caller. Reading the place raises ProblemError 422 with a code `CURSOR_…`."""

    cursors: Cursors
    name: str
    filters: str
    caller: str
    sent: str | None
    parameter: Parameter = CURSOR
    outlives_versions: bool = False

    async def number(self) -> int:
        """The number behind which the list goes on; 0 at its beginning."""
        place = await self._place()
        if isinstance(place, tuple):
            raise self._unreadable()
        return place or 0

    async def due(self) -> tuple[str, str] | None:
        """(due, key) behind which the list goes on; None at its beginning."""
        place = await self._place()
        if isinstance(place, int):
            raise self._unreadable()
        return place

    def next(self, place: Place | None, *, recorded: int | None = None) -> str | None:
        """The cursor of a place; None where there is none, since nothing more comes.

        `recorded`: the position in the log that has to be there, where the place is no such position itself.
        """
        if place is None:
            return None
        if recorded is None:
            recorded = place if isinstance(place, int) else 0
        return self.cursors.seal(self.name, self.filters, self.caller, place, recorded)

    def behind(self, last: Recorded | None) -> str | None:
        """The cursor behind an event, in a list that follows the versions of one stream."""
        return self.next(last.version, recorded=last.position) if last is not None else None

    async def _place(self) -> Place | None:
        if self.sent is None:
            return None
        opened = self.cursors.open(self.sent)
        if opened is None:
            return await self._place_of_earlier_version(self.sent)
        name, filters, caller, epoch, recorded, place = opened
        if caller != self.caller:
            raise _cursor_refusal(self.parameter, "CURSOR_OF_ANOTHER_CALLER", "it belongs to another caller")
        if name != self.name:
            raise _cursor_refusal(self.parameter, "CURSOR_OF_ANOTHER_LIST", "it belongs to another list")
        if filters != self.filters:
            detail = "it belongs to other filters; send the same filters as for the first page"
            raise _cursor_refusal(self.parameter, "CURSOR_OF_OTHER_FILTERS", detail)
        await self._require(epoch, recorded)
        return tuple(place) if isinstance(place, list) else place

    async def _place_of_earlier_version(self, sent: str) -> int:
        known = self.cursors.of_earlier_version(sent)
        if known is None:
            raise self._unreadable()
        place, epoch = known
        if place is None or not self.outlives_versions:
            raise _cursor_refusal(self.parameter, "CURSOR_OUTDATED", "it was issued by an earlier version")
        await self._require(epoch, place)
        return place

    async def _require(self, epoch: str, recorded: int) -> None:
        if not await self.cursors.stands(epoch, recorded):
            detail = "it points to events that the log no longer has, because it was restored from a backup"
            raise _cursor_refusal(self.parameter, "CURSOR_BEYOND_LOG", detail)

    def _unreadable(self) -> ProblemError:
        return _cursor_refusal(
            self.parameter, "CURSOR_UNREADABLE", f"it is not {self.parameter.source} of this service, as it came"
        )


def _cursor_refusal(parameter: Parameter, code: str, why: str) -> ProblemError:
    detail = f"{parameter.name} cannot be used here: {why}. Or {parameter.start_over}"
    return ProblemError(422, code, detail, errors=[Fault(parameter.pointer, code, detail)])


def cursors_of(service: Service) -> Cursors:
    """The cursors of a service: readable as long as it is there, in every process that shares its log."""
    return Cursors(service.epochs, service.index.through, service.log.head)


async def paged(
    request: Request,
    caller: Authenticated,
    cursor: Annotated[
        str | None,
        Query(
            max_length=LONGEST,
            description="The `next` of the previous page; send it with the same filters, as the same caller.",
        ),
    ] = None,
) -> Pages:
    """The pages of the list at this path: whatever is asked beside the page is a filter, so that none is forgotten."""
    cursors = cursors_of(request.app.state.service)
    filters = [one for one in request.query_params.multi_items() if one[0] not in NO_FILTERS]
    return cursors.of(caller, request.scope["path"], filters, cursor)


Paged = Annotated[Pages, Depends(paged)]


def _mark(what: Any) -> str:
    """Something short that is the same for the same."""
    return blake2b(to_json(what), digest_size=9).hexdigest()
