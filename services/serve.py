"""Production: runs one service or all of them until a signal stops them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import uvicorn

from services.assembly import assemble, production_app
from services.chassis.clock import SystemClock
from services.chassis.identity import Verifier
from services.chassis.oidc_issuer import IssuerUnavailable, OidcIssuer
from services.chassis.telemetry import configure_logging

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from services.chassis.settings import Settings

log = logging.getLogger(__name__)


def server(app: ASGIApp, settings: Settings) -> uvicorn.Server:
    """The HTTP server of a process, as every command that serves runs it."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http="httptools",
            # Requests are counted and logged by the telemetry, without paths: a path names a case.
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=int(settings.stop_seconds),
            server_header=False,
        )
    )


def run_services(settings: Settings, names: Sequence[str]) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status: 0 after a clean stop, 1 when it could not start."""
    configure_logging(settings.log_level)
    if settings.issuer is None:
        click.echo(
            "CASERELAY_ISSUER is not set: production accepts no tokens without an OpenID Connect issuer.", err=True
        )
        return 1
    try:
        keys = asyncio.run(OidcIssuer.connect(settings.issuer))
    except (IssuerUnavailable, ValueError) as failure:
        click.echo(f"the issuer cannot be used: {failure}", err=True)
        return 1
    assembly = assemble(list(names), settings, SystemClock(), Verifier(keys, settings.audience))
    running = server(production_app(assembly), settings)
    running.run()
    return 0 if running.started else 1
