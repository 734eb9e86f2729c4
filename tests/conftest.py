"""What tests of every kind may ask for: a database in a real PostgreSQL, and a real Apache Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from hypothesis import settings

from services.chassis.memory_stores import MemoryStores
from services.chassis.operating.collector import spare_what_is_loaded
from services.chassis.store_opener import StoreOpener
from tests.support import engines, kafka, postgres
from tests.support.chance import pytest_runtest_setup
from tests.support.dealing import pytest_xdist_make_scheduler

__all__ = ["pytest_runtest_setup", "pytest_xdist_make_scheduler"]

# The quick set answers within a minute: it runs on files, and starts no program.
_SLOW_PLACES = ("tests/journeys/", "tests/sandbox/")
# Anyone who reads of a failure on another machine can replay it: by the steps, or by the blob.
settings.register_profile("replayable", settings.get_profile(settings.get_current_profile_name()), print_blob=True)
settings.load_profile("replayable")

_SERVERS = {"postgres_template", "postgres_server", "kafka_servers", "kafka_broker"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as slow what needs a server or starts programs; `make test` runs it all the same."""
    for item in items:
        # A fixture that is asked for by a parameter shows in the name only.
        by_name = "postgres" in item.nodeid or "kafka" in item.nodeid
        by_fixture = not _SERVERS.isdisjoint(getattr(item, "fixturenames", ()))
        if item.nodeid.startswith(_SLOW_PLACES) or by_name or by_fixture:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """All that is imported by now stays for the whole run, as in a process that serves."""
    spare_what_is_loaded()


@pytest.fixture
def service_stores(request: pytest.FixtureRequest) -> StoreOpener | None:
    """What the services of a test keep their data in: memory, or the files of its directory where it is `on_files`."""
    return None if request.node.get_closest_marker("on_files") else MemoryStores()


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
        except engines.NoServer as reason:
            postgres.without_server(reason)
        name = postgres.create_template(url)
        yield Template(url, name)
        postgres.drop(url, name)


@pytest.fixture(scope="module")
def empty_database(postgres_template: Template) -> Iterator[str]:
    """The address of a database in which nothing was ever migrated, for the tests of one file."""
    name = postgres.create(postgres_template.url)
    yield postgres.in_database(postgres_template.url, name)
    postgres.drop(postgres_template.url, name)


@pytest.fixture(scope="module")
def module_database_url(postgres_template: Template) -> Iterator[str]:
    """The address of a migrated, empty database for the tests of one file."""
    name = postgres.create(postgres_template.url, postgres_template.name)
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
        except engines.NoServer as reason:
            postgres.without_server(reason)
        yield server


@pytest.fixture(scope="session")
def kafka_servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The bootstrap servers that all test processes of this run share."""
    own = tmp_path_factory.getbasetemp()
    stack = ExitStack()
    # Not given back here: the worker that started the broker waits for the others, and the last test has a time limit.
    request.config.add_cleanup(stack.close)
    try:
        directory = own.parent if hasattr(request.config, "workerinput") else own
        return stack.enter_context(engines.shared(directory, "kafka", kafka.somewhere))
    except engines.NoServer as reason:
        kafka.without_server(reason)


@pytest.fixture
def kafka_prefix(kafka_servers: str) -> Iterator[str]:
    """What the names of the test's own topics and groups begin with; the topics are deleted after it."""
    prefix = kafka.fresh_prefix()
    yield prefix
    kafka.delete_topics(kafka_servers, prefix)


@pytest.fixture
def kafka_broker() -> Iterator[kafka.Broker]:
    """A broker of the test's own, to be killed."""
    with ExitStack() as stack:
        try:
            broker = stack.enter_context(kafka.own_broker())
        except engines.NoServer as reason:
            kafka.without_server(reason)
        yield broker
