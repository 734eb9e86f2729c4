"""Proofs in a file of their own, as https://c2sp.org/tlog-proof has them."""

from __future__ import annotations

import base64

import pytest

from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.notes import Note
from services.chassis.transparency.proofs import Unproven
from services.chassis.transparency.tlog_proofs import TlogProof
from tests.chassis.transparency.naive_tree import leaves_of, mth, path

HEAD = """c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

"""
"""The example of the specification, up to its signatures, of which only pieces are printed."""
SIGNED = "— example.com/fancylog hI2DJwAAAAA=\n"
EXAMPLE = f"{HEAD}{SIGNED}".encode()
KEY = SignerKey("example.com/log", bytes(32))
LEAVES = leaves_of(11)


def proof_of(index: int, size: int, extra: bytes | None = None) -> TlogProof:
    """A proof that holds."""
    checkpoint = Checkpoint("example.com/log", size, mth(LEAVES[:size]))
    note = Note(checkpoint.text, ()).signed_by(KEY)
    return TlogProof(index, tuple(path(index, LEAVES[:size])), note, extra)


def test_the_example_is_read_and_written_again() -> None:
    """Its extra data, index, hashes and checkpoint."""
    proof = TlogProof.read(EXAMPLE)
    assert (proof.index, len(proof.inclusion)) == (73_894, 5)
    assert proof.extra == base64.b64decode("YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ")
    assert Checkpoint.read(proof.checkpoint.text).size == 109_482
    assert proof.content == EXAMPLE


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 11), (6, 7), (10, 11)])
@pytest.mark.parametrize("extra", [None, b"", b"what is not proven"])
def test_a_proof_is_read_as_it_was_written_and_holds(index: int, size: int, extra: bytes | None) -> None:
    """Also that of the only leaf, which has no hashes; for that leaf and for no other."""
    proof = proof_of(index, size, extra)
    read = TlogProof.read(proof.content)
    assert read == proof
    assert read.check(LEAVES[index]).size == size
    with pytest.raises(Unproven):
        read.check(LEAVES[index - 1] if size > 1 else LEAVES[5])


def test_the_lines_of_a_proof_are_those_of_the_specification() -> None:
    """Of the second of two leaves."""
    checkpoint = proof_of(1, 2).checkpoint.content.decode()
    sibling = base64.b64encode(LEAVES[0]).decode()
    assert proof_of(1, 2).content.decode() == f"c2sp.org/tlog-proof@v1\nindex 1\n{sibling}\n\n{checkpoint}"
    assert proof_of(0, 1, b"x").content.startswith(
        b"c2sp.org/tlog-proof@v1\nextra eA==\nindex 0\n\nexample.com/log\n1\n"
    )


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ("@v1", "@v2"),
        ("index 73894", "index 073894"),
        ("index 73894", "index -1"),
        ("index 73894", "Index 73894"),
        ("index 73894\n", ""),
        ("extra Y", "extra *"),
        ("gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n", "gSKyXoY=\n"),
        ("gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n", "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n" * 60),
        (SIGNED, ""),
        ("\nexample.com/fancylog", "example.com/fancylog"),
    ],
)
def test_what_is_not_written_as_a_proof_is_none(part: str, instead: str) -> None:
    """Another version, a line too few, a number or a hash of another form."""
    with pytest.raises(ValueError, match=r"."):
        TlogProof.read(EXAMPLE.decode().replace(part, instead, 1).encode())
