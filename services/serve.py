"""Production: runs one service or all of them until a signal stops them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click
import uvicorn

from contracts.topics import TOPICS
from services.assembly import assemble, production_app
from services.chassis.clock import SystemClock
from services.chassis.identity import Verifier
from services.chassis.kafka.clients import Cluster, RefusedTopics, Unreachable
from services.chassis.oidc_issuer import IssuerUnavailable, OidcIssuer
from services.chassis.postgres import RefusedDatabase
from services.chassis.telemetry import configure_logging

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from services.chassis.settings import Settings

log = logging.getLogger(__name__)


def listen(settings: Settings) -> socket.socket | None:
    """The socket that the process will serve on; None, having said why, where it cannot be had.

    Taken before anything else starts: a second process on the port must not touch the data of the first.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as failure:
        click.echo(
            f"cannot listen: {failure.strerror or failure}; CASERELAY_HOST and CASERELAY_PORT choose another place",
            err=True,
        )
        return None


class _Server(uvicorn.Server):
    """uvicorn waits for open requests before anything else is stopped, and an event stream never ends by itself."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the event streams, then everything as usual."""
        self._end_streams()
        await super().shutdown(sockets)


def serve_app(app: ASGIApp, settings: Settings, on: socket.socket, end_streams: Callable[[], None]) -> int:
    """Serves until SIGINT or SIGTERM, as every command that serves does; the exit status: 1 if it could not start."""
    running = _Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            # Requests are counted and logged by the telemetry, without paths: a path names a case.
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=int(settings.stop_seconds),
            server_header=False,
        ),
        end_streams,
    )
    # After its clean stop the server raises the signal that stopped it once more: that is no failure of the process.
    with contextlib.suppress(KeyboardInterrupt):
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        running.run(sockets=[on])
    return 0 if running.started else 1


def _has_topics(cluster: Cluster) -> bool:
    # Late, since Kafka's client is large.
    from services.chassis.kafka.topics import require  # noqa: PLC0415

    try:
        require(cluster, TOPICS)
    except Unreachable as refusal:
        # Commands need the log alone, and what they write is published once a broker answers.
        log.warning("started without the bus", extra={"reason": str(refusal)})
    except RefusedTopics as refusal:
        click.echo(str(refusal), err=True)
        return False
    return True


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
    if (cluster := Cluster.of(settings)) is not None and not _has_topics(cluster):
        return 1
    if (on := listen(settings)) is None:
        return 1
    try:
        assembly = assemble(list(names), settings, SystemClock(), Verifier(keys, settings.audience))
    except RefusedDatabase as refusal:
        click.echo(str(refusal), err=True)
        on.close()
        return 1
    return serve_app(production_app(assembly), settings, on, assembly.end_streams)
