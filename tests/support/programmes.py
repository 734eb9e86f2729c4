"""A second programme of the kind that the demo has, as tests of one person in two programmes need it."""

from __future__ import annotations

from typing import Any, Protocol

import httpx

from services.sandbox.demo import PROGRAMME, PROGRAMME_VERSION
from tests.support.people import OPERATOR, Person


class Sends(Protocol):
    """Whatever sends requests for people: services in this process, or in others."""

    async def send(
        self, person: Person, method: str, path: str, body: Any = None, *, etag: str | None = None
    ) -> httpx.Response:
        """One request, whatever comes of it."""


async def offer_also(people: Sends, programme: str, organisation: str = "brugwerk") -> None:
    """Publishes the programme, and an organisation offers it beside the demo's."""
    published = await people.send(OPERATOR, "PUT", f"/v1/programmes/{programme}/versions/1", PROGRAMME_VERSION)
    assert published.status_code == 200, published.text
    path = f"/v1/organisations/{organisation}"
    read = await people.send(OPERATOR, "GET", path)
    body = {**read.json(), "programmes": [PROGRAMME, programme]}
    answer = await people.send(OPERATOR, "PUT", path, body, etag=read.headers["ETag"])
    assert answer.status_code == 200, answer.text
