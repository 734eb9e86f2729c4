"""Signed notes and their keys, as https://c2sp.org/signed-note has them; the examples are those printed there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.transparency.keys import SignatureType, SignerKey, VerifierKey
from services.chassis.transparency.notes import NoNote, Note, NotSigned, signature_of

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
""".encode()
SALVATORE = "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc="
QUASIMODO = f"""Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore {SALVATORE}
""".encode()
NEUMANN = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
NEUMANN_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
"""The pair of note_test.go in golang.org/x/mod/sumdb/note."""
SEED = bytes(range(32))


def test_the_example_is_signed_by_its_key() -> None:
    """And is written again as it was read."""
    note, key = Note.read(EXAMPLE), VerifierKey.read(EXAMPLE_KEY)
    assert note.text == "This is an example message.\n"
    assert [(found.key, found.timestamp) for found in note.verified([key])] == [(key, None)]
    assert note.content == EXAMPLE
    assert key.text == EXAMPLE_KEY
    assert key.kind == SignatureType.ED25519


def test_a_text_may_have_empty_lines_and_letters_of_all_kinds() -> None:
    """The last empty line is the one before the signatures."""
    note = Note.read(QUASIMODO)
    assert note.text.endswith("ed è subito sera.\n")
    assert note.text.count("\n\n") == 1
    assert [signature.name for signature in note.signatures] == ["quasimodo.example/salvatore"]
    assert note.content == QUASIMODO


def test_any_flipped_bit_of_the_text_or_the_signature_is_noticed() -> None:
    """As a note that is none, that no known key signed, or whose signature is wrong."""
    key = VerifierKey.read(EXAMPLE_KEY)
    for place in range(len(EXAMPLE)):
        for bit in range(8):
            changed = bytearray(EXAMPLE)
            changed[place] ^= 1 << bit
            with pytest.raises((NoNote, NotSigned)):
                Note.read(bytes(changed)).verified([key])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text\n",
        b"text\n\n",
        "text\n— a AAAAAAA=\n".encode(),
        "text\n\n— a AAAAAAA=".encode(),
        b"text\n\n- a AAAAAAA=\n",
        "text\n\n—  AAAAAAA=\n".encode(),
        "text\n\n— a+b AAAAAAA=\n".encode(),
        "text\n\n— a\u00a0b AAAAAAA=\n".encode(),
        "text\n\n— a AAAA\n".encode(),
        "text\n\n— a AAAAAA=\n".encode(),
        "text\n\n— a AAAAAAB=\n".encode(),
        "text\n\n— a AAAAAAA= \n".encode(),
        "te\txt\n\n— a AAAAAAA=\n".encode(),
        "te\rxt\n\n— a AAAAAAA=\n".encode(),
        b"te\xffxt\n\n" + "— a AAAAAAA=\n".encode(),
        ("text\n\n" + "— a AAAAAAA=\n" * 101).encode(),
        b"x" * 1_000_001,
    ],
)
def test_what_is_not_written_as_a_note_is_none(content: bytes) -> None:
    """Not in UTF-8, with control characters, without lines of signature, or with too many."""
    with pytest.raises(NoNote):
        Note.read(content)


def test_signatures_of_unknown_keys_are_ignored_and_those_of_known_ones_must_be_right() -> None:
    """A name alone, or an id alone, does not make a key known; without any known signature the note counts nothing."""
    ours, theirs = SignerKey("example.com/ours", SEED), SignerKey("example.com/theirs", bytes(32))
    namesake = SignerKey("example.com/ours", bytes(32))
    note = Note("text\n", ()).signed_by(theirs).signed_by(namesake).signed_by(ours)
    assert [found.key for found in Note.read(note.content).verified([ours.verifier])] == [ours.verifier]
    with pytest.raises(NotSigned, match="no known key"):
        Note("text\n", ()).signed_by(theirs).verified([ours.verifier])
    wrong = Note("other\n", note.signatures)
    with pytest.raises(NotSigned, match=r"the signature of example\.com/ours is wrong"):
        wrong.verified([ours.verifier])


def test_sixteen_signatures_are_accepted() -> None:
    """The least that the format asks for."""
    keys = [SignerKey(f"example.com/{n}", bytes([n]) * 32) for n in range(16)]
    note = Note("text\n", tuple(signature_of("text\n", key) for key in keys))
    assert len(Note.read(note.content).verified([key.verifier for key in keys])) == 16


def test_a_private_key_is_kept_in_the_form_of_go_and_never_printed() -> None:
    """It signs as its verifier expects, and what it prints is that one."""
    key = SignerKey.read(NEUMANN)
    assert key.text == NEUMANN
    assert key.verifier.text == NEUMANN_VERIFIER
    assert NEUMANN_VERIFIER in repr(key)
    assert "AYEKFALVFGyNhPJEMzD1QIDr" not in repr(key)
    assert Note("text\n", ()).signed_by(key).verified([VerifierKey.read(NEUMANN_VERIFIER)])


@pytest.mark.parametrize(("key", "read"), [(NEUMANN_VERIFIER, VerifierKey.read), (NEUMANN, SignerKey.read)])
def test_a_mangled_key_is_refused(key: str, read: type) -> None:
    """Every part of it, and every letter of it changed for the next."""
    parts = [key[i:j] for i in range(len(key)) for j in range(i, len(key) + 1) if (i, j) != (0, len(key))]
    changed = [key[:i] + chr(ord(key[i]) + 1) + key[i + 1 :] for i in range(len(key))]
    for mangled in (*parts, *changed, key.upper(), f"{key}\n", f"{key}="):
        with pytest.raises(ValueError, match=r"."):
            read(mangled)


def test_a_key_of_another_length_is_refused() -> None:
    """Even where its id is right."""
    with pytest.raises(ValueError, match="32 bytes"):
        VerifierKey.read(VerifierKey.of("example.com/log", SignatureType.ED25519, bytes(33)).text)
    with pytest.raises(ValueError, match="32 bytes"):
        SignerKey("example.com/log", bytes(31))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\x00b"])
def test_a_name_that_no_key_may_have_is_refused(name: str) -> None:
    """Empty, with white space of any kind, or with a plus."""
    with pytest.raises(ValueError, match="name of a key"):
        SignerKey(name, SEED)


@given(text=st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), min_size=1))
def test_whatever_is_signed_is_read_again_and_verified(text: str) -> None:
    """Any text that ends its last line."""
    key = SignerKey("example.com/log", SEED)
    note = Note(f"{text}\n", ()).signed_by(key)
    read = Note.read(note.content)
    assert read == note
    assert read.verified([key.verifier])
