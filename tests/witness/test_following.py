"""A witness that nobody can reach asks itself, and proves what contradicts what it has cosigned."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignatureType, SignerKey
from services.chassis.transparency.notes import Note
from services.witness.cosigner import Cosigner, log_keys
from services.witness.following import Follower, RefusedToFollow, audited_log
from services.witness.records import Records
from tests.witness.logs import ORIGIN, Log
from tests.witness.showing import Showing, showing

KEY = SignerKey("witness.example/ngo", bytes([7]) * 32, SignatureType.COSIGNATURE_V1)


@dataclass
class Following:
    """A service that shows a log, and who follows it."""

    service: Showing
    cosigner: Cosigner
    follower: Follower
    said: list[str]

    @property
    def known(self) -> Note:
        """What was cosigned last."""
        note = self.cosigner.newest(ORIGIN)
        assert note is not None
        return note

    @property
    def size(self) -> int:
        """Its size."""
        return Checkpoint.read(self.known.text).size

    @property
    def finding(self) -> str:
        """What the one file says that proves the log wrong."""
        (file,) = self.cosigner.findings(ORIGIN)
        return Path(file).read_text()

    async def finds(self, word: str) -> None:
        """Looks twice, and says once, with both checkpoints, in what way they contradict each other."""
        known = self.known
        await self.follower.poll()
        await self.follower.poll()
        assert self.known == known
        (line,) = [line for line in self.said if "the proof is in" in line]
        assert line.startswith(word)
        shown = self.service.log.checkpoint(self.service.size).content.decode()
        for text in (line, self.finding):
            assert known.content.decode() in text
            assert shown in text
        assert word in self.follower.failing[ORIGIN]


@pytest.fixture
def following(tmp_path: Path) -> Iterator[Following]:
    """One that has cosigned ten leaves."""
    said, token, log, records = list[str](), tmp_path / "token", Log(), Records(tmp_path / "kept")
    cosigner = Cosigner(KEY, log_keys([log.vkey]), records, say=said.append)
    with showing(log, 10) as service:
        token.write_text(f"{service.token}\n")
        cosigner.add(log.asks(0, 10))
        yield Following(service, cosigner, Follower(cosigner, service.url, token, said.append, again=0.01), said)
    records.close()


async def test_what_continues_the_last_checkpoint_is_cosigned(following: Following) -> None:
    """With a proof that is asked for; the same one once more, since the time is another."""
    for size in (10, 11, 256, 300):
        following.service.size = size
        await following.follower.poll()
        assert (following.size, following.follower.failing) == (size, {})
        assert [found.key for found in following.known.verified([KEY.verifier])] == [KEY.verifier]
    assert following.said == []


async def test_the_first_checkpoint_of_all_needs_no_proof(tmp_path: Path) -> None:
    """It is what all later ones are held against."""
    records, token = Records(tmp_path / "kept"), tmp_path / "token"
    cosigner = Cosigner(KEY, log_keys([Log().vkey]), records)
    with showing(Log(), 7) as service:
        token.write_text(service.token)
        await Follower(cosigner, service.url, token, lambda _: None).poll()
    assert cosigner.newest(ORIGIN) is not None
    records.close()


async def test_two_trees_of_one_size_are_a_split_view(following: Following) -> None:
    """Both checkpoints are signed by the log: that proves it."""
    following.service.log = following.service.log.split_at(4)
    known = following.known
    await following.follower.poll()
    await following.follower.poll()
    (line,) = [line for line in following.said if line.startswith("SPLIT VIEW")]
    for text in (line, following.finding):
        assert known.content.decode() in text
        assert following.service.log.checkpoint(10).content.decode() in text
    assert (following.known, [*following.follower.failing]) == (known, [ORIGIN])


async def test_a_log_that_shows_less_is_rolled_back(following: Following) -> None:
    """It cannot prove that it was larger."""
    following.service.size = 6
    await following.finds("ROLLED BACK")


async def test_a_larger_log_that_is_another_one_is_inconsistent(following: Following) -> None:
    """As after a rollback that was followed by other events; whatever proof it gives is kept as well."""
    following.service.log, following.service.size = following.service.log.split_at(4), 20
    await following.finds("INCONSISTENT")
    assert "old 10\n" in following.finding


async def test_what_is_not_signed_by_the_log_proves_nothing(following: Following) -> None:
    """Nor does an error, an answer that is none, an epoch that is not known, or a token that has expired."""
    stranger, service = Log(SignerKey(ORIGIN, bytes([2]) * 32)), following.service
    for answer, why in (
        (stranger.checkpoint(10).content, "no known key has signed it"),
        (b"<html>", "no checkpoint"),
        (bytes(1_000_001), "does not end"),
        (Log(SignerKey(f"{ORIGIN}/2", bytes([1]) * 32)).checkpoint(4).content, f"called {ORIGIN}/2 now"),
    ):
        service.answer = answer
        await following.follower.poll()
        assert why in following.follower.failing[ORIGIN]
    service.answer, service.token = None, "another"
    await following.follower.poll()
    assert "answers 401" in following.follower.failing[ORIGIN]
    assert (following.cosigner.findings(ORIGIN), following.size) == ([], 10)
    service.token = "token-of-an-auditor"
    await following.follower.poll()
    assert following.follower.failing == {}


async def test_no_answer_keeps_it_from_looking_again(following: Following, tmp_path: Path) -> None:
    """Neither one that nothing can read, nor one that comes byte by byte; what comes later is found all the same."""
    service = following.service
    service.size, service.proof = 20, b"[" * 100_000
    await following.follower.poll()
    assert following.follower.failing[ORIGIN] == "the service answers with no proof"
    service.pause, service.proof = 0.1, None
    hurried = Follower(
        following.cosigner, service.url, tmp_path / "token", following.said.append, again=0.01, answer_seconds=0.3
    )
    began = time.monotonic()
    await hurried.poll()
    assert time.monotonic() - began < 3
    assert hurried.failing == {ORIGIN: "TimeoutError"}
    service.pause = 0.0
    (tmp_path / "token").write_bytes(b"\xff")
    await hurried.poll()
    assert hurried.failing == {ORIGIN: "--token: the file holds no token"}
    (tmp_path / "token").write_text(service.token)
    service.size = 6
    await hurried.poll()
    assert hurried.failing[ORIGIN].startswith("ROLLED BACK")


async def test_a_service_that_is_away_is_named_once(following: Following, tmp_path: Path) -> None:
    """It may come back."""
    follower = Follower(following.cosigner, "http://127.0.0.1:9", tmp_path / "token", following.said.append)
    await follower.poll()
    await follower.poll()
    assert len(following.said) == 1
    assert ORIGIN in following.said[0]


def test_an_origin_says_which_log_is_asked_for() -> None:
    """Its last part before the number of an epoch."""
    assert audited_log("audit.example/caserelay/casefile") == "casefile"
    assert audited_log("audit.example/caserelay/casefile/12") == "casefile"
    for origin in ("casefile", "audit.example/", "audit.example/../v1"):
        with pytest.raises(RefusedToFollow):
            audited_log(origin)


@pytest.mark.parametrize(
    "url", ["", "caserelay.example", "ftp://caserelay.example", "https://", "https://x.example?a", "https://[::1"]
)
def test_what_is_no_url_is_not_followed(following: Following, tmp_path: Path, url: str) -> None:
    """A line says what to give."""
    with pytest.raises(RefusedToFollow):
        Follower(following.cosigner, url, tmp_path / "token", following.said.append)
