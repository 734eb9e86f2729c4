"""Production: runs one service or all of them until a signal stops them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click
import uvicorn

from contracts.topics import TOPICS
from services.assembly import assemble, production_app
from services.chassis.clock import SystemClock
from services.chassis.descriptors import raise_limit
from services.chassis.http.connections import Connections
from services.chassis.identity import Verifier
from services.chassis.kafka.clients import Cluster, RefusedTopics, Unreachable
from services.chassis.oidc_issuer import IssuerUnavailable, OidcIssuer
from services.chassis.postgres import RefusedDatabase
from services.chassis.telemetry import Telemetry, configure_logging

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
        return socket.create_server((settings.host, settings.port), family=family, backlog=raise_limit().backlog)
    except OSError as failure:
        click.echo(
            f"cannot listen: {failure.strerror or failure}; CASERELAY_HOST and CASERELAY_PORT choose another place",
            err=True,
        )
        return None


class Server(uvicorn.Server):
    """uvicorn with limits on its connections; see `services.chassis.http.connections`.

    It waits for open requests before anything else is stopped, and an event stream never ends by itself: `end_streams`
    ends them. `more` goes to uvicorn's own configuration.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, telemetry: Telemetry, end_streams: Callable[[], None], **more: Any
    ) -> None:
        here = raise_limit()
        if here.bound(settings.connections) < settings.connections:
            log.warning(
                "fewer connections than CASERELAY_CONNECTIONS: the limit of open files allows no more",
                extra={"count": here.connections},
            )
        self._connections = Connections(settings, here, telemetry)
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http=self._connections.protocol,  # type: ignore[arg-type]  # it is only ever called
            ws="none",
            # Requests are counted and logged by the telemetry, without paths: a path names a case.
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=int(settings.stop_seconds),
            server_header=False,
            backlog=here.backlog,
            **more,
        )
        super().__init__(config)
        self._end_streams = end_streams
        self._looking: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Looks after the connections from the first one on."""
        self._looking = asyncio.create_task(self._connections.look_after())
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the event streams, then everything as usual."""
        self._end_streams()
        await super().shutdown(sockets)
        if self._looking is not None:
            self._looking.cancel()


def serve_app(
    app: ASGIApp, settings: Settings, on: socket.socket, telemetry: Telemetry, end_streams: Callable[[], None]
) -> int:
    """Serves until SIGINT or SIGTERM, as every command that serves does; the exit status: 1 if it could not start."""
    running = Server(app, settings, telemetry, end_streams)
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
    return serve_app(production_app(assembly), settings, on, assembly.telemetry, assembly.end_streams)
