"""A real Apache Kafka for tests, from wherever one can be had.

Tried in this order: the bootstrap servers in CASERELAY_TEST_KAFKA_SERVERS, where topics may be created and deleted; a
container, when a Docker daemon answers (image: CASERELAY_TEST_KAFKA_IMAGE); a broker from Maven Central's jars, when
Java 17 or newer is there, and Maven until the jars are in the cache.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NoReturn

from kafka import KafkaAdminClient

from tests.support import engines
from tests.support.engines import NoServer
from tests.support.kafka_jars import VERSION, Jars, alone, complete_or_not_there, jars
from tests.support.ports import free_port

SERVERS: Final = "CASERELAY_TEST_KAFKA_SERVERS"
IMAGE: Final = "CASERELAY_TEST_KAFKA_IMAGE"
START_SECONDS: Final = 60
STOP_SECONDS: Final = 30
_NOT_TO_BE_HAD: Final = (
    f"NO KAFKA FOR TESTS: set {SERVERS} to a cluster in which topics may be created and deleted, start Docker, or"
    " install Java 17 or newer and Maven"
)
_READY: Final = "Kafka Server started"


def _properties(listens: str, advertised: str, controller: str) -> dict[str, str]:
    """One process that is the whole cluster, starts quickly and holds little."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{listens},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{advertised}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "2",
        "group.initial.rebalance.delay.ms": "0",
        # A broker that was killed is not taken back before its former self counts as gone.
        "broker.session.timeout.ms": "1500",
        "broker.heartbeat.interval.ms": "300",
        # A topic that somebody forgot to create is an error.
        "auto.create.topics.enable": "false",
        "log.segment.delete.delay.ms": "1000",
        "log.cleaner.dedupe.buffer.size": "4194304",
    }


class Broker:
    """A broker of one's own, which may be killed and started again."""

    def __init__(self, programs: Jars, directory: Path, properties: Mapping[str, str] | None = None) -> None:
        self._directory = directory
        self._output = directory / "server.log"
        self._port = free_port()
        data, written = directory / "data", directory / "server.properties"
        shutil.copytree(programs.formatted, data)
        own = _properties(self.servers, self.servers, f"127.0.0.1:{free_port()}") | {"log.dirs": str(data)}
        lines = [f"{name}={value}\n" for name, value in (own | dict(properties or {})).items()]
        written.write_text("".join(lines), encoding="utf-8")
        self._command = programs.command("kafka.Kafka", written)
        self._process: subprocess.Popen[bytes] | None = None
        self._call_off: Callable[[], None] | None = None

    @property
    def servers(self) -> str:
        """Its bootstrap servers."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Starts it and returns when it takes requests. Raises NoServer."""
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self._call_off = engines.at_our_end('kill -KILL "$1"; rm -rf "$2"', self._process.pid, self._directory)
        until = time.monotonic() + START_SECONDS
        while _READY not in (words := self._output.read_text(encoding="utf-8", errors="replace")):
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise NoServer(words[-4000:])
            time.sleep(0.02)

    def kill(self) -> None:
        """Ends the broker at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends the broker in an orderly way."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Holds the broker in the middle of what it is doing: connections stay open, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Lets a held broker go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

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


def programs() -> Jars:
    """What a broker is started with; made on the first use, and from then on from the cache. Raises NoServer."""
    with alone():
        found = jars()
        if not found.archive.exists():
            with complete_or_not_there(found.archive) as made:
                with tempfile.TemporaryDirectory(prefix="caserelay-kafka-") as name:
                    broker = Broker(replace(found, archive=made), Path(name))
                    broker.start()
                    broker.stop()
                # A Java that writes no archive is not asked again.
                made.touch()
    return found


@contextmanager
def own_broker(properties: Mapping[str, str] | None = None) -> Iterator[Broker]:
    """A broker from the jars, with more properties if some are given. Raises NoServer."""
    found = programs()
    with tempfile.TemporaryDirectory(prefix="caserelay-kafka-", ignore_cleanup_errors=True) as name:
        broker = Broker(found, Path(name), properties)
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()


@contextmanager
def _container() -> Iterator[str]:
    def environment(host: str, port: int) -> dict[str, str]:
        named = _properties(f"0.0.0.0:{port}", f"{host}:{port}", "localhost:9093")
        return {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in named.items()}

    image = os.environ.get(IMAGE, f"apache/kafka:{VERSION}")
    with engines.container(image, environment, _READY) as (host, port):
        yield f"{host}:{port}"


@contextmanager
def somewhere() -> Iterator[str]:
    """The bootstrap servers of a cluster in which topics may be created and deleted. Raises NoServer."""
    if (given := os.environ.get(SERVERS)) is not None:
        yield given
        return
    with ExitStack() as stack:
        try:
            servers = stack.enter_context(_container())
        except NoServer:
            servers = stack.enter_context(own_broker()).servers
        yield servers


def without_server(reason: object) -> NoReturn:
    """Skips the test, loudly; fails it where CI=true promises that everything runs."""
    engines.without_server(_NOT_TO_BE_HAD, reason)


def fresh_prefix() -> str:
    """What the names of a test's topics and groups begin with, so that tests share a broker without meeting."""
    return f"t{uuid.uuid4().hex[:10]}."


def delete_topics(servers: str, prefix: str) -> None:
    """Deletes the topics whose names begin so."""
    with KafkaAdminClient(bootstrap_servers=servers) as admin:
        if names := [name for name in admin.list_topics() if name.startswith(prefix)]:
            admin.delete_topics(names, timeout_ms=10_000)


if __name__ == "__main__":
    try:
        programs()
    except NoServer as failure:
        sys.stderr.write(f"no Kafka from jars: {failure}\n")
