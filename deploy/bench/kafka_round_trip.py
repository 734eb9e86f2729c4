"""From a POST to a record at a Kafka consumer, next to the round trip of a record of the same size on the same broker.

Two topics: that of the referral service, which the other services follow, and that of the organisation, which its own
systems follow. The second one is filled by the notifications service, which has to hear of the referral first.

The first one is measured with the referral service alone, for the path by itself, and with all services at work: then
every follower of the topic competes for the same two cores. Each referral is sent once everybody is done with
the one before it; how many there may be at once is the matter of another benchmark.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import uvloop
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from pydantic_core import from_json

from contracts.referral import TOPIC, ReferralSubmitted
from deploy.bench.bench import WARM_UP, Bench, rounds
from deploy.bench.engines import KAFKA, READERS, Place
from deploy.bench.http_client import Connection
from deploy.bench.process import busy_seconds
from deploy.bench.requests import Referrals
from deploy.bench.results import Result, against, median, p95
from deploy.bench.system import CASERELAY, System
from services.notifications.organisation_topics import topic_of
from services.sandbox.demo import INES

ABOUT_SECONDS: Final = 20
RAW: Final = "raw produce and consume"
TIMEOUT_SECONDS: Final = 30.0
QUIET_SECONDS: Final = 0.05
"""Behind each referral; what follows from it at all services takes about half of that."""
SIZE: Final = 2000


class Follower:
    """A consumer of a topic in a thread of its own: every record with the moment at which it was there."""

    def __init__(self, servers: str, topic: str) -> None:
        self.records: queue.Queue[tuple[Any, float]] = queue.Queue()
        self._over = threading.Event()
        self._ready = threading.Event()
        self._consumer = KafkaConsumer(bootstrap_servers=servers, auto_offset_reset="latest")
        until = time.monotonic() + TIMEOUT_SECONDS
        while not (partitions := self._consumer.partitions_for_topic(topic)):
            # A topic that was just made is not known at once.
            if time.monotonic() > until:
                raise RuntimeError(f"there is no topic {topic}")
            time.sleep(0.05)
        self._consumer.assign([TopicPartition(topic, partition) for partition in partitions])
        self._consumer.seek_to_end()
        self._thread = threading.Thread(target=self._follow)

    def _follow(self) -> None:
        while not self._over.is_set():
            for records in self._consumer.poll(timeout_ms=100).values():
                seen = time.perf_counter()
                for record in records:
                    self.records.put((record, seen))
            self._ready.set()
        self._consumer.close()

    def start(self) -> None:
        """Returns when it waits for what comes next."""
        self._thread.start()
        self._ready.wait(TIMEOUT_SECONDS)

    def stop(self) -> None:
        """Ends it."""
        self._over.set()
        self._thread.join()

    def next(self) -> tuple[Any, float]:
        """The next record. Raises queue.Empty when none comes."""
        return self.records.get(timeout=TIMEOUT_SECONDS)


@contextmanager
def following(servers: str, topic: str) -> Iterator[Follower]:
    """A consumer that reads a topic from now on, in a thread of its own."""
    follower = Follower(servers, topic)
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()


def measure(bench: Bench) -> Iterator[Result]:
    """One record after the other."""
    with bench.place(KAFKA) as place:
        raw = _raw(bench, place)
        yield _result(RAW, raw, (f"{SIZE} bytes, acks=all",))
        commit = _commits(bench, place)
        yield Result(name="one commit in PostgreSQL", engine=KAFKA, median=median(commit), p95=p95(commit))
        round_trips = _RoundTrips(bench, place, raw, commit)
        with System.of_command([*CASERELAY, "serve", "referral"], place, bench.issuer) as system:
            yield from round_trips.of(system, TOPIC, "the referral service alone")
        with System.whole(place, bench.issuer, scene=False) as system:
            yield from round_trips.of(system, TOPIC, "all services at work")
            yield from round_trips.of(
                system, topic_of(READERS[0]), "all services at work, the topic of the organisation"
            )


@dataclass(frozen=True, slots=True)
class _RoundTrips:
    """What the ways through a system are held against: the raw round trips and the commits, in milliseconds."""

    bench: Bench
    place: Place
    raw: list[float]
    commit: list[float]

    def of(self, system: System, topic: str, name: str) -> Iterator[Result]:
        """The way to a topic, and how much of it is the POST's own answer."""
        system.catch_up()
        with following(str(self.place.kafka), self.place.prefix + topic) as follower:
            used, busy = system.processor_seconds(), busy_seconds()
            answered, took = uvloop.run(one_after_the_other(self.bench, system, follower))
            used, busy = system.processor_seconds() - used, busy_seconds() - busy
        yield _result(f"POST -> its answer, {name}", answered)
        allowed = 2 * p95(self.raw) + p95(self.commit)
        compared = (
            *against(RAW, median(took), median(self.raw), "median"),
            *against(RAW, p95(took), p95(self.raw), "p95"),
            *against("twice raw and a commit", p95(took), allowed, "p95"),
        )
        sent = len(took) + WARM_UP
        notes = (
            f"{len(took)} referrals, one after the other",
            f"{1000 * used / sent:.1f} ms of processor each in the services, {1000 * busy / sent:.1f} on the machine",
        )
        yield _result(f"POST -> consumer, {name}", took, notes, compared)


def _result(name: str, took: list[float], notes: tuple[str, ...] = (), compared: tuple[Any, ...] = ()) -> Result:
    return Result(name=name, engine=KAFKA, median=median(took), p95=p95(took), notes=notes, compared=compared)


def _raw(bench: Bench, place: Place) -> list[float]:
    """Milliseconds from `send` until the consumer has the record."""
    topic = f"{place.prefix}raw"
    with KafkaAdminClient(bootstrap_servers=place.kafka) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
    producer = KafkaProducer(bootstrap_servers=place.kafka, acks="all", linger_ms=0)
    took = list[float]()
    with following(str(place.kafka), topic) as follower:
        for counts in rounds(bench.seconds):
            value = uuid.uuid4().hex.encode().ljust(SIZE, b".")
            began = time.perf_counter()
            producer.send(topic, value=value)
            record, seen = follower.next()
            if record.value != value:
                raise RuntimeError("another record came")
            if counts:
                took.append(1000 * (seen - began))
    producer.close()
    return took


def _commits(bench: Bench, place: Place) -> list[float]:
    """Milliseconds of a transaction with one small row."""
    took = list[float]()
    with psycopg.connect(str(place.database), autocommit=True) as connection:
        connection.execute("CREATE TABLE commits (value text)")
        for counts in rounds(min(2, bench.seconds)):
            began = time.perf_counter()
            connection.execute("INSERT INTO commits VALUES (%s)", ("x" * 500,))
            if counts:
                took.append(1000 * (time.perf_counter() - began))
        connection.execute("DROP TABLE commits")
    return took


async def one_after_the_other(bench: Bench, system: System, follower: Follower) -> tuple[list[float], list[float]]:
    """Milliseconds from the POST until its answer, and until the consumer has the record."""
    connection = await Connection.open(system.url)
    referrals = Referrals(system.token(INES))
    answered, took = list[float](), list[float]()
    for counts in rounds(bench.seconds):
        sent = time.perf_counter()
        submitted = (await connection.send(referrals.next())).expect(201)["id"]
        answer = time.perf_counter()
        seen = await asyncio.to_thread(_submitted, follower, submitted)
        if counts:
            answered.append(1000 * (answer - sent))
            took.append(1000 * (seen - sent))
        await asyncio.sleep(QUIET_SECONDS)
    connection.close()
    return answered, took


def _submitted(follower: Follower, referral: str) -> float:
    # The organisation's topic tells of what follows from a referral too.
    while True:
        record, seen = follower.next()
        kind = dict(record.headers)["ce_type"].decode()
        if kind == ReferralSubmitted.TYPE and from_json(record.value)["referral"] == referral:
            return seen
