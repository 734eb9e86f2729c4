"""All services behind one origin: requests go by their path to the service that owns it.

What a gateway does with path rules in production, done inside one process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.audited import ACCESS, LOGS
from services.chassis.http.openapi.document import document

PATHS: Final[Mapping[str, str]] = {
    "referrals": "referral",
    "organisations": "referral",
    "programmes": "referral",
    "legal-bases": "referral",
    "broadcasts": "referral",
    "cases": "casefile",
    "worklist": "casefile",
    "gaps": "casefile",
    "reports": "casefile",
    "mentors": "casefile",
    "absences": "casefile",
    "charters": "casefile",
    "feed": "notifications",
    "stream": "notifications",
    "subscriptions": "notifications",
    "deliveries": "notifications",
    "event-types": "notifications",
    "reconciliations": "notifications",
}
"""The first path segment behind `/v1/`, and the service that answers it."""
OF_CASES: Final[Mapping[str, str]] = {"reveal": "referral"}
"""The last segment behind `/v1/cases/{id}/` where another service answers than for the rest: it has the vault."""
AUDITED: Final[Mapping[str, str]] = {**{log: log for log in LOGS}, ACCESS: "casefile", "questions": "casefile"}
"""The path segment behind `/v1/audit/`, the name of a log among them, and the service that answers it."""
PAGES: Final[Mapping[str, str]] = {"act": "notifications", "mail": "notifications"}
"""The first path segment of pages that links in e-mails lead to, and the service that answers it."""
WHOLE: Final = "caserelay"
"""The name of the generated document over all services, as production has them behind one origin."""


class Origin:
    """One ASGI application over several; `own` answers whatever belongs to none of them, and has the lifespan."""

    def __init__(self, own: FastAPI, services: Mapping[str, FastAPI]) -> None:
        self.own = own
        self._services = services
        _join_bundles(services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        await self._application(scope)(scope, receive, send)

    def _application(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http":
            return self.own
        _, version, segment, following, last, *_ = [*str(scope["path"]).split("/", 4), "", "", "", ""]
        if version != "v1":
            service = PAGES.get(version, "")
        else:
            service = AUDITED.get(following, "") if segment == "audit" else PATHS.get(segment, "")
            if segment == "cases":
                service = OF_CASES.get(last, service)
        return self._services.get(service, self.own)


def _join_bundles(services: Mapping[str, FastAPI]) -> None:
    """The bundle of a case has the events of every service that runs in this process.

    Where services run apart, each has a store and a key of its own, and none reads or signs for another: then it has
    those of the casefile service, and `caserelay audit bundle` those of all.
    """
    if (casefile := services.get("casefile")) is None:
        return
    parts = (getattr(app.state, "bundle_part", None) for app in services.values())
    casefile.state.bundles.others = [part for part in parts if part is not None]


def describe(own: FastAPI, services: Mapping[str, FastAPI]) -> None:
    """Gives `own` the document over all of them, made when somebody first asks for it: that takes half a second."""

    @cache
    def merged() -> dict[str, Any]:
        return merged_document(own, services)

    own.openapi = merged  # type: ignore[method-assign]


def describe_whole(own: FastAPI) -> None:
    """Gives `own` the document over all services, though some of them run in other processes behind the gateway."""

    @cache
    def shipped() -> dict[str, Any]:
        text = (files("contracts") / "openapi" / f"{WHOLE}.json").read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        return document

    own.openapi = shipped  # type: ignore[method-assign]


def merged_document(own: FastAPI, services: Mapping[str, FastAPI]) -> dict[str, Any]:
    """One OpenAPI document over all of them. Schemas of one name are the same model of contracts."""
    merged: dict[str, Any] = {**document(own), "paths": {}, "components": {}, "tags": []}
    for app in (own, *services.values()):
        made = document(app)
        merged["tags"] += [tag for tag in made["tags"] if tag not in merged["tags"]]
        for path, operations in made["paths"].items():
            merged["paths"].setdefault(path, operations)
        for section, entries in made["components"].items():
            merged["components"].setdefault(section, {}).update(entries)
    return merged
