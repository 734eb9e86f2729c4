"""The OpenAPI document of each service, of all of them behind one origin, and of the sandbox."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp

from deploy.contracts.refusals import Operations, of_operations
from services.assembly import SERVICES, assemble, production_app
from services.chassis.access.identity import Verifier
from services.chassis.settings import Settings
from services.chassis.time.clock import SandboxClock
from services.origin import WHOLE, Origin
from services.sandbox.app import sandbox_app
from services.sandbox.development_issuer import DevelopmentIssuer

T = TypeVar("T")

SANDBOX: Final = "sandbox"


def openapi() -> dict[str, dict[str, Any]]:
    """Every document by its service's name, as `GET /openapi.json` answers it."""

    async def read(apps: Mapping[str, ASGIApp]) -> dict[str, dict[str, Any]]:
        return {name: await _document(app) for name, app in apps.items()}

    return asyncio.run(_with_applications(read))


def operations() -> Operations:
    """The refusals of every operation, by its method and path."""

    async def read(apps: Mapping[str, ASGIApp]) -> Operations:
        own = {name: app.own if isinstance(app, Origin) else app for name, app in apps.items()}
        return of_operations({name: app for name, app in own.items() if isinstance(app, FastAPI)})

    return asyncio.run(_with_applications(read))


async def _with_applications(read: Callable[[Mapping[str, ASGIApp]], Awaitable[T]]) -> T:
    with tempfile.TemporaryDirectory() as directory:
        return await _in(Path(directory), read)


async def _in(directory: Path, read: Callable[[Mapping[str, ASGIApp]], Awaitable[T]]) -> T:
    settings = Settings(data=directory)
    clock = SandboxClock(directory / "clock.json")
    verifier = Verifier(DevelopmentIssuer(directory / "issuer"), settings.audience)
    assembly = assemble(list(SERVICES), settings, clock, verifier)

    async def nothing_to_tell() -> None: ...

    apps: dict[str, ASGIApp] = {
        **assembly.apps,
        WHOLE: production_app(assembly),
        SANDBOX: sandbox_app(assembly, clock, nothing_to_tell),
    }
    try:
        return await read(apps)
    finally:
        await assembly.stop()


async def _document(app: ASGIApp) -> dict[str, Any]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://caserelay.invalid") as http:
        answer = await http.get("/openapi.json")
    answer.raise_for_status()
    document: dict[str, Any] = answer.json()
    return document
