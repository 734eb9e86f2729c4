"""Settings come from the environment, each with a default that runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.chassis.settings import Settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CASERELAY_")]:
        monkeypatch.delenv(name)


def test_without_any_variable_everything_has_a_value_that_runs() -> None:
    """Loopback, the documented port and directory, and no issuer."""
    settings = Settings()
    assert (settings.host, settings.port, settings.data) == ("127.0.0.1", 8640, Path("var"))
    assert (settings.issuer, settings.audience) == (None, "caserelay")
    assert (settings.body_limit, settings.wait_seconds, settings.log_level) == (1_000_000, 5.0, "INFO")
    assert settings.heartbeat_seconds <= 15


def test_variables_with_the_prefix_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is the prefix and the setting in capitals."""
    monkeypatch.setenv("CASERELAY_PORT", "9000")
    monkeypatch.setenv("CASERELAY_DATA", "/srv/caserelay")
    monkeypatch.setenv("CASERELAY_ISSUER", "https://login.example.org")
    monkeypatch.setenv("CASERELAY_LOG_LEVEL", "debug")
    settings = Settings()
    assert (settings.port, settings.data) == (9000, Path("/srv/caserelay"))
    assert (settings.issuer, settings.log_level) == ("https://login.example.org", "DEBUG")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files and manifests often pass variables on that nobody set."""
    monkeypatch.setenv("CASERELAY_ISSUER", "")
    monkeypatch.setenv("CASERELAY_PORT", "")
    assert Settings().issuer is None
    assert Settings().port == 8640


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", "70000"), ("port", "none"), ("log_level", "LOUD"), ("body_limit", "0"), ("heartbeat_seconds", "16")],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Nothing starts with half a configuration."""
    monkeypatch.setenv(f"CASERELAY_{name.upper()}", value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert [fault["loc"] for fault in refused.value.errors()] == [(name,)]


def test_a_second_process_is_had_where_it_is_wished_or_there_are_cores_for_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the cores, those count that the process may use."""
    cores = os.sched_getaffinity(0)
    assert Settings().two_processes is (len(cores) > 1)
    try:
        os.sched_setaffinity(0, {min(cores)})
        assert not Settings().two_processes
        monkeypatch.setenv("CASERELAY_PROCESSES", "2")
        assert Settings().two_processes
    finally:
        os.sched_setaffinity(0, cores)
    monkeypatch.setenv("CASERELAY_PROCESSES", "1")
    assert not Settings().two_processes
    monkeypatch.setenv("CASERELAY_PROCESSES", "3")
    with pytest.raises(ValidationError):
        Settings()


def test_networks_of_webhooks_are_checked_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list in CIDR notation, with addresses alone as networks of one; of a mistake the variable is named."""
    assert Settings().webhook_allow is None
    monkeypatch.setenv("CASERELAY_WEBHOOK_ALLOW", "127.0.0.0/8, ::1,10.20.0.0/16")
    assert Settings().webhook_allow == "127.0.0.0/8, ::1,10.20.0.0/16"
    for wrong in ("localhost", "10.20.0.1/16", "10.0.0.0/8,x"):
        monkeypatch.setenv("CASERELAY_WEBHOOK_ALLOW", wrong)
        with pytest.raises(ValidationError, match="webhook_allow"):
            Settings()
