"""Programs of others read what we write: golang.org/x/mod/sumdb, which Go's own checksum database is read with.

Its packages `note` and `tlog` are part of Go's toolchain, so that nothing is fetched.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.merkle import Node, consistency_ranges, inclusion_ranges, range_hashes, root
from services.chassis.transparency.notes import Note
from services.chassis.transparency.tiles import from_tiles, tiles_of
from tests.chassis.transparency.naive_tree import leaves_of, mth
from tests.support.go import build, go_command

READER = Path(__file__).with_name("go_reader") / "main.go"
SIZE = 66_000
"""Leaves of a tree with tiles on three levels, the last of each partial."""
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Written:
    """A log of `SIZE` leaves in files, and the program that reads it."""

    directory: Path
    program: Path

    def read(self) -> subprocess.CompletedProcess[str]:
        """What the program makes of the directory."""
        return subprocess.run([self.program, self.directory], capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader, compiled."""
    go = go_command("install Go, with its sources: others' programs read our checkpoints, tiles and proofs here")
    asked = subprocess.run([go, "env", "GOROOT", "GOVERSION"], capture_output=True, text=True, check=True)
    goroot, version = asked.stdout.split()
    language = ".".join(version.removeprefix("go").split(".")[:2])
    home = tmp_path_factory.mktemp("go")
    shutil.copytree(Path(goroot) / "src/cmd/vendor/golang.org/x/mod", home / "mod")
    (home / "mod" / "go.mod").write_text(f"module golang.org/x/mod\n\ngo {language}\n")
    (home / "main.go").write_text(READER.read_text(encoding="utf-8"))
    (home / "go.mod").write_text(
        f"module reader\n\ngo {language}\n\nrequire golang.org/x/mod v0.0.0\n\nreplace golang.org/x/mod => ./mod\n"
    )
    return build(go, ".", home / "reader", home)


def contents_of(leaves: list[bytes]) -> dict[tuple[int, int], bytes]:
    """The tiles of a tree, by level and number."""
    tiles: dict[tuple[int, int], bytes] = {}
    for tile in tiles_of(len(leaves)):
        span = 256**tile.level
        first = tile.number * 256
        hashes = [mth(leaves[n * span : (n + 1) * span]) for n in range(first, first + tile.width)]
        tiles[tile.level, tile.number] = b"".join(hashes)
    return tiles


@pytest.fixture
def written(tmp_path: Path, program: Path) -> Written:
    """A tree with its checkpoint, tiles and some proofs."""
    leaves = leaves_of(SIZE)
    tiles = contents_of(leaves)

    def read(nodes: Sequence[Node]) -> list[bytes]:
        return from_tiles(nodes, tiles)

    key = SignerKey("caserelay.invalid/test/referral", bytes(range(32)))
    checkpoint = Checkpoint(key.verifier.name, SIZE, root(SIZE, read))
    (tmp_path / "checkpoint").write_bytes(Note(checkpoint.text, ()).signed_by(key).content)
    (tmp_path / "vkey").write_text(key.verifier.text)
    for tile in tiles_of(SIZE):
        path = tmp_path / "tile" / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tiles[tile.level, tile.number])
    firsts = [1, 2, 255, 256, 257, 65_536, 65_537, SIZE - 1]
    places = [0, 1, 255, 256, 65_535, 65_536, SIZE - 1]
    given = {
        "Leaves": text(leaves),
        "Inclusion": [{"Index": n, "Proof": text(range_hashes(inclusion_ranges(n, SIZE), read))} for n in places],
        "Consistency": [
            {
                "First": n,
                "Root": text([root(n, read)])[0],
                "Proof": text(range_hashes(consistency_ranges(n, SIZE), read)),
            }
            for n in firsts
        ],
    }
    (tmp_path / "proofs.json").write_text(json.dumps(given))
    return Written(tmp_path, program)


def text(hashes: list[bytes]) -> list[str]:
    """Hashes in base64."""
    return [base64.b64encode(each).decode() for each in hashes]


def test_go_reads_our_checkpoints_tiles_and_proofs(written: Written) -> None:
    """And makes of the tiles the same proofs as we do."""
    read = written.read()
    assert (read.returncode, read.stderr) == (0, "")


def test_go_refuses_what_was_tampered_with(written: Written) -> None:
    """A tile, a proof, the checkpoint: each is noticed."""
    for name in ("tile/0/000", "checkpoint"):
        file = written.directory / name
        before = file.read_bytes()
        file.write_bytes(before[:40] + bytes([before[40] ^ 1]) + before[41:])
        read = written.read()
        assert read.returncode != 0, name
        file.write_bytes(before)
    proofs = written.directory / "proofs.json"
    changed = json.loads(proofs.read_text())
    changed["Consistency"][3]["Root"] = changed["Leaves"][0]
    proofs.write_text(json.dumps(changed))
    assert "256 leaves" in written.read().stderr
