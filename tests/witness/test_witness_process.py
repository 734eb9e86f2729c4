"""`caserelay witness` in a process of its own: its key, its record, and what it survives."""

from __future__ import annotations

import contextlib
import random
import resource
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.chassis.transparency.add_checkpoint import LARGEST_REQUEST, origin_hash
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignatureType
from services.chassis.transparency.notes import Note
from tests.support.ports import free_port
from tests.support.repetitions import times
from tests.witness.logs import ORIGIN, Log
from tests.witness.showing import showing
from tests.witness.witnesses import Witness, command, witnessing

pytestmark = [pytest.mark.slow, pytest.mark.on_files]
LOG = Log()


def size_of(witness: Witness) -> int:
    """The size of the checkpoint that it cosigned last, as it serves it."""
    answer = httpx.get(f"{witness.url}/{origin_hash(ORIGIN)}/checkpoint")
    if answer.status_code == 404:
        return 0
    note = Note.read(answer.content)
    assert note.verified([witness.key])
    assert note.verified([LOG.key.verifier])
    return Checkpoint.read(note.text).size


def test_a_key_is_drawn_once_for_its_owner_alone(tmp_path: Path) -> None:
    """Started again, the witness has the same one, and goes on from what it cosigned last."""
    key = tmp_path / "of the witness" / "witness.key"
    with witnessing(key, LOG.vkey, more=("--name", "witness.example/ngo")) as witness:
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert (witness.key.name, witness.key.kind) == ("witness.example/ngo", SignatureType.COSIGNATURE_V1)
        assert witness.url.startswith("http://127.0.0.1:")
        answer = witness.ask(LOG.asks(0, 5))
        assert answer.status_code == 200
        assert Note.read(LOG.checkpoint(5).content + answer.content).verified([witness.key])
    with witnessing(key, LOG.vkey) as again:
        assert again.key == witness.key
        assert size_of(again) == 5
        assert again.ask(LOG.asks(0, 9)).content == b"5\n"
        assert again.ask(LOG.asks(5, 9)).status_code == 200


def test_a_second_one_with_the_same_key_refuses_to_begin(tmp_path: Path) -> None:
    """So does one whose key, log or address cannot be used; each in a line."""
    key, other = tmp_path / "witness.key", tmp_path / "other.key"
    with witnessing(key, LOG.vkey) as witness:
        port = witness.url.rpartition(":")[2]
        other.write_text("a secret")
        for arguments, why in (
            (command(key, [LOG.vkey], "--listen", "127.0.0.1:0"), "in use by another witness"),
            (command(tmp_path / "third.key", [LOG.vkey], "--listen", f"127.0.0.1:{port}"), "cannot be listened on"),
            (command(tmp_path / "third.key", [LOG.vkey], "--listen", "127.0.0.1"), "give an address and a port"),
            (command(other, [LOG.vkey]), "holds no private key of a witness"),
            (command(tmp_path / "third.key", ["no key"]), "--log"),
            (command(tmp_path / "third.key", [witness.key.text]), "--log"),
            (command(key, [LOG.vkey], "--name", "another"), "--name"),
            (command(tmp_path / "third.key", [LOG.vkey], "--once"), "--once"),
        ):
            done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode, done.stderr.count("\n")) == (2, 1), done
            assert why in done.stderr
            assert "a secret" not in done.stderr


def test_garbage_and_what_does_not_end_are_refused(tmp_path: Path) -> None:
    """And it answers as before."""
    with witnessing(tmp_path / "witness.key", LOG.vkey) as witness:
        for body in (b"", b"\x00" * 1000, b"old 0\n\n", random.randbytes(5000)):
            assert witness.ask(body).status_code == 400
        assert witness.ask(bytes(LARGEST_REQUEST + 1)).status_code == 413

        def endless() -> Iterator[bytes]:
            while True:
                yield bytes(65_536)

        # It may have closed the connection before its answer was read.
        with contextlib.suppress(httpx.TransportError):
            assert httpx.post(f"{witness.url}/add-checkpoint", content=endless(), timeout=6).status_code == 413
        assert witness.ask(LOG.asks(0, 5)).status_code == 200


@pytest.mark.fault
@pytest.mark.timeout(300)
def test_killed_at_any_instant_it_never_goes_back(tmp_path: Path) -> None:
    """What somebody was given a cosignature of is on the disk; and what was stored and not answered is asked again."""
    key, port, cosigned = tmp_path / "witness.key", free_port(), 0
    for _ in range(times(30)):
        with witnessing(key, LOG.vkey, port=port) as witness:
            old = size_of(witness)
            assert old >= cosigned
            threading.Timer(random.random() * 0.2, witness.process.kill).start()
            try:
                while old < 299:
                    answer = witness.ask(LOG.asks(old, old + 1))
                    assert answer.status_code == 200, answer.text
                    old = cosigned = old + 1
            except httpx.TransportError:
                pass
            witness.process.wait()
    with witnessing(key, LOG.vkey, port=port) as witness:
        size = size_of(witness)
        assert cosigned <= size <= cosigned + 1
        assert witness.ask(LOG.asks(size, 300)).status_code == 200


@pytest.mark.fault
def test_on_a_full_disk_nothing_is_cosigned(tmp_path: Path) -> None:
    """It answers with an error, keeps what it had, and goes on once there is room."""
    with witnessing(tmp_path / "witness.key", LOG.vkey) as witness:
        assert witness.ask(LOG.asks(0, 5)).status_code == 200
        _, hard = resource.prlimit(witness.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(witness.process.pid, resource.RLIMIT_FSIZE, (10, hard))
        for _ in range(2):
            answer = witness.ask(LOG.asks(5, 9))
            assert answer.status_code == 503
            assert "—" not in answer.text
        assert size_of(witness) == 5
        resource.prlimit(witness.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert witness.ask(LOG.asks(5, 9)).status_code == 200
    assert [path.name for path in witness.records.glob("*.new")] == []


def test_one_that_follows_says_and_shows_a_rollback(tmp_path: Path) -> None:
    """In another process, with both checkpoints; its status turns, and `--once` ends with 1."""
    key, token = tmp_path / "witness.key", tmp_path / "token"
    with showing(LOG, 10) as service:
        token.write_text(service.token)
        more = ("--follow", service.url, "--token", str(token))
        with witnessing(key, LOG.vkey, more=(*more, "--every", "0.1")) as witness:
            until = time.monotonic() + 20
            while size_of(witness) < 10:
                assert time.monotonic() < until
                time.sleep(0.05)
            assert httpx.get(f"{witness.url}/status").json()["ok"]
            service.size = 6
            while httpx.get(f"{witness.url}/status").status_code == 200:
                assert time.monotonic() < until
                time.sleep(0.05)
        once = subprocess.run(command(key, [LOG.vkey], *more, "--once"), capture_output=True, text=True, check=False)
        assert once.returncode == 1
        (file,) = (witness.records / "findings").glob("*/*.txt")
        for size in (6, 10):
            assert LOG.checkpoint(size).text in file.read_text()
        # Somebody has looked into it and moved it away; then it is found once more.
        file.unlink()
        once = subprocess.run(command(key, [LOG.vkey], *more, "--once"), capture_output=True, text=True, check=False)
        assert (once.returncode, "ROLLED BACK" in once.stdout) == (1, True)
        assert LOG.checkpoint(6).text in once.stdout
        file.unlink()
        service.size = 12
        assert (
            subprocess.run(command(key, [LOG.vkey], *more, "--once"), capture_output=True, check=False).returncode == 0
        )
    away = subprocess.run(command(key, [LOG.vkey], *more, "--once"), capture_output=True, check=False)
    assert away.returncode == 2
