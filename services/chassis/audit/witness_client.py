"""One witness, over HTTP, as https://c2sp.org/tlog-witness has it. Nothing that it answers is believed unchecked."""

from __future__ import annotations

import asyncio
from typing import Final

import httpx

from services.chassis.transparency.add_checkpoint import AddCheckpoint, origin_hash
from services.chassis.transparency.checkpoints import Checkpoint, read_number
from services.chassis.transparency.keys import VerifierKey
from services.chassis.transparency.notes import NoNote, Note, NotSigned, Signature

LARGEST_ANSWER: Final = 262_144
_NOT_FOUND: Final = (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED)


class NotCosigned(Exception):  # noqa: N818 - reads as what happened
    """A witness did not cosign; the message is what came of it: a status, or the class of an error."""


class HoldsAnother(Exception):  # noqa: N818 - reads as what was found
    """The checkpoint that the witness cosigned last has another size than it was thought to, which is `size`."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size}")
        self.size = size


class Disputed(Exception):  # noqa: N818 - reads as what was found
    """The witness finds that a checkpoint does not continue the one that it cosigned last."""


class WitnessClient:
    """A witness that is asked over connections that stay open; `seconds` bound each question."""

    def __init__(self, key: VerifierKey, url: str, seconds: float) -> None:
        self.key = key
        self._url = url.rstrip("/")
        self._seconds = seconds
        # Nothing is unpacked: a few bytes could become a gigabyte.
        self._http = httpx.AsyncClient(timeout=seconds, headers={"Accept-Encoding": "identity"})

    async def add(self, request: AddCheckpoint) -> Signature:
        """The cosignature, which is right. Raises HoldsAnother, Disputed, NotCosigned."""
        status, content = await self._answer("POST", "add-checkpoint", request.content)
        if status == httpx.codes.CONFLICT:
            try:
                size = read_number(content.decode("ascii").removesuffix("\n"))
            except ValueError:
                raise NotCosigned("409 without a size") from None
            raise HoldsAnother(size)
        if status == httpx.codes.UNPROCESSABLE_ENTITY:
            raise Disputed
        if status != httpx.codes.OK:
            raise NotCosigned(str(status))
        try:
            # As the specification suggests: behind the checkpoint its lines make a note.
            note = Note.read(f"{request.note.text}\n".encode() + content)
            signature = note.verified([self.key])[0].signature
        except (NoNote, NotSigned) as failure:
            raise NotCosigned(type(failure).__name__) from None
        if note.text != request.note.text:
            # It made the text longer: below the checkpoint its cosignature would be wrong, and spoil those of others.
            raise NotCosigned("another text")
        return signature

    async def newest(self, origin: str) -> Note | None:
        """The checkpoint of a log that it cosigned last; None where it serves none. Raises NotCosigned."""
        status, content = await self._answer("GET", f"{origin_hash(origin)}/checkpoint")
        if status in _NOT_FOUND:
            return None
        if status != httpx.codes.OK:
            raise NotCosigned(str(status))
        try:
            note = Note.read(content)
            note.verified([self.key])
            named = Checkpoint.read(note.text).origin
        except ValueError as failure:
            raise NotCosigned(type(failure).__name__) from None
        if named != origin:
            raise NotCosigned("another origin")
        return note

    async def _answer(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        content = b""
        try:
            # The client's own limit is one for each byte that comes.
            async with (
                asyncio.timeout(self._seconds),
                self._http.stream(method, f"{self._url}/{path}", content=body) as answer,
            ):
                async for part in answer.aiter_raw():
                    content += part
                    if len(content) > LARGEST_ANSWER:
                        raise NotCosigned("an answer that does not end")
                return answer.status_code, content
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as failure:
            raise NotCosigned(type(failure).__name__) from None

    async def close(self) -> None:
        """Lets go of its connections."""
        await self._http.aclose()
