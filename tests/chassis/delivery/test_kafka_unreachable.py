"""A broker that is away is said once, in our words, by whichever command looks for it."""

from __future__ import annotations

import logging

import pytest

from services.chassis.delivery.kafka.clients import Cluster, Unreachable
from services.chassis.delivery.kafka.topics import Topics
from tests.support.ports import free_port


def test_the_library_says_nothing_beside_the_refusal(caplog: pytest.LogCaptureFixture) -> None:
    """It wrote thirty lines of vain attempts before the one that says what to do; later it may speak again."""
    library = logging.getLogger("kafka")
    before = library.level
    servers = f"127.0.0.1:{free_port()}"
    with pytest.raises(Unreachable, match=servers):
        Topics(Cluster.at(servers))
    assert [one.name for one in caplog.records] == []
    assert library.level == before
