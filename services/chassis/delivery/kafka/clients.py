"""How every client of Kafka is made, and the names of what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.chassis.delivery.kafka.selector import Selector
from services.chassis.refused_start import RefusedStart
from services.chassis.settings import Settings

PROGRESS: Final = "caserelay.progress.v1"
"""How far each topic is published: the newest record of a key is all that counts."""
BOOTSTRAP_MS: Final = 5_000
REQUEST_MS: Final = 10_000


class RefusedTopics(RefusedStart):
    """The topics are not as they have to be; the message says which, and what to do."""


class Unreachable(RefusedTopics):
    """No broker answers."""


@dataclass(frozen=True)
class Cluster:
    """Where Kafka is and how to get in. Its `repr` shows neither, since it may hold a password.

    `prefix` stands before the name of every topic and group, so that several installations can share a cluster.
    """

    client: Mapping[str, Any] = field(repr=False)
    prefix: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Cluster | None:
        """The cluster that the settings name, if they do."""
        if settings.kafka_servers is None:
            return None
        password = settings.kafka_sasl_password
        client = {
            "bootstrap_servers": [server.strip() for server in settings.kafka_servers.split(",")],
            "security_protocol": settings.kafka_security_protocol,
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": password.get_secret_value() if password is not None else None,
            "ssl_cafile": settings.kafka_ssl_cafile,
            "ssl_certfile": settings.kafka_ssl_certfile,
            "ssl_keyfile": settings.kafka_ssl_keyfile,
        }
        return cls({name: value for name, value in client.items() if value is not None}, settings.kafka_prefix or "")

    @property
    def brokers(self) -> str:
        """Host and port of the brokers that the settings name."""
        return ", ".join(self.client["bootstrap_servers"])

    @classmethod
    def at(cls, servers: str, prefix: str = "") -> Cluster:
        """A cluster that needs no credentials."""
        return cls({"bootstrap_servers": servers.split(",")}, prefix)

    def options(self, **more: Any) -> dict[str, Any]:
        """What every client is made with, and what this one needs besides."""
        return {
            **self.client,
            "client_id": "caserelay",
            "selector": Selector,
            "bootstrap_timeout_ms": BOOTSTRAP_MS,
            "request_timeout_ms": REQUEST_MS,
            "reconnect_backoff_max_ms": 1_000,
            **more,
        }

    def name(self, topic_or_group: str) -> str:
        """A topic or group as it is called in the cluster."""
        return self.prefix + topic_or_group
