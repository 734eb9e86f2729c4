"""A bundle as an answer: written to a file of its own first, so that no answer is as large in memory as its bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.audit.bundle.archive import TooLarge
from services.chassis.audit.bundle.writing import NothingSigned, Source, Subject, write_bundle
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.response import responses

ZIP: Final = "application/zip"
Part = Callable[[Caller, str, Sequence[str]], Source]
"""What another service of the same process adds: for a caller, of something by its id, and of what it came from."""
_IN_MEMORY: Final = 2**20
"""Bytes of a bundle that are not written to a disk."""
_AT_ONCE: Final = 2**16


async def bundle_answer(subject: Subject, sources: Sequence[Source], name: str) -> Response:
    """The bundle as a file of this name. Raises Hidden where nothing of a log was signed yet."""
    # It is closed, and is gone, when the answer is sent.
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
    try:
        await write_bundle(file, subject, sources)
        size = file.tell()
        file.seek(0)
    except BaseException as failure:
        file.close()
        if isinstance(failure, NothingSigned):
            raise Hidden from None
        if isinstance(failure, TooLarge):
            raise ProblemError(409, "BUNDLE_TOO_LARGE", str(failure)) from None
        raise
    headers = {
        **responses.NOT_KEPT,
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return StreamingResponse(_chunks(file), 200, headers, ZIP, BackgroundTask(file.close))


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_AT_ONCE):
        yield chunk
