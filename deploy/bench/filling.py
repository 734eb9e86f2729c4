"""Fills logs and indexes with as many cases as are wanted, fast: one case is lived through, then copied.

A copy has the rows of its template under ids of its own. It is written past the services into their tables, as a
restored backup would be, and the bus is told that it was published: what is measured afterwards is not the filling.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, Final

import psycopg
from psycopg import sql

from contracts import casefile as casefile_contracts
from contracts import referral as referral_contracts
from deploy.bench.engines import Place
from services.casefile import projection as casefile_listing
from services.chassis.engines.migrations import index_of, log_of
from services.chassis.index.index import Table
from services.referral import projection as referral_listing

_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CUT: Final = re.compile(rf"({_ID.pattern}|20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)")
_TODAY: Final = datetime.now(UTC).date()
SPREAD_DAYS: Final = 120
"""What will be due in the template is due on so many days in the copies."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A service whose log and index are filled."""

    service: str
    topic: str
    tables: Sequence[Table]
    version: int


SERVICES: Final = (
    Indexed("referral", referral_contracts.TOPIC, referral_listing.TABLES, referral_listing.INDEX_VERSION),
    Indexed("casefile", casefile_contracts.TOPIC, casefile_listing.TABLES, casefile_listing.INDEX_VERSION),
)

Row = tuple[Any, ...]


class Ids:
    """What differs in a copy: every id is another one, as random as a real one, and what will be due is so later."""

    def __init__(self, copy: int) -> None:
        self._later = timedelta(days=copy % SPREAD_DAYS)
        self._salt = str(copy).encode()
        self._known: dict[str, str] = {}

    def of(self, template: str) -> str:
        """What an id or an instant of the template is in this copy."""
        if (known := self._known.get(template)) is None:
            known = self._known[template] = self._of(template)
        return known

    def _of(self, template: str) -> str:
        if "T" not in template:
            digest = hashlib.md5(self._salt + template.encode(), usedforsecurity=False).hexdigest()
            return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-8{digest[17:20]}-{digest[20:]}"
        day = date.fromisoformat(template[:10])
        # What has happened stays where it was, and nothing falls due by the copying.
        return (day + self._later if day > _TODAY else day).isoformat() + template[10:]


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the template, cut where its ids and instants are."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Text:
        """Every other part is an id or an instant."""
        return cls(tuple(_CUT.split(text)))

    def copied(self, ids: Ids) -> str:
        """The text as it stands in a copy."""
        return "".join(ids.of(part) if n % 2 else part for n, part in enumerate(self.parts))


class Tables:
    """The tables of one service at one place, read and written as they are."""

    def __init__(self, place: Place, indexed: Indexed) -> None:
        self._place = place
        self.indexed = indexed

    # --- what is there

    def log(self, after: int) -> list[Row]:
        """Stream, version, topic, state of the events behind a position."""
        position = "notification_id" if self._place.database is not None else "position"
        return self._rows(
            "log",
            f"SELECT {position}, originator_id, originator_version, topic, state FROM stored_events"  # noqa: S608 - constants
            f" WHERE {position} > {after} ORDER BY {position}",
        )

    def head(self) -> int:
        """The last position."""
        position = "notification_id" if self._place.database is not None else "position"
        return int(self._rows("log", f"SELECT coalesce(max({position}), 0) FROM stored_events")[0][0])  # noqa: S608 - constants

    def index(self, table: Table, after: int) -> list[Row]:
        """Key, seq and columns of the rows whose seq is behind a position."""
        columns = ", ".join(f'"{column}"' for column in ("key", "seq", *table.columns))
        return self._rows("index", f'SELECT {columns} FROM "{self._name(table.name)}" WHERE seq > {after}')  # noqa: S608 - constants

    def _rows(self, which: str, statement: str) -> list[Row]:
        if self._place.database is not None:
            with psycopg.connect(self._database(which)) as connection:
                return connection.execute(statement.encode()).fetchall()
        with closing(self._file(which)) as db:
            return db.execute(statement).fetchall()

    def _name(self, table: str) -> str:
        # Every version of an index has tables of its own in PostgreSQL, and a file of its own making otherwise.
        return table if self._place.database is None else f"{table}_v{self.indexed.version}"

    def _database(self, which: str) -> str:
        of = log_of if which == "log" else index_of
        return of(str(self._place.database), self.indexed.service).conninfo

    def _file(self, which: str) -> sqlite3.Connection:
        return sqlite3.connect(self._place.data / f"{self.indexed.service}-{which}.db", isolation_level=None)

    # --- what is added

    def add_events(self, rows: Iterator[Row]) -> None:
        """Position, stream, version, topic, state."""
        place = "notification_id" if self._place.database is not None else "position"
        columns = (place, "originator_id", "originator_version", "topic", "state")
        self._add("log", "stored_events", columns, rows)
        if self._place.database is not None:
            with psycopg.connect(self._database("log"), autocommit=True) as connection:
                connection.execute(
                    "SELECT setval(pg_get_serial_sequence('stored_events', 'notification_id'), max(notification_id))"
                    " FROM stored_events"
                )
                connection.execute("VACUUM ANALYZE stored_events")

    def add_rows(self, table: Table, rows: Iterator[Row]) -> None:
        """Key, seq, and the table's columns."""
        self._add("index", self._name(table.name), ("key", "seq", *table.columns), rows)
        if self._place.database is not None:
            with psycopg.connect(self._database("index"), autocommit=True) as connection:
                connection.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(self._name(table.name))))

    def advance(self, through: int) -> None:
        """The index has taken in everything up to a position."""
        statement = f'UPDATE "{self._name("progress")}" SET through = {through}'  # noqa: S608 - constants
        if self._place.database is not None:
            with psycopg.connect(self._database("index"), autocommit=True) as connection:
                connection.execute(statement.encode())
        else:
            with closing(self._file("index")) as db:
                db.execute(statement)

    def _add(self, which: str, table: str, columns: Sequence[str], rows: Iterator[Row]) -> None:
        if self._place.database is not None:
            into = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with (
                psycopg.connect(self._database(which), autocommit=True) as connection,
                connection.cursor().copy(into) as copy,
            ):
                for row in rows:
                    copy.write_row(row)
            return
        names, marks = ", ".join(f'"{column}"' for column in columns), ", ".join("?" * len(columns))
        with closing(self._file(which)) as db:
            # A crash would end the benchmark anyway; and keys are random, so most pages are needed at once.
            db.execute("PRAGMA synchronous = OFF")
            db.execute("PRAGMA cache_size = -400000")
            db.execute("BEGIN")
            db.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)  # noqa: S608 - constants
            db.execute("COMMIT")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class Template:
    """The rows of a case at every service: behind the heads `before` it and, unless it is the last, up to `after`."""

    def __init__(self, place: Place, before: dict[str, int], after: dict[str, int] | None = None) -> None:
        self._before = before
        self._events: dict[str, list[Row]] = {}
        self._rows: dict[tuple[str, str], list[Row]] = {}
        for tables in self._tables(place):
            service = tables.indexed.service
            end = after[service] if after is not None else tables.head()
            self._events[service] = [
                (Text.of(stream), version, topic, Text.of(bytes(state).decode()))
                for position, stream, version, topic, state in tables.log(before[service])
                # What has no id of its own, such as the mentor of all copies, is there once.
                if position <= end and _ID.search(stream)
            ]
            for table in tables.indexed.tables:
                self._rows[service, table.name] = [
                    tuple(Text.of(value) if isinstance(value, str) else value for value in row)
                    for row in tables.index(table, before[service])
                    if row[1] <= end and _ID.search(row[0])
                ]

    def _tables(self, place: Place) -> list[Tables]:
        return [Tables(place, service) for service in SERVICES if service.service in self._before]

    def events(self, service: str) -> int:
        """How many events one copy has at a service."""
        return len(self._events[service])

    async def copy(self, times: int, into: Place) -> None:
        """Adds so many copies to a place that has the tables; those of the same number have the same ids everywhere."""
        bus = into.stores().bus()
        for tables in self._tables(into):
            service, begin = tables.indexed.service, tables.head()
            tables.add_events(self._copied_events(service, times, begin))
            for table in tables.indexed.tables:
                tables.add_rows(table, self._copied_rows(service, table.name, times, begin))
            through = begin + times * self.events(service)
            tables.advance(through)
            await bus.publish(tables.indexed.topic, [], through)
        await bus.close()

    def _copied_events(self, service: str, times: int, begin: int) -> Iterator[Row]:
        positions = count(begin + 1)
        for copy in range(1, times + 1):
            ids = Ids(copy)
            for stream, version, topic, state in self._events[service]:
                yield next(positions), stream.copied(ids), version, topic, state.copied(ids).encode()

    def _copied_rows(self, service: str, table: str, times: int, begin: int) -> Iterator[Row]:
        for copy in range(1, times + 1):
            ids = Ids(copy)
            before = begin + (copy - 1) * self.events(service) - self._before[service]
            for key, seq, *columns in self._rows[service, table]:
                copied = (value.copied(ids) if isinstance(value, Text) else value for value in columns)
                yield key.copied(ids), before + seq, *copied


def heads(place: Place) -> dict[str, int]:
    """Where the logs are."""
    return {service.service: Tables(place, service).head() for service in SERVICES}
