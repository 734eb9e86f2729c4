"""Servers of a test's own: they can be killed, held and started again, are shared in order, and outlive nobody."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
import pytest
from kafka import KafkaProducer

from tests.support import engines, kafka, postgres
from tests.test_real_engines import consume, produce, topic_in

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("engines")]

ROOT: Final = Path(__file__).parents[1]
KILLED: Final = """
import time
from contextlib import ExitStack
from tests.support import engines
from tests.support import kafka
from tests.support import postgres
with ExitStack() as stack:
    broker = stack.enter_context(kafka.own_broker())
    server = stack.enter_context(postgres.own_server())
    addresses = [broker.servers, server.url]
    try:
        addresses.append(stack.enter_context(postgres._container()))
    except engines.NoDaemon:
        pass
    server.pause()
    held = postgres._children(server._process.pid)
    print(*addresses)
    print(broker._process.pid, server._process.pid, *held)
    print(broker._directory, server._data.parent, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("end", [kafka.Broker.kill, kafka.Broker.stop], ids=["killed", "stopped"])
def test_what_kafka_acknowledged_is_there_after_it_came_back(
    kafka_broker: kafka.Broker, end: Callable[[kafka.Broker], None]
) -> None:
    """It comes back on the same port, with the same data."""
    topic = topic_in(kafka_broker.servers, "")
    produce(kafka_broker.servers, topic, b"before")
    end(kafka_broker)
    kafka_broker.start()
    assert consume(kafka_broker.servers, topic) == b"before"


def test_a_broker_on_hold_acknowledges_once_it_goes_on(kafka_broker: kafka.Broker) -> None:
    """Meanwhile nothing is refused, and nothing is answered."""
    producer = KafkaProducer(bootstrap_servers=kafka_broker.servers, acks="all")
    topic = topic_in(kafka_broker.servers, "")
    producer.send(topic, b"first").get(20)
    kafka_broker.pause()
    sent = producer.send(topic, b"second")
    with pytest.raises(Exception, match=r"(?i)timeout"):
        sent.get(1)
    kafka_broker.go_on()
    assert sent.get(20).offset == 1
    producer.close()


def test_a_postgres_on_hold_answers_once_it_goes_on(postgres_server: postgres.Server) -> None:
    """Neither old connections nor new ones are answered meanwhile."""
    with psycopg.connect(postgres_server.url) as connection, ThreadPoolExecutor(1) as asking:
        postgres_server.pause()
        answer = asking.submit(lambda: connection.execute("SELECT 1").fetchone())
        with pytest.raises(StillWaiting):
            answer.result(0.5)
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            psycopg.connect(postgres_server.url, connect_timeout=2)
        postgres_server.go_on()
        assert answer.result(20) == (1,)


def test_servers_on_hold_can_be_killed_and_started_again(
    kafka_broker: kafka.Broker, postgres_server: postgres.Server
) -> None:
    """And stopped."""
    for server in (kafka_broker, postgres_server):
        for end in (server.kill, server.stop):
            server.pause()
            end()
            server.start()


def test_a_test_process_that_is_killed_leaves_no_server_behind() -> None:
    """Neither processes, held or not, nor a container, nor their data."""
    with subprocess.Popen([sys.executable, "-c", KILLED], cwd=ROOT, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        addresses, pids, directories = [tests.stdout.readline().split() for _ in range(3)]
        assert len(pids) > 3
        assert all(map(_runs, pids))
        tests.kill()
    until = time.monotonic() + 30
    while any(map(_runs, pids)) or any(map(_listens, addresses)) or any(map(os.path.exists, directories)):
        assert time.monotonic() < until, (pids, addresses, directories)
        time.sleep(0.1)


def _runs(pid: str) -> bool:
    try:
        status = Path("/proc", pid, "stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _listens(address: str) -> bool:
    port = re.findall(r":(\d+)", address)[-1]
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def test_the_first_to_ask_starts_a_shared_server_and_the_last_ends_it(tmp_path: Path) -> None:
    """The starter waits for the others; a worker that comes later gets a new server."""
    running: list[int] = []

    @contextmanager
    def start() -> Iterator[str]:
        running.append(len(running))
        yield f"address {running[-1]}"
        ended.set()

    ended, enough = threading.Event(), threading.Event()

    def first() -> str:
        with engines.shared(tmp_path, "one", start) as address:
            asked.set()
            enough.wait(20)
        return address

    asked = threading.Event()
    with ThreadPoolExecutor(1) as others:
        starter = others.submit(first)
        assert asked.wait(20)
        with engines.shared(tmp_path, "one", start) as address:
            enough.set()
            assert not ended.wait(0.3)
        assert (starter.result(20), address, running) == ("address 0", "address 0", [0])
    with engines.shared(tmp_path, "one", start) as again:
        assert again == "address 1"
