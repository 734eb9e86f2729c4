"""What cannot be used is said before anything is done: one line that names the setting, exit status 2, no traceback."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from services.chassis.delivery.kafka.clients import BOOTSTRAP_MS
from services.chassis.settings import unknown_variables
from services.chassis.transparency.keys import SignatureType, SignerKey
from tests.journeys.sandbox import Program, run, run_as_installed, sandbox
from tests.sandbox.issuer import issuing
from tests.support.mounts import mounted, remount_read_only

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("the shell")]

HUNG_SECONDS = 90
"""After that a start is taken to hang, however slow the machine is."""
CASE = "a2616996-a3c5-518f-9de8-f6fb7a8757ad"
TOKEN = ("token", "--org", "brugwerk", "--role", "NGO_COORDINATOR", "--sub", "lotte.claes")


def said(refused: subprocess.CompletedProcess[str]) -> str:
    """The one line of a refusal."""
    (line,) = refused.stderr.splitlines()
    assert (refused.returncode, refused.stdout) == (2, ""), refused.stdout + refused.stderr
    return line


def a_file_for_the_directory(data: Path) -> None:
    """A file stands where the data directory should be."""
    data.write_text("no directory")


def a_file_above_the_directory(data: Path) -> None:
    """The same, one higher."""
    data.parent.rmdir()
    data.parent.write_text("no directory")


def noise_for_every_file(data: Path) -> None:
    """No file is a database any more."""
    (data / "issuer").mkdir(parents=True)
    (data / "issuer" / "ed25519.pem").write_bytes(b"\x00noise\xff" * 40)
    (data / "sandbox-clock.json").write_bytes(b"\x00noise\xff" * 40)
    for service in ("referral", "casefile", "notifications"):
        for store in ("log", "vault", "index", "consumers", "lease"):
            (data / f"{service}-{store}.db").write_bytes(b"\x00noise\xff" * 1_000)
    for other in ("bus.db", "casefile-reports.db"):
        (data / other).write_bytes(b"\x00noise\xff" * 1_000)


def directories_for_files(data: Path) -> None:
    """A directory stands where each file should be."""
    for service in ("referral", "casefile", "notifications"):
        for store in ("log", "vault", "index", "consumers", "lease"):
            (data / f"{service}-{store}.db").mkdir(parents=True)
    for other in ("bus.db", "casefile-reports.db", "issuer/ed25519.pem", "sandbox-clock.json"):
        (data / other).mkdir(parents=True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "all"),
        ("sandbox", "--empty"),
        TOKEN,
        ("demo",),
        ("replay", CASE),
        ("bus", "parked"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
@pytest.mark.parametrize(
    "spoil", [a_file_for_the_directory, a_file_above_the_directory, noise_for_every_file, directories_for_files]
)
def test_data_that_cannot_be_used_are_named(
    tmp_path: Path, spoil: Callable[[Path], None], arguments: tuple[str, ...]
) -> None:
    """By every command that would use them: the file or directory, the engine's code, the setting."""
    data = tmp_path / "above" / "var"
    data.parent.mkdir()
    spoil(data)
    with issuing() as issuer:
        line = said(run(data, *arguments, port=18310, issuer=issuer.url))
    assert line.startswith(f"CASERELAY_DATA: {data.parent}")
    assert re.search(r"\((SQLITE_NOTADB|ENOTDIR|EEXIST|EISDIR|IsADirectoryError)\); |does not", line), line


@pytest.mark.parametrize("arguments", [("serve", "all"), TOKEN], ids=lambda arguments: " ".join(arguments[:2]))
def test_the_installed_program_says_the_same(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Word for word, and ends with the same status: what the others show of forks holds of it."""
    noise_for_every_file(tmp_path / "var")
    with issuing() as issuer:
        refused = [
            start(tmp_path / "var", *arguments, port=18310, issuer=issuer.url) for start in (run, run_as_installed)
        ]
    assert said(refused[0]) == said(refused[1])


@pytest.mark.parametrize("store", ["referral-log", "referral-vault", "referral-index", "referral-consumers", "bus"])
def test_any_one_damaged_file_is_named(tmp_path: Path, store: str) -> None:
    """Whichever it is, and nobody has to guess."""
    data = tmp_path / "var"
    data.mkdir()
    (data / f"{store}.db").write_bytes(b"\x00noise\xff" * 1_000)
    with issuing() as issuer:
        line = said(run(data, "serve", "all", port=18310, issuer=issuer.url))
    assert f"{store}.db cannot be used (SQLITE_NOTADB)" in line


def test_what_is_mounted_read_only_is_named(tmp_path: Path) -> None:
    """By everything that writes there, also where all its files are there already."""
    with mounted(tmp_path / "small", "64m") as where, issuing() as issuer:
        data = where / "var"
        with sandbox(data, "--empty"):
            pass
        remount_read_only(where)
        for arguments in (("serve", "all"), ("sandbox", "--empty"), ("bus", "redrive")):
            line = said(run(data, *arguments, port=18310, issuer=issuer.url))
            assert re.match(rf"CASERELAY_DATA: {data}\S* cannot be used \((SQLITE_\w+|EROFS)\); ", line), line


@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        "postgresql://somebody:hidden-word@127.0.0.1:9/referral",
    ],
)
@pytest.mark.parametrize(
    "arguments",
    [("serve", "all"), ("sandbox", "--empty"), ("migrate",), ("replay", CASE), ("bus", "parked")],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_database_that_cannot_be_used_is_named_by_its_setting(
    tmp_path: Path, arguments: tuple[str, ...], address: str
) -> None:
    """And never by its address, which may hold a password."""
    with issuing() as issuer:
        refused = run(tmp_path / "var", *arguments, port=18310, issuer=issuer.url, database_url=address)
    assert "CASERELAY_DATABASE_URL" in said(refused)
    assert "hidden-word" not in refused.stderr


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"host": "no.such.invalid"}, "CASERELAY_HOST"),
        ({"host": "a..b"}, "CASERELAY_HOST"),
        ({"port": "70000"}, "CASERELAY_PORT"),
        ({"issuer": "http://127.0.0.1:9"}, "CASERELAY_ISSUER"),
        ({"issuer": "http://["}, "CASERELAY_ISSUER"),
        ({"issuer": "nonsense"}, "CASERELAY_ISSUER"),
        ({"issuer": ""}, "CASERELAY_ISSUER"),
        ({"kafka_servers": "broker:70000"}, "CASERELAY_KAFKA_SERVERS"),
        ({"kafka_servers": "127.0.0.1:9", "kafka_at_start": "REQUIRE"}, "CASERELAY_KAFKA_SERVERS"),
        ({"kafka_servers": "127.0.0.1:9", "kafka_ssl_cafile": "/no/such/file"}, "CASERELAY_KAFKA_SSL_CAFILE"),
        (
            {"kafka_servers": "127.0.0.1:9", "kafka_security_protocol": "SASL_SSL"},
            "CASERELAY_KAFKA_SASL_MECHANISM",
        ),
        ({"log_level": "LOUD"}, "CASERELAY_LOG_LEVEL"),
    ],
)
def test_every_wrong_setting_ends_the_start_with_2(tmp_path: Path, settings: dict[str, str], named: str) -> None:
    """Before anything is made."""
    with issuing() as issuer:
        given: dict[str, Any] = {"port": "18310", "issuer": issuer.url} | settings
        refused = run(tmp_path / "var", "serve", "all", **given)
    assert named in said(refused)
    assert not list((tmp_path / "var").glob("*"))


@contextmanager
def silent_broker() -> Iterator[str]:
    """Something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def serving(data: Path, **settings: Any) -> Iterator[tuple[Program, float]]:
    """`caserelay serve all` without waiting for anything."""
    with issuing() as issuer:
        program = Program(data, "serve", "all", issuer=issuer.url, **settings)
        try:
            yield program, time.monotonic()
        finally:
            program.stop()


def lines(program: Program) -> list[dict[str, Any]]:
    """What it has logged."""
    return [json.loads(line) for line in program.said.splitlines()]


def test_a_broker_that_is_away_is_named_and_the_start_goes_on(tmp_path: Path) -> None:
    """It says host and port, also where somebody listens there who never answers."""
    with (
        silent_broker() as silent,
        serving(tmp_path / "var", kafka_servers=f"127.0.0.1:9,{silent}") as (program, began),
    ):
        while not (told := [line for line in lines(program) if "broker" in line]):
            assert time.monotonic() < began + HUNG_SECONDS, program.said
            time.sleep(0.05)
        assert told[0]["broker"] == f"127.0.0.1:9, {silent}"
        program.wait_until_ready()


def test_no_start_waits_for_a_broker_for_ten_seconds() -> None:
    """One look, bounded by the client; how long a process takes besides depends on the machine."""
    assert BOOTSTRAP_MS < 10_000


def test_a_broker_that_is_required_and_away_ends_the_start(tmp_path: Path) -> None:
    """For anyone who would rather have no service than one that nobody hears of."""
    with silent_broker() as silent, issuing() as issuer:
        line = said(
            run(tmp_path / "var", "serve", "all", issuer=issuer.url, kafka_servers=silent, kafka_at_start="require")
        )
    assert f"Kafka cannot be reached at {silent}" in line


def test_a_start_says_what_starts(tmp_path: Path) -> None:
    """Version, address, services, stores, bus and issuer, once; and the server says its process."""
    with serving(tmp_path / "var") as (program, _):
        program.wait_until_ready()
        (line,) = [line for line in lines(program) if line["message"] == "Caserelay starts"]
        assert re.fullmatch(r"\d+\.\d+\.\d+", line["version"])
        assert line["address"] == f"127.0.0.1:{program.port}"
        assert line["services"] == "referral, casefile, notifications"
        assert line["stores"] == line["bus"] == f"SQLite in {tmp_path / 'var'}"
        assert line["issuer"].startswith("http://127.0.0.1:")
        assert "a rollback cannot be noticed" in line["signed"]
        assert f"Started server process [{program.process.pid}]" in program.said


def test_a_start_says_whether_a_rollback_would_be_noticed(tmp_path: Path) -> None:
    """A directory in which nothing is remembered yet, as one that is not mounted, notices none."""
    for noticed in (False, True):
        with serving(tmp_path / "var", audit_state=str(tmp_path / "state")) as (program, _):
            program.wait_until_ready()
            (line,) = [line for line in lines(program) if line["message"] == "Caserelay starts"]
            assert ("a rollback before now cannot be noticed" in line["signed"]) is not noticed
            # That of who read what is a log of its own.
            assert ("nothing of referral, casefile, access, notifications is" in line["signed"]) is not noticed
            while len([*(tmp_path / "state").glob("*.checkpoint")]) < 4:
                time.sleep(0.05)


def test_a_start_says_which_witnesses_are_asked_what_they_hold(tmp_path: Path) -> None:
    """Then a rollback is noticed, though nothing else remembers what was signed; a policy of nobody ends the start."""
    key, file = SignerKey("witness.example/ngo", bytes(32), SignatureType.COSIGNATURE_V1).verifier, tmp_path / "policy"
    file.write_text(f"witness ngo {key.text} http://127.0.0.1:9\nquorum ngo\n")
    with serving(tmp_path / "var", witness_policy=str(file)) as (program, _):
        program.wait_until_ready()
        (line,) = [line for line in lines(program) if line["message"] == "Caserelay starts"]
        assert "a rollback cannot be noticed" not in line["signed"]
        assert "the witnesses ngo hold" in line["signed"]
    file.write_text("quorum none\n")
    with issuing() as issuer:
        refused = said(run(tmp_path / "var", "serve", "all", issuer=issuer.url, witness_policy=str(file)))
    assert "CASERELAY_WITNESS_POLICY" in refused


def test_a_start_says_where_the_database_is_and_not_who_uses_it(tmp_path: Path, database_url: str) -> None:
    """Neither user nor password."""
    assert run(tmp_path / "var", "migrate", database_url=database_url).returncode == 0
    with serving(tmp_path / "var", database_url=database_url) as (program, _):
        program.wait_until_ready()
        (line,) = [line for line in lines(program) if line["message"] == "Caserelay starts"]
        assert re.fullmatch(r"PostgreSQL( at \S+)?, database \w+", line["stores"])
        assert database_url not in program.said


def test_variables_that_are_no_settings_are_named_and_the_start_goes_on(tmp_path: Path) -> None:
    """In one line, each with the nearest name that there is."""
    with serving(tmp_path / "var", prot="8641", database="x", whatever_else="x") as (program, _):
        while "/" not in program.said and "{" not in program.said:
            time.sleep(0.05)
        warning = program.said.splitlines()[0]
        assert warning.startswith("warning: ")
        assert "CASERELAY_PROT (did you mean CASERELAY_PORT?)" in warning
        assert "CASERELAY_WHATEVER_ELSE" in re.split(r"[ ,]", warning)
        assert "CASERELAY_DATABASE " in warning
    assert unknown_variables({"CASERELAY_PORT": "1", "CASERELAY_TEST_X": "1", "PORT": "1", "caserelay_port": "1"}) == {}
