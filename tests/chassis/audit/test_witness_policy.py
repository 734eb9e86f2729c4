"""The witnesses of the settings: who of a policy is asked, and which files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis.audit.witness_policy import RefusedPolicy, reachable, read_policy
from services.chassis.transparency.keys import VerifierKey
from tests.chassis.audit.witnessing import key_of

W1, W2 = key_of("w1").verifier.text, key_of("w2").verifier.text
POST_QUANTUM = VerifierKey.of("witness.example/pq", 6, bytes(1312)).text


def test_those_are_asked_that_have_a_url_and_a_key_that_can_be_checked(tmp_path: Path) -> None:
    """The others count for the quorum of who verifies: they may cosign by themselves."""
    file = tmp_path / "policy"
    file.write_text(
        f"witness a {W1} https://a.example/w\nwitness b {W2}\nwitness c {POST_QUANTUM} https://c.example\n"
        "group any any a b c\nquorum any\n"
    )
    assert {name: witness.url for name, witness in reachable(read_policy(file)).items()} == {"a": "https://a.example/w"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "quorum"),
        ("quorum none\n", "no witness has a URL"),
        (f"witness a {W1}\nquorum a\n", "no witness has a URL"),
        (f"witness a {W1} ftp://a.example\nquorum a\n", "URL of a"),
        (f"witness a {W1} https://\nquorum a\n", "URL of a"),
        (f"witness a {W1} https://a.example?x=1\nquorum a\n", "URL of a"),
        (f"witness a {W1} https://[::1\nquorum a\n", "URL of a"),
        (f"witness a {W1} https://a.example:port\nquorum a\n", "URL of a"),
        (f"witness a {W1} https://a.example:99999\nquorum a\n", "URL of a"),
        (f"witness a {W1} https://a.example/\udcff\nquorum a\n", "URL of a"),
        (f"witness \udcff {W1} https://a.example\nquorum none\n", "name of a witness"),
        (f"witness a {W1} https://a.example b\nquorum a\n", "line 1: a line that begins with witness has more words"),
        ("\nwitness a\n", "line 2: a line that begins with witness"),
        (f"witness a {W1} https://a.example\n", "quorum"),
        (f"witness a {W1} https://a.example\nquorum b\n", "line 2"),
    ],
)
def test_a_policy_by_which_nobody_can_be_asked_is_refused(tmp_path: Path, text: str, why: str) -> None:
    """In a line that names the setting, the file and what is wrong."""
    file = tmp_path / "policy"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(RefusedPolicy, match=rf"^CASERELAY_WITNESS_POLICY: .*policy.*{why}") as refused:
        read_policy(file)
    assert "\n" not in str(refused.value)


def test_a_policy_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """So is a directory."""
    for file in (tmp_path / "policy", tmp_path):
        with pytest.raises(RefusedPolicy, match="cannot be read"):
            read_policy(file)
