"""Starts the sandbox and tells its stories over its own public API."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import click
import httpx

from services.assembly import assemble
from services.chassis.access.identity import Verifier
from services.chassis.operating.telemetry import configure_logging
from services.chassis.settings import Settings
from services.chassis.stores import RefusedFiles, opening
from services.chassis.time.clock import SandboxClock
from services.sandbox.app import sandbox_app
from services.sandbox.client import Refusal, SandboxClient
from services.sandbox.demo import set_the_scene
from services.sandbox.development_issuer import DevelopmentIssuer
from services.sandbox.stories import tell_stories
from services.serve import address, announce, listen, serve_app, worker_beside

log = logging.getLogger(__name__)


def issuer_directory(settings: Settings) -> Path:
    """Where the sandbox keeps the key that it signs its tokens with."""
    return settings.data / "issuer"


def with_webhooks_to_this_machine(settings: Settings) -> Settings:
    """A visitor's receiver runs beside the sandbox; where networks are named, they are those and no others."""
    if settings.webhook_allow is not None:
        return settings
    return settings.model_copy(update={"webhook_allow": "127.0.0.0/8,::1"})


def open_issuer(settings: Settings) -> DevelopmentIssuer:
    """The issuer with its key. Raises RefusedFiles where that cannot be read or made."""
    directory = issuer_directory(settings)
    with opening(directory):
        try:
            return DevelopmentIssuer(directory)
        except ValueError as failure:
            raise RefusedFiles(f"CASERELAY_DATA: {failure}; move it away to have a new key created") from None


def _open_clock(settings: Settings) -> SandboxClock:
    file = settings.data / "sandbox-clock.json"
    with opening(file):
        try:
            return SandboxClock(file)
        except ValueError as failure:
            raise RefusedFiles(f"CASERELAY_DATA: {failure}; restore it from a backup") from None


def _client(settings: Settings, url: str) -> SandboxClient:
    issuer = open_issuer(settings)

    def token(sub: str, org: str, role: str) -> str:
        return issuer.issue(sub=sub, org=org, role=role, audience=settings.audience)

    return SandboxClient(url, token)


async def _tell(client: SandboxClient, *, empty: bool, say: Callable[[str], None]) -> None:
    async with client:
        await set_the_scene(client)
        if not empty:
            await tell_stories(client, say)


def run_sandbox(settings: Settings, *, empty: bool) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status: 0 after a clean stop, 1 when it could not start."""
    # A visitor wants to read the stories, not the requests that make them.
    chosen = "log_level" in settings.model_fields_set
    level = settings.log_level if chosen else "WARNING"
    configure_logging(level, disclose=True)
    names = ["referral", "casefile", "notifications"]
    settings = with_webhooks_to_this_machine(settings)
    with worker_beside(names, settings, sandbox=True, log_level=level) as worker, listen(settings) as on:
        issuer, clock = open_issuer(settings), _open_clock(settings)
        if settings.database_url is not None:
            # Nobody runs a sandbox to learn about migrations. Late, since few have a database there.
            from services.chassis.engines.migrations import migrate  # noqa: PLC0415

            migrate(settings.database_url.get_secret_value(), names)
        if settings.kafka_servers is not None:
            # Late, since Kafka's client is large.
            from services.bus_administration import create_topics  # noqa: PLC0415

            create_topics(settings, [])
        assembly = assemble(names, settings, clock, Verifier(issuer, settings.audience), worker=worker)
        url = f"http://{address(settings, on)}"
        announce(assembly, on, issuer.issuer)

        async def tell() -> None:
            # Told through the front door: what the demo shows, any client can do.
            await _tell(_client(settings, url), empty=empty, say=click.echo)
            click.echo(
                f"Caserelay sandbox is ready at {url} (Ctrl-C stops it; data is kept in {settings.data}{os.sep})"
            )

        return serve_app(sandbox_app(assembly, clock, tell), settings, on, assembly.telemetry, assembly.end_streams)


async def tell_demo(settings: Settings, url: str | None) -> int:
    """Loads the demo into a running sandbox; returns the exit status."""
    client = _client(settings, url or f"http://{settings.host}:{settings.port}")
    try:
        await _tell(client, empty=False, say=click.echo)
    except (httpx.TransportError, Refusal) as failure:
        click.echo(f"the demo could not be loaded: {failure}", err=True)
        return 1
    return 0
