"""The OpenAPI document of each service, of all of them behind one origin, and of the sandbox."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any, Final

import httpx
from starlette.types import ASGIApp

from services.assembly import SERVICES, assemble, production_app
from services.chassis.clock import SandboxClock
from services.chassis.development_issuer import DevelopmentIssuer
from services.chassis.identity import Verifier
from services.chassis.settings import Settings
from services.origin import WHOLE
from services.sandbox.app import sandbox_app

SANDBOX: Final = "sandbox"


def openapi() -> dict[str, dict[str, Any]]:
    """Every document by its service's name, as `GET /openapi.json` answers it."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_documents(Path(directory)))


async def _documents(directory: Path) -> dict[str, dict[str, Any]]:
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
        return {name: await _document(app) for name, app in apps.items()}
    finally:
        await assembly.stop()


async def _document(app: ASGIApp) -> dict[str, Any]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://caserelay.invalid") as http:
        answer = await http.get("/openapi.json")
    answer.raise_for_status()
    document: dict[str, Any] = answer.json()
    return document
