"""Policies, as https://c2sp.org/tlog-policy has them: whom they name, and which checkpoints they take."""

from __future__ import annotations

import pytest

from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignatureType, SignerKey, VerifierKey
from services.chassis.transparency.notes import Note
from services.chassis.transparency.trust_policy import Distrusted, NoPolicy, TrustPolicy

LOG = SignerKey("example.com/log", bytes([1]) * 32)
OTHER_LOG = SignerKey("example.com/other", bytes([2]) * 32)
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
WITNESSES = {
    name: SignerKey(f"witness.example/{name}", bytes([n]) * 32, SignatureType.COSIGNATURE_V1)
    for n, name in enumerate(NAMES, start=10)
}
KEYS = {name: key.verifier.text for name, key in WITNESSES.items()}
EXAMPLE = f"""log {LOG.verifier.text}

witness X1 {KEYS["X1"]}
witness X2 {KEYS["X2"]}
witness X3 {KEYS["X3"]}
group X-witnesses 2 X1 X2 X3

witness Y1 {KEYS["Y1"]}
witness Y2 {KEYS["Y2"]}
witness Y3 {KEYS["Y3"]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
"""The example of the specification, with keys where it leaves them out."""
POLICY = TrustPolicy.read(EXAMPLE.encode())
TEXT = Checkpoint(LOG.verifier.name, 5, bytes(32)).text
POST_QUANTUM = VerifierKey.of("witness.example/pq", 6, bytes(1312)).text


def signed(*witnesses: str, by: SignerKey = LOG) -> Note:
    """A checkpoint of the log with cosignatures."""
    note = Note(TEXT, ()).signed_by(by)
    for name in witnesses:
        note = note.signed_by(WITNESSES[name], at=1_800_000_000)
    return note


@pytest.mark.parametrize("names", [("X1", "X2", "Y1"), ("X1", "X3", "Y3"), NAMES])
def test_enough_witnesses_of_each_group_are_a_quorum(names: tuple[str, ...]) -> None:
    """Two of the first three and one of the others, in whatever order they signed."""
    trusted = POLICY.check(signed(*reversed(names)))
    assert {*trusted.cosigned} == {*names}
    assert trusted.log == LOG.verifier
    assert trusted.checkpoint.size == 5


@pytest.mark.parametrize("names", [(), ("X1", "Y1"), ("X1", "X2", "X3"), ("Y1", "Y2", "Y3")])
def test_too_few_of_one_group_are_none(names: tuple[str, ...]) -> None:
    """However many of the other."""
    with pytest.raises(Distrusted, match="quorum X-and-Y is missed"):
        POLICY.check(signed(*names))


def test_a_witness_counts_once_however_often_it_signs() -> None:
    """The same cosignature twice is that of one witness."""
    with pytest.raises(Distrusted, match="missed"):
        POLICY.check(signed("X1", "X1", "Y1"))


def test_a_log_that_is_not_listed_or_not_the_one_of_the_origin_is_not_trusted() -> None:
    """Neither a stranger's signature nor that of another listed log for this origin."""
    with pytest.raises(Distrusted, match="no known key"):
        POLICY.check(signed(*NAMES, by=OTHER_LOG))
    both = TrustPolicy.read(f"log {OTHER_LOG.verifier.text}\nquorum none\n".encode())
    with pytest.raises(Distrusted, match=r"no key of the log example\.com/log"):
        both.check(signed(by=LOG))
    stranger = SignerKey(LOG.verifier.name, bytes([9]) * 32)
    with pytest.raises(Distrusted, match="no known key"):
        POLICY.check(signed(*NAMES, by=stranger))


def test_any_of_several_logs_is_taken() -> None:
    """As after a rotation, of which both keys are listed."""
    old = SignerKey(LOG.verifier.name, bytes([9]) * 32)
    policy = TrustPolicy.read(
        f"log {old.verifier.text}\nlog {LOG.verifier.text} https://x.example\nquorum none".encode()
    )
    assert policy.check(signed(by=old)).log == old.verifier
    assert policy.check(signed(by=LOG)).log == LOG.verifier
    assert [log.url for log in policy.logs] == [None, "https://x.example"]


def test_a_wrong_cosignature_is_distrusted_even_where_the_others_suffice() -> None:
    """Somebody has tampered with it."""
    note = signed(*NAMES)
    elsewhere = Note(TEXT.replace("\n5\n", "\n6\n"), ()).signed_by(WITNESSES["X3"], at=1)
    changed = tuple(elsewhere.signatures[0] if line.name.endswith("X3") else line for line in note.signatures)
    with pytest.raises(Distrusted, match="cosignature of X3 is wrong"):
        POLICY.check(Note(TEXT, changed))


def test_a_witness_of_a_kind_that_cannot_be_checked_counts_as_absent() -> None:
    """Whatever stands in its line; the others may suffice."""
    lines = (
        f"log {LOG.verifier.text}\nwitness pq {POST_QUANTUM}\nwitness X1 {KEYS['X1']}\ngroup g {{}} pq X1\nquorum g\n"
    )
    assert {*TrustPolicy.read(lines.format("any").encode()).check(signed("X1")).cosigned} == {"X1"}
    with pytest.raises(Distrusted, match="missed"):
        TrustPolicy.read(lines.format("all").encode()).check(signed("X1"))


def test_without_a_quorum_the_log_alone_suffices_and_without_logs_nothing_does() -> None:
    """Who knows the log otherwise asks for the cosignatures alone."""
    alone = TrustPolicy.read(f"log {LOG.verifier.text}\nquorum none\n".encode())
    assert alone.check(signed()).cosigned == {}
    nobody = TrustPolicy.read(b"quorum none\n")
    with pytest.raises(Distrusted, match="no key"):
        nobody.check(signed())
    assert nobody.cosigned(signed()) == {}


def test_blanks_comments_and_names_of_any_letters_are_taken() -> None:
    """Names are bytes: a Kelvin sign is no K, a no-break space parts no words, and what is no UTF-8 is a name too."""
    text = (
        f"""
      # comment
    \t witness \t K {KEYS["X1"]}
    witness \u212a {KEYS["X2"]}
    witness a\u00a0b {KEYS["X3"]} https://witness.example/
    quorum \u212a
    """.encode()
        + b"witness \xff "
        + KEYS["Y1"].encode()
    )
    policy = TrustPolicy.read(text)
    assert [*policy.witnesses][:3] == ["K", "\u212a", "a\u00a0b"]
    assert policy.witnesses["a\u00a0b"].url == "https://witness.example/"
    assert {*policy.cosigned(signed("X2"))} == {"\u212a"}
    with pytest.raises(Distrusted):
        policy.cosigned(signed("X1"))


W = f"witness a {KEYS['X1']}\nwitness b {KEYS['X2']}\n"


@pytest.mark.parametrize(
    "lines",
    [
        "",
        W,
        "quorum none\nquorum none",
        "quorum a",
        "quorum",
        f"{W}quorum a b",
        f"quorum a\n{W}",
        "Quorum none",
        f"{W}group g any a\ngroup h any a\nquorum h",
        f"{W}group g any a a\nquorum g",
        f"{W}group g any\nquorum g",
        f"{W}group g 0 a\nquorum g",
        f"{W}group g 3 a b\nquorum g",
        f"{W}group g 01 a b\nquorum g",
        f"{W}group g \u0661 a b\nquorum g",
        f"{W}group g some a b\nquorum g",
        f"{W}group g any a none\nquorum g",
        f"{W}group a any b\nquorum a",
        f"{W}group none any b\nquorum none",
        f"{W}group g any h\ngroup h any g\nquorum g",
        f"witness none {KEYS['X1']}\nquorum none",
        f"{W}witness a {KEYS['X3']}\nquorum a",
        f"{W}witness c {KEYS['X1']}\nquorum a",
        f"witness a {LOG.verifier.text}\nquorum a",
        f"log {KEYS['X1']}\nquorum none",
        f"log {LOG.verifier.text}\nlog {LOG.verifier.text}\nquorum none",
        f"log {LOG.verifier.text} https://a https://b\nquorum none",
        "log example.com/log\nquorum none",
        "quorum none\r\n",
        "quorum\u00a0none",
        "quorum none\x7f",
    ],
)
def test_what_is_not_written_as_a_policy_is_none(lines: str) -> None:
    """A refusal names the line, where it is one line's fault."""
    with pytest.raises(NoPolicy):
        TrustPolicy.read(lines.encode())


def test_a_refusal_names_its_line() -> None:
    """Counted from one, with the empty ones."""
    with pytest.raises(NoPolicy, match="line 3: there is one quorum"):
        TrustPolicy.read(b"quorum none\n\nquorum none\n")


def test_keys_under_other_names_are_the_same_keys() -> None:
    """A witness that is listed twice would count twice."""
    key = WITNESSES["X1"].verifier
    renamed = VerifierKey.of("witness.example/renamed", key.kind, key.public)
    with pytest.raises(NoPolicy, match="line 3: the key of this witness"):
        TrustPolicy.read(f"{W}witness c {renamed.text}\nquorum c\n".encode())


def test_thirty_two_of_each_are_taken() -> None:
    """The least that the specification recommends."""
    lines = [f"log {SignerKey(f'example.com/{n}', bytes([n]) * 32).verifier.text}" for n in range(32)]
    for n in range(32):
        key = SignerKey(f"witness.example/{n}", bytes([n]) * 32, SignatureType.COSIGNATURE_V1)
        lines += (f"witness w{n} {key.verifier.text}", f"group g{n} any w{n}{f' g{n - 1}' if n else ''}")
    policy = TrustPolicy.read("\n".join([*lines, "quorum g31"]).encode())
    assert (len(policy.logs), len(policy.witnesses), len(policy.groups)) == (32, 32, 32)
