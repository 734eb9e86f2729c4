"""Production: runs one service or all of them until a signal stops them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from contracts.audited import ACCESS
from contracts.topics import TOPICS
from services.assembly import Assembly, assemble, load, production_app
from services.chassis.access.identity import Verifier
from services.chassis.access.oidc_issuer import IssuerUnavailable, OidcIssuer
from services.chassis.audit.remembered import RememberedCheckpoint
from services.chassis.audit.witness_policy import reachable, read_policy
from services.chassis.delivery.kafka.clients import Cluster, Unreachable
from services.chassis.http.server.connections import Connections
from services.chassis.operating.descriptors import raise_limit
from services.chassis.operating.telemetry import Telemetry, configure_logging
from services.chassis.operating.version import VERSION
from services.chassis.refused_start import RefusedStart
from services.chassis.time.clock import SystemClock
from services.worker import main as do_the_work
from services.worker_process import Job, Main, WorkerProcess

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from services.chassis.settings import Settings

log = logging.getLogger(__name__)


class RefusedAddress(RefusedStart):
    """The process cannot listen where it should."""


def listen(settings: Settings) -> socket.socket:
    """The socket that the process will serve on. Raises RefusedAddress.

    Taken before anything else starts: a second process on the port must not touch the data of the first.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=raise_limit().backlog)
    except (OSError, UnicodeError) as failure:
        why = (isinstance(failure, OSError) and failure.strerror) or type(failure).__name__
        raise RefusedAddress(
            f"cannot listen: {why}; set CASERELAY_HOST and CASERELAY_PORT to another address"
        ) from None


def address(settings: Settings, on: socket.socket) -> str:
    """Where the process listens, as it stands in a URL."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{on.getsockname()[1]}"


def announce(assembly: Assembly, on: socket.socket, issuer: str) -> None:
    """The line of the log that says what starts here, without anything secret."""
    fields = {
        "version": VERSION,
        "address": address(assembly.settings, on),
        "services": ", ".join(assembly.apps),
        "stores": assembly.stores.described,
        "bus": assembly.stores.bus_described,
        "issuer": issuer,
        "signed": _remembers(assembly.settings, _proven(assembly.apps)),
    }
    log.info("Caserelay starts", extra=fields)


def _proven(services: Iterable[str]) -> list[str]:
    """The logs that services prove: their own, and who read what, which the casefile service keeps."""
    return [log for service in services for log in ((service, ACCESS) if service == "casefile" else (service,))]


def _remembers(settings: Settings, logs: Iterable[str]) -> str:
    """What a rollback of the logs would be noticed by."""
    witnessed = ""
    if settings.witness_policy is not None:
        names = ", ".join(reachable(read_policy(settings.witness_policy)))
        witnessed = f"; what the witnesses {names} hold is asked for"
    return _remembered(settings, logs) + witnessed


def _remembered(settings: Settings, logs: Iterable[str]) -> str:
    if settings.audit_state is None:
        if settings.witness_policy is not None:
            return "nothing here outside the stores remembers what was signed last"
        return "nothing outside the stores remembers what was signed last: a rollback cannot be noticed"
    if new := [log for log in logs if not RememberedCheckpoint(settings.audit_state, log).exists]:
        named = ", ".join(new)
        return (
            f"a rollback before now cannot be noticed: nothing of {named} is remembered yet in {settings.audit_state}"
        )
    return f"what was signed last is remembered in {settings.audit_state}"


class Server(uvicorn.Server):
    """uvicorn with limits on its connections; see `services.chassis.http.server.connections`.

    It waits for open requests before anything else is stopped, and an event stream never ends by itself: `end_streams`
    ends them. `more` goes to uvicorn's own configuration.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, telemetry: Telemetry, end_streams: Callable[[], None], **more: Any
    ) -> None:
        here = raise_limit()
        if here.bound(settings.connections) < settings.connections:
            log.warning(
                "the limit of open files allows fewer connections than CASERELAY_CONNECTIONS",
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


def _look_for_topics(cluster: Cluster, *, required: bool) -> None:
    # Late, since Kafka's client is large.
    from services.chassis.delivery.kafka.topics import require  # noqa: PLC0415

    try:
        require(cluster, TOPICS)
    except Unreachable:
        if required:
            raise
        # Commands need the log alone, and what they write is published once a broker answers.
        log.warning("no Kafka broker answers; starting anyway and retrying", extra={"broker": cluster.brokers})


@contextmanager
def worker_beside(
    names: Sequence[str],
    settings: Settings,
    *,
    sandbox: bool = False,
    log_level: str,
    work: Main = do_the_work,
) -> Iterator[WorkerProcess | None]:
    """The process for what follows a commit, where the settings ask for one; before this one opens anything."""
    if not settings.two_processes:
        yield None
        return
    # Else each of the two would load them for itself, one after the other.
    load(names, settings)
    worker = WorkerProcess(Job(tuple(names), settings, sandbox, log_level), work)
    try:
        yield worker
    finally:
        worker.abandon()


def run_services(settings: Settings, names: Sequence[str]) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status: 0 after a clean stop, 1 when the server did not start.

    Raises RefusedStart when something that a setting names cannot be used.
    """
    configure_logging(settings.log_level)
    if settings.issuer is None:
        raise IssuerUnavailable(
            "CASERELAY_ISSUER is not set: production accepts no tokens without an OpenID Connect issuer."
        )
    with worker_beside(names, settings, log_level=settings.log_level) as worker:
        return _run_services(settings, settings.issuer, names, worker)


def _run_services(settings: Settings, issuer: str, names: Sequence[str], worker: WorkerProcess | None) -> int:
    try:
        keys = asyncio.run(OidcIssuer.connect(issuer))
    except (IssuerUnavailable, ValueError) as failure:
        named = "" if "CASERELAY_ISSUER" in str(failure) else "CASERELAY_ISSUER cannot be used: "
        raise IssuerUnavailable(f"{named}{failure}") from None
    if (cluster := Cluster.of(settings)) is not None:
        _look_for_topics(cluster, required=settings.kafka_at_start == "REQUIRE")
    with listen(settings) as on:
        verifier = Verifier(keys, settings.audience, role_claim=settings.role_claim, org_claim=settings.org_claim)
        assembly = assemble(list(names), settings, SystemClock(), verifier, worker=worker)
        announce(assembly, on, keys.issuer)
        return serve_app(production_app(assembly), settings, on, assembly.telemetry, assembly.end_streams)
