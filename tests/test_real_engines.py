"""Real engines for tests: every way of having one leads to one that works, and what is not to be had is said."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from tests.support import engines, kafka, kafka_jars, postgres

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("engines")]

PROGRAMS: Final = {"installed": postgres.installed(), "wheel": postgres.carried()}


def select(url: str) -> None:
    """Writes a row in a database of its own, and reads it."""
    name = postgres.create(url)
    with psycopg.connect(postgres.in_database(url, name)) as connection:
        connection.execute("CREATE TABLE said (word text)")
        connection.execute("INSERT INTO said VALUES ('yes')")
        assert connection.execute("SELECT word FROM said").fetchall() == [("yes",)]
    postgres.drop(url, name)


def produce(servers: str, topic: str, word: bytes) -> None:
    """Sends a record, and returns when it is acknowledged."""
    producer = KafkaProducer(bootstrap_servers=servers, acks="all")
    producer.send(topic, word).get(20)
    producer.close()


def consume(servers: str, topic: str) -> Any:
    """Reads the first record in a group of its own, and commits."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=servers,
        group_id=kafka.fresh_prefix(),
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
    )
    word = next(consumer).value
    consumer.commit(timeout_ms=10_000)
    consumer.close()
    return word


def topic_in(servers: str, prefix: str) -> str:
    """Creates a topic."""
    with KafkaAdminClient(bootstrap_servers=servers) as admin:
        admin.create_topics([NewTopic(f"{prefix}said", 1, 1)])
    return f"{prefix}said"


def there_and_back(servers: str) -> None:
    """Produces a record to a topic of its own, and consumes it."""
    prefix = kafka.fresh_prefix()
    topic = topic_in(servers, prefix)
    produce(servers, topic, b"yes")
    assert consume(servers, topic) == b"yes"
    kafka.delete_topics(servers, prefix)


@pytest.fixture
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No address and no image in the environment, and no Docker daemon: what is left is this machine."""
    for name in (postgres.ADDRESS, postgres.IMAGE, kafka.SERVERS, kafka.IMAGE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    return monkeypatch


def test_a_server_whose_address_is_given_is_used(
    nothing_given: pytest.MonkeyPatch, postgres_server: postgres.Server, kafka_broker: kafka.Broker
) -> None:
    """Nothing else is started then."""
    nothing_given.setenv(postgres.ADDRESS, postgres_server.url)
    nothing_given.setenv(kafka.SERVERS, kafka_broker.servers)
    with postgres.somewhere() as url, kafka.somewhere() as servers:
        assert (url, servers) == (postgres_server.url, kafka_broker.servers)
        select(url)
        there_and_back(servers)


@pytest.mark.parametrize(
    ("start", "use"),
    [(postgres._container, select), (kafka._container, there_and_back)],
    ids=["postgres", "kafka"],
)
def test_a_container_is_used_where_a_docker_daemon_answers(
    start: Callable[[], AbstractContextManager[str]], use: Callable[[str], None]
) -> None:
    """A machine need not have Docker, so this may be skipped even under CI=true; where it has, it has to work."""
    with ExitStack() as stack:
        try:
            address = stack.enter_context(start())
        except engines.NoDaemon as reason:
            # The servers themselves are then had in another way, and tested; only this way to them is not.
            pytest.skip(f"a container is one way of several, and {reason}")
        use(address)


@pytest.mark.parametrize("which", [name for name, found in PROGRAMS.items() if found is not None])
def test_every_postgres_of_this_machine_can_be_used(which: str) -> None:
    """The installed one, and the one in the wheel."""
    with postgres.own_server(PROGRAMS[which]) as server:
        select(server.url)


def test_an_image_that_is_not_to_be_had_is_no_obstacle(nothing_given: pytest.MonkeyPatch) -> None:
    """Whether or not a daemon answers, the next way is tried soon."""
    nothing_given.delenv("DOCKER_HOST")
    for name in (postgres.IMAGE, kafka.IMAGE):
        nothing_given.setenv(name, "registry.invalid/nothing:1")
    began = time.monotonic()
    for start in (postgres._container, kafka._container):
        with pytest.raises(engines.NoServer), start():
            pass
    assert time.monotonic() - began < engines.PULL_SECONDS
    with postgres.somewhere() as url:
        select(url)


def test_without_docker_kafka_starts_from_the_cache_with_neither_maven_nor_network(
    nothing_given: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Once the jars are there, a Java is all it takes."""
    try:
        java = kafka.programs().java
    except engines.NoServer as reason:
        kafka.without_server(reason)
    (tmp_path / "java").symlink_to(java)
    nothing_given.delenv("JAVA_HOME", raising=False)
    nothing_given.setenv("PATH", str(tmp_path))
    assert shutil.which("mvn") is None
    with kafka.somewhere() as servers:
        there_and_back(servers)


def test_jars_that_could_not_be_fetched_leave_no_half_a_cache(
    nothing_given: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The reason is Maven's own words, and the next run tries again."""
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    half = 'for last; do :; done; mkdir -p "${last#-DoutputDirectory=}"'
    maven.write_text(f"#!/bin/sh\n{half}\necho no route to the repository\nexit 1\n", encoding="utf-8")
    maven.chmod(0o755)
    nothing_given.setenv("PATH", f"{maven.parent}{os.pathsep}{os.environ['PATH']}")
    nothing_given.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for _ in range(2):
        with pytest.raises(engines.NoServer, match="no route to the repository"), kafka.somewhere():
            pass
    assert [path.suffix for path in kafka_jars.cache().iterdir()] == [".lock"]


@pytest.mark.parametrize("engine", [postgres, kafka], ids=["postgres", "kafka"])
def test_what_is_not_to_be_had_is_skipped_loudly_and_fails_where_all_is_promised(
    monkeypatch: pytest.MonkeyPatch, engine: Any
) -> None:
    """One line says how to get it; under CI=true it says that as a failure, with the reason."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"^NO [A-Z]+ FOR TESTS: set CASERELAY_TEST_\w+ .+\Z") as skipped:
        engine.without_server("no Java")
    assert "\n" not in str(skipped.value)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"^NO [A-Z]+ FOR TESTS: set .+ \(no Java\)\Z"):
        engine.without_server("no Java")
