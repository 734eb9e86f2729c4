"""Checkpoints and cosignatures: https://c2sp.org/tlog-checkpoint, https://c2sp.org/tlog-cosignature, printed there."""

from __future__ import annotations

import base64

import pytest

from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.cosignatures import cosigned, cosigned_at
from services.chassis.transparency.keys import SignatureType, SignerKey, VerifierKey
from services.chassis.transparency.notes import Note, NotSigned

ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
LOG_SIGNED = "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
WITNESS_SIGNED = (
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
)
EXAMPLE = f"""example.com/behind-the-sofa
20852163
{ROOT}

— example.com/behind-the-sofa {LOG_SIGNED}
— witness.example.com/w1 {WITNESS_SIGNED}
""".encode()
MESSAGE = f"""cosignature/v1
time 1679315147
example.com/behind-the-sofa
20852163
{ROOT}
""".encode()
TEXT = f"example.com/log\n3\n{ROOT}\n"
WITNESS = SignerKey("witness.example.com/w1", bytes(range(32)), SignatureType.COSIGNATURE_V1)


def test_the_example_is_read_and_written_again() -> None:
    """Its three lines, and both signatures."""
    note = Note.read(EXAMPLE)
    checkpoint = Checkpoint.read(note.text)
    assert checkpoint == Checkpoint("example.com/behind-the-sofa", 20_852_163, base64.b64decode(ROOT))
    assert checkpoint.text == note.text
    assert note.content == EXAMPLE


def test_what_a_witness_signs_is_the_message_of_the_example() -> None:
    """With the time that its signature holds."""
    note = Note.read(EXAMPLE)
    timestamp, signature = cosigned_at(note.signatures[1].content)
    assert (timestamp, len(signature)) == (1_679_315_147, 64)
    assert cosigned(note.text.encode(), timestamp) == MESSAGE


def test_further_lines_are_kept() -> None:
    """They are part of what is signed."""
    checkpoint = Checkpoint.read(f"{TEXT}first\nsecond line\n")
    assert checkpoint.extensions == ("first", "second line")
    assert checkpoint.text == f"{TEXT}first\nsecond line\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"example.com/log\n3\n{ROOT}",
        "example.com/log\n3\n",
        f"\n3\n{ROOT}\n",
        f"example.com/log\n\n{ROOT}\n",
        f"example.com/log\n03\n{ROOT}\n",
        f"example.com/log\n-3\n{ROOT}\n",
        f"example.com/log\n+3\n{ROOT}\n",
        f"example.com/log\n3 \n{ROOT}\n",
        f"example.com/log\n\u0663\n{ROOT}\n",
        f"example.com/log\n9223372036854775808\n{ROOT}\n",
        f"example.com/log\n3\n{ROOT[:-1]}\n",
        "example.com/log\n3\nAAAA\n",
        f"example.com/log\n3\n{ROOT}\n\n",
        f"example.com/log\n3\n{ROOT}\n\nline\n",
    ],
)
def test_what_is_not_written_as_a_checkpoint_is_none(text: str) -> None:
    """A line too few, an empty one, a number or a root of another form."""
    with pytest.raises(ValueError, match=r"."):
        Checkpoint.read(text)


def test_a_cosignature_says_when_and_holds_for_this_time_and_text_alone() -> None:
    """The key is one of the type 0x04; the same bytes as a plain key sign something else."""
    note = Note(TEXT, ()).signed_by(WITNESS, at=1_800_000_000)
    (found,) = Note.read(note.content).verified([WITNESS.verifier])
    assert found.timestamp == 1_800_000_000
    line = note.signatures[0]
    later = line.content[:7] + bytes([line.content[7] + 1]) + line.content[8:]
    for wrong in (Note(TEXT.replace("\n3\n", "\n4\n"), (line,)), Note(TEXT, (type(line)(line.name, line.id, later),))):
        with pytest.raises(NotSigned):
            wrong.verified([WITNESS.verifier])
    plain = VerifierKey.of(WITNESS.verifier.name, SignatureType.ED25519, WITNESS.verifier.public)
    assert plain.id != WITNESS.verifier.id
    with pytest.raises(NotSigned, match="no known key"):
        note.verified([plain])


@pytest.mark.parametrize("content", [b"", bytes(64), bytes(71), bytes(73), b"\x80" + bytes(71)])
def test_a_cosignature_of_another_form_is_wrong(content: bytes) -> None:
    """Without a time, cut off, too long, or of a time beyond 2**63 - 1."""
    with pytest.raises(ValueError, match="a cosignature"):
        cosigned_at(content)
