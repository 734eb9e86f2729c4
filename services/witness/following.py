"""Polls the service whose logs are cosigned, for a witness that it cannot reach: the checkpoint, then its proof."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx

from contracts.audited import audit_path
from services.chassis.audit.http_urls import is_http_url
from services.chassis.refused_start import RefusedStart
from services.chassis.transparency.add_checkpoint import AddCheckpoint
from services.chassis.transparency.base64_text import decoded
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.notes import LARGEST_NOTE, Note
from services.witness.cosigner import INCONSISTENT, ROLLED_BACK, Cosigner
from services.witness.refusals import AnotherSize, Inconsistent, RefusesToCosign

ANSWER_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 1.0
"""The pause before what looks like a rollback is asked for once more: the record may have moved on in between."""
_NAMED: Final = re.compile(r".*/([a-z]+)(?:/[1-9][0-9]*)?", re.ASCII)


class RefusedToFollow(RefusedStart):
    """The service cannot be followed as it is asked for; the message says why."""


class NotReached(Exception):  # noqa: N818 - reads as what happened
    """The service did not answer with what it was asked for; the message says what came instead."""


class _Contradicts(Exception):  # noqa: N818 - reads as what a log does
    """The log shows what does not continue what was cosigned; `why` is the sentence of the finding."""

    def __init__(self, why: str, known: Note, shown: Note, proof: str) -> None:
        super().__init__(why)
        self.why, self.known, self.shown, self.proof = why, known, shown, proof


def audited_log(origin: str) -> str:
    """The name of the log that an origin ends with, before the number of its epoch. Raises RefusedToFollow."""
    if (found := _NAMED.fullmatch(origin)) is None:
        raise RefusedToFollow(f"--follow: the name of no log stands at the end of the origin {origin}")
    return found[1]


class Follower:
    """Has what a service shows cosigned. `failing` says, by the log's origin, why that fails at the moment."""

    def __init__(
        self,
        cosigner: Cosigner,
        url: str,
        token: Path,
        say: Callable[[str], object],
        again: float = AGAIN_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """`token` is a file with the bearer token of an auditor, read each time. Raises RefusedToFollow."""
        if not is_http_url(url):
            raise RefusedToFollow(
                "--follow: give the URL that the service is reached by: https://caserelay.example.org"
            )
        self._url = url.rstrip("/")
        self._places = {origin: audit_path(audited_log(origin)) for origin in cosigner.origins}
        self._cosigner = cosigner
        self._token = token
        self._say = say
        self._again = again
        self._answer_seconds = answer_seconds
        self.failing: dict[str, str] = {}

    async def go_on(self, every: float) -> None:
        """Polls every so many seconds until it is cancelled."""
        while True:
            await self.poll()
            await asyncio.sleep(every)

    async def poll(self) -> None:
        """Asks once for every log; what fails stands in `failing` afterwards, and is said once."""
        # Nothing is unpacked: a few bytes could become a gigabyte.
        async with httpx.AsyncClient(timeout=self._answer_seconds, headers={"Accept-Encoding": "identity"}) as http:
            for origin in self._places:
                why = await self._why_not(http, origin)
                if why is None:
                    self.failing.pop(origin, None)
                elif self.failing.get(origin) != why:
                    self.failing[origin] = why
                    self._say(f"{origin}: {why}")

    async def _why_not(self, http: httpx.AsyncClient, origin: str) -> str | None:
        """Has one log cosigned as it is shown; why that is not possible, None where it was done."""
        try:
            try:
                await self._cosigned(http, origin)
            except (_Contradicts, AnotherSize):
                await asyncio.sleep(self._again)
                await self._cosigned(http, origin)
        except _Contradicts as found:
            await asyncio.to_thread(self._cosigner.report, found.why, found.known, found.shown, found.proof)
            return found.why
        except (NotReached, RefusesToCosign, httpx.HTTPError, OSError) as failure:
            # Of an error of the network the class: its text is empty for some of them.
            return str(failure) or type(failure).__name__
        return None

    async def _cosigned(self, http: httpx.AsyncClient, origin: str) -> None:
        content = await self._fetched(http, f"{self._places[origin]}/checkpoint")
        try:
            note = Note.read(content)
            shown = Checkpoint.read(note.text)
        except ValueError as failure:
            raise NotReached(f"the service answers with no checkpoint: {failure}") from None
        if shown.origin != origin:
            raise NotReached(f"the log is called {shown.origin} now: ask why, and give its key by --log")
        signed = self._cosigner.signed_by_log(shown, note)
        known = await asyncio.to_thread(self._cosigner.newest, origin)
        before = Checkpoint.read(known.text) if known is not None else Checkpoint(origin, 0, b"")
        if known is not None and shown.size < before.size:
            raise _Contradicts(ROLLED_BACK, known, signed, "")
        proof = await self._proof(http, origin, before.size, shown.size)
        request = AddCheckpoint(before.size, tuple(proof or ()), Note(signed.text, signed.signatures))
        try:
            if proof is None:
                raise Inconsistent("the service has no proof")
            await asyncio.to_thread(self._cosigner.add, request.content)
        except Inconsistent as refusal:
            if known is None or shown.size == before.size:
                # Trees of one size the witness has reported by itself.
                raise
            raise _Contradicts(INCONSISTENT, known, signed, f"{refusal}\n{request.content.decode()}") from None

    async def _proof(self, http: httpx.AsyncClient, origin: str, first: int, second: int) -> list[bytes] | None:
        """The hashes by which the larger tree continues the smaller one; None where the service has no such trees."""
        if first in (0, second):
            return []
        path = f"{self._places[origin]}/consistency?from={first}&to={second}"
        content = await self._fetched(http, path, missing=b"null")
        try:
            answer: Any = json.loads(content)
            return None if answer is None else [decoded(each) for each in answer["proof"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise NotReached("the service answers with no proof") from None

    async def _fetched(self, http: httpx.AsyncClient, path: str, missing: bytes | None = None) -> bytes:
        token = (await asyncio.to_thread(self._token.read_text, "utf-8", "replace")).strip()
        if not token.isascii() or not token.isprintable():
            raise NotReached("--token: the file holds no token")
        content = b""
        # The client's own limit is one for each byte that comes.
        async with (
            asyncio.timeout(self._answer_seconds),
            http.stream("GET", self._url + path, headers={"Authorization": f"Bearer {token}"}) as answer,
        ):
            if answer.status_code == httpx.codes.NOT_FOUND and missing is not None:
                return missing
            if answer.status_code != httpx.codes.OK:
                raise NotReached(f"the service answers {answer.status_code} to {path.partition('?')[0]}")
            async for part in answer.aiter_raw():
                content += part
                if len(content) > LARGEST_NOTE:
                    raise NotReached("the answer of the service does not end")
        return content
