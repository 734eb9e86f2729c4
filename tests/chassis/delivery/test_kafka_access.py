"""A cluster with TLS, passwords and access rules: the services work in it, and a partner reads its own topic alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourceType
from kafka.errors import GroupAuthorizationFailedError, KafkaError

from services.bus_administration import create_topics
from services.chassis.delivery.bus import BusMessage, Place
from services.chassis.delivery.kafka.bus import KafkaBus
from services.chassis.delivery.kafka.clients import PROGRESS, Cluster, Unreachable
from services.chassis.delivery.kafka.topics import require
from services.chassis.settings import Settings
from tests.support import engines, kafka

OWN, OTHERS, BETWEEN = "caserelay.organisation.brugwerk.v1", "caserelay.organisation.samenstap.v1", "caserelay.test.v1"
PASSWORDS = {"operator": "o-secret", "caserelay": "c-secret", "brugwerk": "b-secret"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Guarded:
    """Where the cluster is, and the certificate that its brokers are known by."""

    servers: str
    authority: Path

    def options(self, user: str) -> dict[str, Any]:
        """How any client gets in."""
        return {
            "bootstrap_servers": self.servers,
            "security_protocol": "SASL_SSL",
            "ssl_cafile": str(self.authority),
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": user,
            "sasl_plain_password": PASSWORDS[user],
            "request_timeout_ms": 5_000,
        }

    def settings(self, user: str, password: str | None = None) -> Settings:
        """The same for the services."""
        return Settings(
            kafka_servers=self.servers,
            kafka_security_protocol="SASL_SSL",
            kafka_ssl_cafile=self.authority,
            kafka_sasl_mechanism="PLAIN",
            kafka_sasl_username=user,
            kafka_sasl_password=password or PASSWORDS[user],  # type: ignore[arg-type]  # as the environment gives it
            kafka_partitions=3,
        )


def _certificate() -> tuple[str, str]:
    """A key and a certificate for the loopback address that vouches for itself, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker of a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), made.public_bytes(serialization.Encoding.PEM).decode()


def _properties(key: str, certificate: str) -> dict[str, str]:
    users = " ".join(f'user_{user}="{password}"' for user, password in PASSWORDS.items())
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return {
        # The listener keeps the name that the tests' broker gives it.
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_SSL",
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.plaintext.plain.sasl.jaas.config": (
            f'{module} required username="operator" password="{PASSWORDS["operator"]}" {users};'
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.key": key.replace("\n", "\\n"),
        "ssl.keystore.certificate.chain": certificate.replace("\n", "\\n"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": certificate.replace("\n", "\\n"),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:operator;User:ANONYMOUS",
    }


def _allow(user: str, operation: ACLOperation, kind: ResourceType, name: str, *, begins: bool = False) -> ACL:
    pattern = ACLResourcePatternType.PREFIXED if begins else ACLResourcePatternType.LITERAL
    return ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name, pattern))


RULES = [
    _allow("caserelay", ACLOperation.READ, ResourceType.TOPIC, "caserelay.", begins=True),
    _allow("caserelay", ACLOperation.WRITE, ResourceType.TOPIC, "caserelay.", begins=True),
    _allow("caserelay", ACLOperation.READ, ResourceType.GROUP, "caserelay.", begins=True),
    _allow("brugwerk", ACLOperation.READ, ResourceType.TOPIC, OWN),
    _allow("brugwerk", ACLOperation.READ, ResourceType.GROUP, "brugwerk.", begins=True),
]
"""What docs/operating.md tells an operator to allow."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The cluster, with its topics and rules."""
    key, certificate = _certificate()
    authority = tmp_path_factory.mktemp("guarded") / "authority.pem"
    authority.write_text(certificate, encoding="utf-8")
    try:
        with kafka.own_broker(_properties(key, certificate)) as broker:
            cluster = Guarded(broker.servers, authority)
            create_topics(cluster.settings("operator"), ["brugwerk", "samenstap"])
            with KafkaAdminClient(**cluster.options("operator")) as admin:
                admin.create_topics({BETWEEN: {"num_partitions": 3, "replication_factor": 1}}, wait_for_metadata=True)
                admin.create_acls(RULES)
            yield cluster
    except engines.NoServer as reason:
        kafka.without_server(reason)


def _read(cluster: Guarded, topic: str, group: str, seconds: float = 30, user: str = "brugwerk") -> list[bytes]:
    """What a client finds in a topic, and nothing where it may not even know of it. Raises what Kafka says."""
    consumer = KafkaConsumer(
        topic, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False, **cluster.options(user)
    )
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := [record.value for records in consumer.poll(timeout_ms=500).values() for record in records]:
                return found
        return []
    finally:
        consumer.close(autocommit=False, timeout_ms=1_000)


async def test_the_services_work_behind_tls_and_passwords(guarded: Guarded) -> None:
    """What the settings name goes to every client: publishing, following and progress."""
    cluster = Cluster.of(guarded.settings("caserelay"))
    assert cluster is not None
    bus, places = KafkaBus(cluster), dict[int, Place]()

    async def saved() -> dict[int, Place]:
        return places

    subscription = bus.subscribe(BETWEEN, "caserelay.test", saved)
    await bus.publish(BETWEEN, [BusMessage(1, "k", "e-1", b"{}")], 1)
    until, found = time.monotonic() + 20, list[str]()
    while subscription.through(places) < 1:
        assert time.monotonic() < until
        batches = await subscription.take(10, 0.5)
        found += [message.id for batch in batches for message in batch.messages]
        places |= {batch.partition: batch.place for batch in batches}
        await subscription.taken(places)
    assert found == ["e-1"]
    await subscription.close()
    await bus.close()


def test_a_wrong_password_or_certificate_is_no_way_in(guarded: Guarded, tmp_path: Path) -> None:
    """And neither is shown."""
    stranger = tmp_path / "stranger.pem"
    stranger.write_text(_certificate()[1], encoding="utf-8")
    wrong = [guarded.settings("caserelay", "guessed-it"), guarded.settings("caserelay")]
    wrong[1] = wrong[1].model_copy(update={"kafka_ssl_cafile": stranger})
    for settings in wrong:
        cluster = Cluster.of(settings)
        assert cluster is not None
        with pytest.raises(Unreachable) as refused:
            require(cluster, [BETWEEN])
        shown = f"{refused.value}{cluster!r}{settings!r}"
        assert "guessed-it" not in shown
        assert PASSWORDS["caserelay"] not in shown


async def test_a_partner_reads_its_own_topic_and_no_other(guarded: Guarded) -> None:
    """Not another organisation's, not those between the services, and not as a member of the services' groups."""
    cluster = Cluster.of(guarded.settings("caserelay"))
    assert cluster is not None
    bus = KafkaBus(cluster)
    await bus.publish(BETWEEN, [BusMessage(9, "k", "e-9", b"{}")], 9)
    for topic in (OWN, OTHERS):
        await bus.publish(topic, [BusMessage(1, "case", "e-1", topic.encode())], 1)
    await bus.close()
    assert _read(guarded, OWN, "brugwerk.system") == [OWN.encode()]
    # Each holds something, and the operator sees it.
    for topic in (OTHERS, BETWEEN, PROGRESS):
        assert _read(guarded, topic, "operator.system", user="operator")
        assert _read(guarded, topic, "brugwerk.system", seconds=4) == []
    with pytest.raises(GroupAuthorizationFailedError):
        _read(guarded, OWN, "caserelay.casefile.caserelay.referral.v1")


def test_a_partner_writes_nowhere(guarded: Guarded) -> None:
    """Not even into its own topic: what it reads there comes from the services alone."""
    producer = KafkaProducer(max_block_ms=5_000, delivery_timeout_ms=10_000, **guarded.options("brugwerk"))
    with pytest.raises(KafkaError):
        producer.send(OWN, value=b"forged", partition=TopicPartition(OWN, 0).partition).get(timeout=15)
    producer.close(timeout=2)
