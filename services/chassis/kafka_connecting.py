"""Making a client of Kafka's library so that nothing is left behind when no broker answers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from kafka.net.compat import KafkaNetClient

from services.chassis.kafka_clients import Cluster


def connected(kind: Callable[..., Any], cluster: Cluster, **more: Any) -> Any:
    """A client of this kind. Raises KafkaError when no broker answers.

    The library's own would then leave its thread and its sockets open; over an outage of minutes a process that tries
    again and again would run out of them.
    """
    with ExitStack() as given_up:

        def net_client(**config: Any) -> Any:
            made = KafkaNetClient(**config)
            given_up.callback(made.close)
            return made

        client = kind(**cluster.options(kafka_client=net_client, **more))
        given_up.pop_all()
        return client
