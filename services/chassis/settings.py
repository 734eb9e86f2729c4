"""What a deployment may set: environment variables with the prefix `CASERELAY_`, each with a default that runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis.access.claims import claim_pointer
from services.chassis.audit.proving import Proving

MOST_PAUSES: Final = 50
LONGEST_PAUSE: Final = 7 * 86_400
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _networks(text: str) -> str:
    for network in text.split(","):
        if network.strip():
            ip_network(network.strip())
    return text


def _pauses(text: str) -> str:
    pauses = [_seconds(pause) for pause in text.split(",")]
    if pauses[0] != 0 or not 1 <= len(pauses) <= MOST_PAUSES:
        raise ValueError(f"the first of 1 to {MOST_PAUSES} pauses is 0")
    return text


def _seconds(pause: str) -> float:
    try:
        seconds = float(pause)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_PAUSE:
        raise ValueError(f"a pause is a number of seconds from 0 to {LONGEST_PAUSE}")
    return seconds


def _mail_server(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in ("smtp", "smtp+starttls", "smtps") or not parts.hostname:
        raise ValueError("must be smtp://, smtp+starttls:// or smtps://, with a host: smtp://mail.example.org:587")
    return url


def _origin(text: str) -> str:
    if "+" in text or any(letter.isspace() or letter < "!" for letter in text) or text.strip("/") != text:
        raise ValueError("has neither white space nor a plus, and no slash at its ends: audit.example.org/caserelay")
    return text


def _public_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be https:// (or http://) with a host, and no query: https://caserelay.example.org")
    return url.rstrip("/")


class Settings(BaseSettings):
    """Read once at start-up by whatever builds a process; nothing else reads the environment.

    A value that cannot be used is refused with the variable's name before anything starts. A variable that is set
    but empty counts as unset.
    """

    model_config = SettingsConfigDict(
        env_prefix="CASERELAY_",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        # The help of the shell's commands shows them.
        use_attribute_docstrings=True,
    )

    host: str = "127.0.0.1"
    """Address to listen on; the default is not reachable from other machines."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8640
    """Port to listen on; 0 lets the system choose."""
    data: Path = Path("var")
    """Directory of what is kept in files: logs, vaults and bus unless servers are named for them, the sandbox's clock,
    the development issuer's key."""
    database_url: SecretStr | None = None
    """PostgreSQL instead of files for logs, vaults and indexes, such as `postgresql://user@host:5432/name`; each
    service of a process has schemas of its own in it. Holds a password, so nothing ever prints it."""
    kafka_servers: Annotated[str, Field(pattern=r"^\s*[^\s,:]+:\d+(\s*,\s*[^\s,:]+:\d+)*\s*$")] | None = None
    """Apache Kafka instead of a file for the bus: one or more brokers, such as `kafka-1:9092,kafka-2:9092`."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How brokers are talked to: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """How the services prove who they are: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""
    kafka_sasl_username: str | None = None
    """The services' user in Kafka."""
    kafka_sasl_password: SecretStr | None = None
    """That user's password; nothing ever prints it."""
    kafka_ssl_cafile: FilePath | None = None
    """File with the certificates that brokers are checked against; without it, those of the system."""
    kafka_ssl_certfile: FilePath | None = None
    """File with the services' own certificate, where brokers ask for one."""
    kafka_ssl_keyfile: FilePath | None = None
    """File with the key of that certificate."""
    kafka_at_start: Annotated[Literal["TRY", "REQUIRE"], BeforeValidator(_upper)] = "TRY"
    """Where no broker answers at the start: TRY begins without one and goes on trying, REQUIRE gives up."""
    kafka_prefix: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,60}$")] | None = None
    """Stands before the name of every topic and consumer group, for several installations on one cluster."""
    kafka_partitions: Annotated[int, Field(ge=1, le=1000)] = 12
    """Partitions of a topic that `caserelay bus topics` creates: how many replicas can share it. Fixed for ever."""
    kafka_replication: Annotated[int, Field(ge=1, le=10)] = 1
    """Copies of each partition that `caserelay bus topics` asks for: three in production, on as many brokers."""
    issuer: str | None = None
    """URL of the OpenID Connect issuer whose tokens are accepted; production does not start without one."""
    audience: Annotated[str, Field(min_length=1)] = "caserelay"
    """The `aud` that a token must name."""
    role_claim: Annotated[str, AfterValidator(claim_pointer)] | None = None
    """JSON pointer to the claim of the issuer's tokens that holds the role, or a list of which one is known here, such
    as `/realm_access/roles`; without it the text `role`."""
    org_claim: Annotated[str, AfterValidator(claim_pointer)] | None = None
    """The same for the organisation, a text or a list of one; without it the text `org`."""
    body_limit: Annotated[int, Field(ge=1024)] = 1_000_000
    """Largest request body, in bytes; a longer one is answered with 413."""
    header_limit: Annotated[int, Field(ge=1024)] = 65_536
    """Most bytes of a request line and its headers; more are answered with 431, a longer address with 414."""
    headers: Annotated[int, Field(ge=10)] = 100
    """Most headers of a request; more are answered with 431."""
    header_seconds: Annotated[float, Field(gt=0)] = 20.0
    """How long a request line and headers may take, from their first byte or from the connection's opening; 408."""
    body_seconds: Annotated[float, Field(gt=0)] = 30.0
    """How long no byte of a body may come before 408. A body as a whole may take as long as it likes."""
    idle_seconds: Annotated[float, Field(gt=0)] = 30.0
    """How long a connection may stay open without a request."""
    answer_seconds: Annotated[float, Field(gt=0)] = 60.0
    """How long a client may take nothing of its answer before its connection is closed."""
    connections: Annotated[int, Field(ge=0)] = 4000
    """Most open connections; beyond them idle ones make room, and if all are at work the answer is 503. 0: as many as
    there are descriptors for, which bound any other value too."""
    connections_per_address: Annotated[int, Field(ge=0)] = 1000
    """The same for one address, with 429; never more than three quarters of all. 0: no bound, as behind a gateway."""
    streams: Annotated[int, Field(ge=0)] = 2500
    """Most open event streams; a further one is answered with 503. 0: no bound."""
    streams_per_organisation: Annotated[int, Field(ge=0)] = 200
    """Most open event streams of one organisation; a further one is answered with 429. 0: no bound."""
    rate_requests: Annotated[int, Field(ge=0)] = 60_000
    """Requests of one organisation in `rate_seconds`, a line of a bulk being one; beyond them 429. 0: no bound."""
    rate_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    """The seconds in which an organisation may send `rate_requests`."""
    processes: Annotated[Literal["1", "2", "AUTO"], BeforeValidator(_upper)] = "AUTO"
    """1: one process does everything; 2: what follows a commit (index, publishing, consuming, deadlines) is done in a
    second one, so that no request waits for it; AUTO: 2 where there are two cores or more."""
    webhook_allow: Annotated[str, AfterValidator(_networks)] | None = None
    """Networks that webhooks may be sent to beyond the public Internet, comma-separated, such as `10.20.0.0/16`; within
    them http is allowed too. The sandbox allows its own machine."""
    smtp_url: Annotated[SecretStr, AfterValidator(_mail_server)] | None = None
    """The mail server that takes e-mail for others: `smtp://` (STARTTLS where it is offered, always where there is a
    password), `smtp+starttls://` or `smtps://`, with `user:password@` if it asks for them; nothing ever prints it.
    Without it nobody can subscribe by e-mail."""
    mail_from: Annotated[str, Field(pattern=r"^[!#-;=?A-~]+@[A-Za-z0-9.-]+$", max_length=254)] | None = None
    """The address that e-mail comes from, and to which servers return what they cannot deliver; without it
    `caserelay@` and the host of `CASERELAY_PUBLIC_URL`."""
    mail_bounces: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,11}@[A-Za-z0-9.-]+$", max_length=200)] | None = None
    """The address to which servers return letters to subscribers instead, such as `bounces@example.org`, with at most
    11 characters before the `@`. Each letter has a sub-address of its own (`bounces+TOKEN@example.org`); what comes
    there is for `caserelay mail bounced`."""
    public_url: Annotated[str, AfterValidator(_public_url)] | None = None
    """What people reach the services by, such as `https://caserelay.example.org`: links in e-mail begin with it.
    Without it, address and port to listen on."""
    audit_origin: Annotated[str, AfterValidator(_origin)] | None = None
    """What the names of the transparency logs begin with, such as `audit.example.org/caserelay`: a URL without scheme,
    which need not lead anywhere. Without it `caserelay.invalid/` and an id that is drawn once."""
    audit_state: Path | None = None
    """Directory, outside the database, CASERELAY_DATA and their backups, that remembers which checkpoint of each log
    was signed last; without it a log that was put back to an earlier time may be signed once more."""
    witness_policy: Path | None = None
    """File as c2sp.org/tlog-policy has it, with the witnesses that are asked to cosign the transparency logs, where
    they are reached, and how many of them are enough."""
    verify_seconds: Annotated[float, Field(ge=0, le=31 * 86_400)] = 600.0
    """Pause between two verifications of each log against what was signed, in seconds; the process that leads does them
    beside its work, in a twentieth of one core. 0: none."""
    audit_purpose: bool = False
    """Whether those who audit have to say what they read for, in the header `Caserelay-Purpose`."""
    access_database_url: SecretStr | None = None
    """The PostgreSQL database of the log of who read what, the same for all services of an installation; without it
    `CASERELAY_DATABASE_URL`, which has to be one for all of them then. Holds a password, so nothing ever prints it."""
    log_level: Annotated[LogLevel, BeforeValidator(_upper)] = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
    wait_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    """How long `?waitFor=` waits before it is answered with 504."""
    heartbeat_seconds: Annotated[float, Field(gt=0, le=15)] = 10.0
    """Longest silence on a server-sent event stream."""
    receipts_seconds: Annotated[float, Field(ge=0, le=60)] = 2.0
    """How long what readers of the feed have read is gathered before it is noted."""
    stop_seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    """How long open requests may take to end after a signal to stop."""
    webhook_retries: Annotated[str, AfterValidator(_pauses)] = "0,5,300,1800,7200,18000,36000,50400,72000,86400"
    """Pauses before each attempt of a webhook delivery, in seconds with commas between them; the first is 0."""

    @property
    def proving(self) -> Proving:
        """How each log is proven."""
        return Proving(self.audit_origin, self.audit_state, self.witness_policy, self.verify_seconds)

    @property
    def links_begin_with(self) -> str:
        """What links for people begin with, without a slash at the end."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def mail_sender(self) -> str:
        """The address that e-mail comes from."""
        return self.mail_from or f"caserelay@{urlsplit(self.links_begin_with).hostname}"

    @property
    def two_processes(self) -> bool:
        """Whether what follows a commit is done in a process of its own."""
        if self.processes == "AUTO":
            return len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)) > 1
        return self.processes == "2"

    @property
    def webhook_pauses(self) -> tuple[float, ...]:
        """The pauses before each attempt of a webhook delivery, in seconds."""
        return tuple(float(pause) for pause in self.webhook_retries.split(","))

    @field_validator("kafka_servers")
    @classmethod
    def _ports_exist(cls, servers: str | None) -> str | None:
        if servers is not None and any(not 0 < int(server.rpartition(":")[2]) < 65536 for server in servers.split(",")):
            raise ValueError("a port is a number from 1 to 65535")
        return servers

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> Settings:
        if self.kafka_security_protocol.startswith("SASL") and self.kafka_sasl_mechanism is None:
            raise ValueError(
                "CASERELAY_KAFKA_SASL_MECHANISM must be set when CASERELAY_KAFKA_SECURITY_PROTOCOL asks for SASL"
            )
        if self.access_database_url is not None and self.database_url is None:
            raise ValueError("CASERELAY_ACCESS_DATABASE_URL needs CASERELAY_DATABASE_URL: without it all is in files")
        return self


PREFIX: Final = "CASERELAY_"
_FOR_TESTS: Final = f"{PREFIX}TEST_"


def unknown_variables(environment: Mapping[str, str] = os.environ) -> dict[str, str | None]:
    """The variables with the prefix that are no setting, each with the setting whose name is nearest, if one is near.

    Those of the tests are left out.
    """
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    return {
        name: next(iter(get_close_matches(name.upper(), known, 1, 0.8)), None)
        for name in sorted(environment)
        if name.upper().startswith(PREFIX) and not name.upper().startswith(_FOR_TESTS) and name.upper() not in known
    }
