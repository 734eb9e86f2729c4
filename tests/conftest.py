"""What tests of every kind may ask for: a database in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests import postgres

# The quick set answers within a minute: it runs on files, and starts no program.
_SLOW_PLACES = ("tests/journeys/", "tests/sandbox/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as slow what needs a database server or starts programs; `make test` runs it all the same."""
    for item in items:
        if item.nodeid.startswith(_SLOW_PLACES) or "postgres" in item.nodeid:
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class Template:
    """A server, and the database in it that is copied for every test."""

    url: str
    name: str


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[Template]:
    """The server that this test process uses."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgres.somewhere())
        except postgres.NoServer as reason:
            postgres.without_server(reason)
            raise
        name = postgres.create_template(url)
        yield Template(url, name)
        postgres.drop(url, name)


@pytest.fixture(scope="module")
def empty_database(postgres_template: Template) -> Iterator[str]:
    """The address of a database in which nothing was ever migrated, for the tests of one file."""
    name = postgres.create(postgres_template.url)
    yield postgres.in_database(postgres_template.url, name)
    postgres.drop(postgres_template.url, name)


@pytest.fixture
def database_url(postgres_template: Template) -> Iterator[str]:
    """The address of a migrated, empty database of the test's own."""
    name = postgres.create(postgres_template.url, postgres_template.name)
    yield postgres.in_database(postgres_template.url, name)
    postgres.drop(postgres_template.url, name)


@pytest.fixture
def postgres_server() -> Iterator[postgres.Server]:
    """A server of the test's own, to be killed."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres.own_server())
        except postgres.NoServer as reason:
            postgres.without_server(reason)
            raise
        yield server


@pytest.fixture(scope="session")
def kafka_servers() -> str:
    """TEMPORARY until merge."""
    return "127.0.0.1:19092"
