"""What the sandbox of a journey stands on: files, or PostgreSQL and Apache Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.support import kafka

ENGINES: Final = ["files", "postgresql and kafka"]


@pytest.fixture(scope="module", params=ENGINES)
def engines(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The settings of a sandbox that the tests of one file share; database and topics are its own, and empty."""
    if request.param == "files":
        yield {}
        return
    servers, prefix = request.getfixturevalue("kafka_servers"), kafka.fresh_prefix()
    yield {
        "database_url": request.getfixturevalue("empty_database"),
        "kafka_servers": servers,
        "kafka_prefix": prefix,
    }
    kafka.delete_topics(servers, prefix)


@pytest.fixture(params=ENGINES)
def own_engines(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of a sandbox of the test's own."""
    if request.param == "files":
        return {}
    return {
        "database_url": request.getfixturevalue("database_url"),
        "kafka_servers": request.getfixturevalue("kafka_servers"),
        "kafka_prefix": request.getfixturevalue("kafka_prefix"),
    }
