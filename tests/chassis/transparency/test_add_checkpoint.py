"""Requests to witnesses, as https://c2sp.org/tlog-witness has them; the examples are those printed there."""

from __future__ import annotations

import pytest

from services.chassis.transparency.add_checkpoint import (
    LARGEST_REQUEST,
    AddCheckpoint,
    check_extends,
    origin_hash,
)
from services.chassis.transparency.base64_text import encoded
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.merkle import EMPTY_ROOT
from services.chassis.transparency.notes import Note
from services.chassis.transparency.proofs import Unproven
from tests.chassis.transparency.naive_tree import leaves_of, mth, proof

BODY = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
"""  # noqa: E501 - as it is printed
ANSWER = """— witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==
— witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9ChdMkP1vi/lCAsmlw==
— witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==
"""  # noqa: E501 - as it is printed
NOTE = BODY.partition("\n\n")[2]


def test_the_example_of_a_request_is_read_and_written_again() -> None:
    """An old size, four hashes, and a checkpoint with two signatures."""
    asked = AddCheckpoint.read(BODY.encode())
    assert (asked.old, len(asked.proof), len(asked.note.signatures)) == (20852014, 4, 2)
    assert encoded(asked.proof[3]) == "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0="
    assert Checkpoint.read(asked.note.text).size == 20852163
    assert asked.content == BODY.encode()


def test_the_example_of_an_answer_completes_the_checkpoint() -> None:
    """Concatenated, as the specification suggests, both are one note."""
    note = Note.read((NOTE + ANSWER).encode())
    assert [signature.name for signature in note.signatures[2:]] == [f"witness.example/w{n}" for n in (1, 1, 2)]


def test_an_old_size_of_zero_has_no_proof() -> None:
    """The line is followed by the empty one."""
    asked = AddCheckpoint.read(f"old 0\n\n{NOTE}".encode())
    assert (asked.old, asked.proof) == (0, ())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n\n",
        NOTE,
        f"old 0\n{NOTE}",
        f"old\n\n{NOTE}",
        f"old  1\n\n{NOTE}",
        f"old 01\n\n{NOTE}",
        f"old -1\n\n{NOTE}",
        f"old 1 \n\n{NOTE}",
        f"old 9223372036854775808\n\n{NOTE}",
        f"Old 1\n\n{NOTE}",
        "old \u0661\n\n" + NOTE,
        f"old 1\r\n\n{NOTE}",
        f"old 1\nAAAA\n\n{NOTE}",
        f"old 1\n{encoded(bytes(32))[:-1]}\n\n{NOTE}",
        f"old 1\n{encoded(bytes(33))}\n\n{NOTE}",
        f"old 1\n{f'{encoded(bytes(32))}{chr(10)}' * 64}\n{NOTE}",
        "old 1\n\nnot a note\n",
    ],
)
def test_whatever_else_is_no_request(content: str) -> None:
    """Other spellings too, and more than 63 hashes."""
    with pytest.raises(ValueError, match=r"\w"):
        AddCheckpoint.read(content.encode())


def test_a_request_has_a_largest_size() -> None:
    """63 hashes and sixteen signatures of almost 5 kB are within it."""
    many = "".join(f"— witness.example/{n} {encoded(bytes(5000))}\n" for n in range(16))
    longest = f"old 1\n{f'{encoded(bytes(32))}{chr(10)}' * 63}\n{NOTE}{many}"
    assert len(AddCheckpoint.read(longest.encode()).note.signatures) == 18
    with pytest.raises(ValueError, match="at most"):
        AddCheckpoint.read(longest.encode() + bytes(LARGEST_REQUEST))


def test_a_tree_extends_one_that_it_begins_with() -> None:
    """As RFC 6962 proves it; the empty tree needs no proof, and takes none."""
    leaves = leaves_of(20)

    def tree(size: int) -> Checkpoint:
        return Checkpoint("log", size, mth(leaves[:size]))

    for second in range(21):
        check_extends(None, tree(second), ())
        for first in range(second + 1):
            hashes = tuple(proof(first, leaves[:second])) if 0 < first < second else ()
            check_extends(tree(first), tree(second), hashes)
            with pytest.raises(Unproven):
                check_extends(tree(first), tree(second), (*hashes, bytes(32)))
    with pytest.raises(Unproven):
        check_extends(tree(5), Checkpoint("log", 5, bytes(32)), ())
    with pytest.raises(Unproven):
        check_extends(tree(5), tree(20), ())
    with pytest.raises(Unproven):
        check_extends(None, Checkpoint("log", 0, bytes(32)), ())
    assert tree(0).root == EMPTY_ROOT


def test_the_path_of_a_log_is_the_hash_of_its_origin() -> None:
    """As `printf %s example.com/log | sha256sum` has it."""
    assert origin_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
