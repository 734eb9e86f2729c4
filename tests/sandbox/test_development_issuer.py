"""The sandbox's issuer: one key per data directory, readable by its owner, and tokens for twelve hours."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from contracts.codes import Role
from services.chassis.access.identity import Caller, Unauthenticated, Verifier
from services.sandbox.development_issuer import DevelopmentIssuer

AUDIENCE = "caserelay"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the key is kept, not there yet."""
    return tmp_path / "var" / "issuer"


def issued(issuer: DevelopmentIssuer, role: str = "NGO_COORDINATOR", **other: int) -> str:
    """A token for the coordinator of the stories."""
    return issuer.issue(sub="lotte.claes", org="brugwerk", role=role, audience=AUDIENCE, **other)


async def test_what_it_issues_it_verifies_after_a_restart(directory: Path) -> None:
    """The key stays with the data."""
    token = issued(DevelopmentIssuer(directory))
    verifier = Verifier(DevelopmentIssuer(directory), AUDIENCE)
    assert await verifier.verify(token) == Caller("lotte.claes", "brugwerk", Role.NGO_COORDINATOR)


async def test_a_token_of_another_sandbox_is_refused(directory: Path, tmp_path: Path) -> None:
    """Each data directory has a key of its own."""
    verifier = Verifier(DevelopmentIssuer(directory), AUDIENCE)
    with pytest.raises(Unauthenticated):
        await verifier.verify(issued(DevelopmentIssuer(tmp_path / "other")))


def test_the_key_is_readable_by_its_owner_alone(directory: Path) -> None:
    """And nothing else is left in its directory."""
    DevelopmentIssuer(directory)
    (key,) = directory.iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_token_lasts_twelve_hours_by_the_machines_clock(directory: Path) -> None:
    """From now on, to the second."""
    before = int(time.time())
    claims = jwt.decode(issued(DevelopmentIssuer(directory)), options={"verify_signature": False})
    assert before <= claims["iat"] <= time.time()
    assert claims["exp"] - claims["iat"] == 12 * 3600


async def test_a_shorter_life_can_be_asked_for(directory: Path) -> None:
    """A token without any life left is expired from the start."""
    issuer = DevelopmentIssuer(directory)
    with pytest.raises(Unauthenticated) as refused:
        await Verifier(issuer, AUDIENCE).verify(issued(issuer, lifetime=0))
    assert refused.value.code == "TOKEN_EXPIRED"


@pytest.mark.parametrize("role", ["SYSTEM", "WIZARD", ""])
def test_a_role_that_no_token_may_carry_is_not_issued(directory: Path, role: str) -> None:
    """The mistake is told where it is made and not with the first request."""
    with pytest.raises(ValueError, match="role"):
        issued(DevelopmentIssuer(directory), role)


def test_a_name_that_no_token_may_carry_is_not_issued(directory: Path) -> None:
    """The same for person and organisation."""
    issuer = DevelopmentIssuer(directory)
    with pytest.raises(ValueError, match="org"):
        issuer.issue(sub="lotte.claes", org="brug\nwerk", role="NGO_LEAD", audience=AUDIENCE)
    with pytest.raises(ValueError, match="sub"):
        issuer.issue(sub="", org="brugwerk", role="NGO_LEAD", audience=AUDIENCE)


@pytest.mark.parametrize(
    "content",
    [
        b"not a key",
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    ],
    ids=["no key at all", "a key of another kind"],
)
def test_a_file_without_a_usable_key_stops_the_start_by_name(directory: Path, content: bytes) -> None:
    """It is not replaced: somebody put it there."""
    file = directory / "ed25519.pem"
    directory.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"ed25519\.pem"):
        DevelopmentIssuer(directory)
    assert file.read_bytes() == content


START = """
import sys
from pathlib import Path
from services.sandbox.development_issuer import DevelopmentIssuer
print("ready", flush=True)
sys.stdin.readline()
issuer = DevelopmentIssuer(Path(sys.argv[1]))
print(issuer.issue(sub="lotte.claes", org="brugwerk", role="NGO_LEAD", audience="caserelay"), flush=True)
"""


async def test_processes_that_start_at_once_share_one_key(directory: Path) -> None:
    """Six of them, let go together on an empty directory: each one's token verifies with the key that stayed."""
    started = [
        subprocess.Popen(  # noqa: ASYNC220 - nothing else runs meanwhile
            [sys.executable, "-c", START, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(6)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    tokens = [process.communicate(timeout=30)[0].strip() for process in started]
    verifier = Verifier(DevelopmentIssuer(directory), AUDIENCE)
    for token in tokens:
        assert (await verifier.verify(token)).role is Role.NGO_LEAD
    assert os.listdir(directory) == ["ed25519.pem"]  # noqa: PTH208 - pathlib counts as blocking here
