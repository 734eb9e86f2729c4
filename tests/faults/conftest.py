"""Programs that are gone when their test is, and an issuer for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from services.sandbox.development_issuer import DevelopmentIssuer
from tests.faults.caller import Caller
from tests.faults.issuer import LoopbackIssuer
from tests.faults.processes import Program
from tests.faults.production import Kafka, Production
from tests.support.kafka import Broker
from tests.support.people import Person
from tests.support.postgres import Server
from tests.support.repetitions import in_full

Start = Callable[..., Program]


@pytest.fixture
def issuer() -> Iterator[LoopbackIssuer]:
    """An issuer for `caserelay serve`."""
    running = LoopbackIssuer()
    yield running
    running.close()


@contextmanager
def programs(directory: Path, issuer: LoopbackIssuer) -> Iterator[Start]:
    """Makes programs over one data directory in another one, `data`; none of their processes outlives the block.

    In CI a program is one process unless a test says otherwise, which starts in two thirds of the time.
    """
    with ExitStack() as made:

        def make(*arguments: str, data: str = "data", **settings: str) -> Program:
            settings = {"processes": in_full("AUTO", short="1"), **settings}
            one = Program(*arguments, data=directory / data, issuer=issuer.url, **settings)
            made.callback(one.kill)
            return one

        yield make


@pytest.fixture
def program(tmp_path: Path, issuer: LoopbackIssuer) -> Iterator[Start]:
    """Makes programs whose processes do not outlive the test."""
    with programs(tmp_path, issuer) as make:
        yield make


@pytest.fixture
async def production(
    program: Start, issuer: LoopbackIssuer, database_url: str, kafka_servers: str, kafka_prefix: str
) -> Production:
    """All replicas on servers that others use as well."""
    running = Production(program, issuer, database_url, Kafka(kafka_servers, kafka_prefix))
    await running.start()
    return running


@pytest.fixture
async def production_of_its_own(
    program: Start, issuer: LoopbackIssuer, postgres_server: Server, kafka_broker: Broker
) -> Production:
    """All replicas on servers that nobody else uses, so that these may be ended and held."""
    running = Production(program, issuer, postgres_server.url, Kafka(kafka_broker.servers, ""))
    await running.start()
    return running


@pytest.fixture
def caller(issuer: LoopbackIssuer) -> Callable[[Program], Caller]:
    """Makes callers of a program, with the tokens that it accepts."""

    def make(program: Program) -> Caller:
        if not program.is_sandbox:
            return Caller(program.url, issuer.token)
        sandbox = DevelopmentIssuer(program.data / "issuer")

        def token(person: Person) -> str:
            return sandbox.issue(sub=person.sub, org=person.org, role=person.role, audience="caserelay")

        return Caller(program.url, token)

    return make
