"""A second programme of the kind that the demo has, as tests of one person in two programmes need it."""

from __future__ import annotations

from typing import Any, Protocol

import httpx

from services.sandbox.demo import PROGRAMME, PROGRAMME_VERSION
from tests.support.people import OPERATOR, Person

_BRUGWERK = "/v1/organisations/brugwerk"


class Sends(Protocol):
    """Whatever sends requests for people: services in this process, or in others."""

    async def send(
        self, person: Person, method: str, path: str, body: Any = None, *, etag: str | None = None
    ) -> httpx.Response:
        """One request, whatever comes of it."""


async def offer_also(people: Sends, programme: str) -> None:
    """Publishes the programme, and brugwerk offers it beside the demo's."""
    published = await people.send(OPERATOR, "PUT", f"/v1/programmes/{programme}/versions/1", PROGRAMME_VERSION)
    assert published.status_code == 200, published.text
    read = await people.send(OPERATOR, "GET", _BRUGWERK)
    body = {**read.json(), "programmes": [PROGRAMME, programme]}
    answer = await people.send(OPERATOR, "PUT", _BRUGWERK, body, etag=read.headers["ETag"])
    assert answer.status_code == 200, answer.text
