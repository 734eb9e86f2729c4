"""What a deployment may set: environment variables with the prefix `CASERELAY_`, each with a default that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class Settings(BaseSettings):
    """Read once at start-up by whatever builds a process; nothing else reads the environment.

    A value that cannot be used is refused with the variable's name before anything starts. A variable that is set
    but empty counts as unset.
    """

    model_config = SettingsConfigDict(env_prefix="CASERELAY_", env_ignore_empty=True, frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    """Address to listen on; the default is not reachable from other machines."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8640
    """Port to listen on; 0 lets the system choose."""
    data: Path = Path("var")
    """Directory of the logs, the vault, the bus, the sandbox's clock and the development issuer's key."""
    database_url: SecretStr | None = None
    """PostgreSQL instead of files for logs, vaults and indexes, such as `postgresql://user@host:5432/name`; each
    service of a process has schemas of its own in it. Holds a password, so nothing ever prints it."""
    issuer: str | None = None
    """URL of the OpenID Connect issuer whose tokens are accepted; production does not start without one."""
    audience: Annotated[str, Field(min_length=1)] = "caserelay"
    """The `aud` that a token must name."""
    body_limit: Annotated[int, Field(ge=1024)] = 1_000_000
    """Largest request body, in bytes; a longer one is answered with 413."""
    log_level: Annotated[LogLevel, BeforeValidator(_upper)] = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
    wait_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    """How long `?waitFor=` waits before it is answered with 504."""
    heartbeat_seconds: Annotated[float, Field(gt=0, le=15)] = 10.0
    """Longest silence on a server-sent event stream."""
    stop_seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    """How long open requests may take to end after a signal to stop."""
