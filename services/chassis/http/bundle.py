"""A bundle as an answer: written to a file of its own first, so that no answer is as large in memory as its bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, Final

from fastapi import Response
from starlette.types import Receive, Scope, Send

from services.chassis.access.identity import Caller
from services.chassis.audit.bundle.archive import TooLarge
from services.chassis.audit.bundle.writing import NothingSigned, Source, Subject, write_bundle
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.response import responses
from services.chassis.http.room_aside import room_aside
from services.chassis.service import NotCoveredYet

ZIP: Final = "application/zip"
Part = Callable[[Caller, str, Sequence[str]], Source]
"""What another service of the same process adds: for a caller, of something by its id, and of what it came from."""
_IN_MEMORY: Final = 2**20
"""Bytes of a bundle that are not written to a disk."""
_AT_ONCE: Final = 2**16


async def bundle_answer(subject: Subject, sources: Sequence[Source], name: str) -> Response:
    """The bundle as a file of this name. Raises NotCoveredYet where nothing of a log was signed yet.

    And Unavailable where there is no room for the file, and what `write_bundle` raises.
    """
    # Without a name, and gone when the answer is sent.
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
    try:
        with room_aside():
            await write_bundle(file, subject, sources)
            size = file.tell()
            # What is still to be written is written here.
            file.seek(0)
    except BaseException as failure:
        with suppress(OSError):
            # It would write what is left of it first, on the same full disk.
            file.close()
        if isinstance(failure, NothingSigned):
            raise NotCoveredYet from None
        if isinstance(failure, TooLarge):
            raise ProblemError(409, "BUNDLE_TOO_LARGE", str(failure)) from None
        raise
    return _FileAnswer(file, size, name)


class _FileAnswer(Response):
    """A file in pieces; the framework's own streaming answers read each of them in another thread."""

    def __init__(self, file: IO[bytes], size: int, name: str) -> None:
        headers = {**responses.NOT_KEPT, "Content-Disposition": f'attachment; filename="{name}"'}
        super().__init__(headers=headers, media_type=ZIP)
        self.headers["Content-Length"] = str(size)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        del scope, receive
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while piece := self._file.read(_AT_ONCE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._file.close()
