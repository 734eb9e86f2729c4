"""What a witness answers, as https://c2sp.org/tlog-witness says: by status, and with what it keeps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from services.chassis.transparency.add_checkpoint import LARGEST_REQUEST, AddCheckpoint, origin_hash
from services.chassis.transparency.base64_text import encoded
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignatureType, SignerKey
from services.chassis.transparency.notes import Note
from services.witness.app import application
from services.witness.cosigner import Cosigner, RefusedKey, log_keys
from services.witness.records import Records, RefusedRecords
from services.witness.refusals import AnotherSize, NotKept
from tests.witness.logs import ORIGIN, Log

LOG: Final = Log()
KEY: Final = SignerKey("witness.example/ngo", bytes([7]) * 32, SignatureType.COSIGNATURE_V1)
NOW: Final = 1_800_000_000


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    """What the witness keeps."""
    kept = Records(tmp_path / "kept")
    yield kept
    kept.close()


@pytest.fixture
def said() -> list[str]:
    """What the witness says."""
    return []


@pytest.fixture
def cosigner(records: Records, said: list[str]) -> Cosigner:
    """The witness of one log."""
    return Cosigner(KEY, log_keys([LOG.vkey]), records, lambda: NOW, said.append)


@pytest.fixture
def ask(cosigner: Cosigner) -> httpx.AsyncClient:
    """Its HTTP interface."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(application(cosigner)), base_url="http://witness.test")


async def add(ask: httpx.AsyncClient, content: bytes) -> httpx.Response:
    """The answer to a request."""
    return await ask.post("/add-checkpoint", content=content)


async def test_a_checkpoint_that_continues_the_last_one_is_cosigned(ask: httpx.AsyncClient) -> None:
    """With the witness's key, over the whole text and a time; the first one of all needs no proof."""
    for old, size in ((0, 5), (5, 5), (5, 256), (256, 300)):
        answer = await add(ask, LOG.asks(old, size))
        assert answer.status_code == 200, answer.text
        note = Note.read(LOG.checkpoint(size).content + answer.content)
        (found,) = note.verified([KEY.verifier])
        assert found.timestamp == NOW
        assert answer.text == f"{found.signature.line}"


async def test_what_was_cosigned_last_is_served_with_both_signatures(ask: httpx.AsyncClient) -> None:
    """Under the hash of the log's origin; nothing before the first, and nothing of another log."""
    place = f"/{origin_hash(ORIGIN)}/checkpoint"
    assert (await ask.get(place)).status_code == 404
    await add(ask, LOG.asks(0, 5))
    answer = await add(ask, LOG.asks(5, 9))
    served = await ask.get(place)
    assert served.status_code == 200
    assert served.content == LOG.checkpoint(9).content + answer.content
    assert (await ask.get(f"/{origin_hash('audit.example/other')}/checkpoint")).status_code == 404


async def test_signatures_of_others_are_neither_needed_nor_kept(ask: httpx.AsyncClient) -> None:
    """A checkpoint may bear many; what is served has those that were verified."""
    stranger = SignerKey("stranger.example", bytes([9]) * 32)
    asked = AddCheckpoint(0, (), LOG.checkpoint(5).signed_by(stranger))
    answer = await add(ask, asked.content)
    assert answer.status_code == 200
    served = await ask.get(f"/{origin_hash(ORIGIN)}/checkpoint")
    assert served.content == LOG.checkpoint(5).content + answer.content


async def test_a_log_that_is_not_known_is_not_found(ask: httpx.AsyncClient) -> None:
    """404, by any key."""
    other = Log(SignerKey("audit.example/other", bytes([1]) * 32))
    assert (await add(ask, other.asks(0, 5))).status_code == 404


async def test_what_the_log_has_not_signed_is_forbidden(ask: httpx.AsyncClient) -> None:
    """403: signed by a stranger under the log's name, with a wrong signature, or also with a wrong one."""
    stranger = Log(SignerKey(ORIGIN, bytes([2]) * 32))
    assert (await add(ask, stranger.asks(0, 5))).status_code == 403
    right, other = LOG.checkpoint(5), LOG.checkpoint(6)
    swapped = AddCheckpoint(0, (), Note(right.text, other.signatures))
    assert (await add(ask, swapped.content)).status_code == 403
    both = AddCheckpoint(0, (), Note(right.text, (*other.signatures, *right.signatures)))
    assert (await add(ask, both.content)).status_code == 403


async def test_a_key_that_was_rotated_counts_beside_the_one_before(records: Records) -> None:
    """Both have the log's name."""
    newer = Log(SignerKey(ORIGIN, bytes([3]) * 32))
    cosigner = Cosigner(KEY, log_keys([LOG.vkey, newer.vkey]), records, lambda: NOW)
    assert cosigner.add(LOG.asks(0, 5))
    assert cosigner.add(newer.asks(5, 8))
    assert cosigner.origins == [ORIGIN]


async def test_a_body_that_is_no_request_is_a_bad_one(ask: httpx.AsyncClient) -> None:
    """400; and 413 for one that does not end."""
    await add(ask, LOG.asks(0, 5))
    for content in (b"", b"\xff", b"old 5\n\n", LOG.asks(0, 5)[4:], LOG.asks(5, 6) + b"\n", b"old 7\n\n" + b"x\n" * 9):
        assert (await add(ask, content)).status_code == 400, content
    assert (await add(ask, AddCheckpoint(7, (), LOG.checkpoint(6)).content)).status_code == 400
    assert (await add(ask, bytes(LARGEST_REQUEST + 1))).status_code == 413
    assert (await ask.get("/add-checkpoint")).status_code == 405


async def test_another_old_size_is_a_conflict_that_names_the_right_one(ask: httpx.AsyncClient) -> None:
    """409 with `text/x.tlog.size`, also where the checkpoint is older than the one that was cosigned."""
    conflict = await add(ask, LOG.asks(3, 5))
    assert (conflict.status_code, conflict.content) == (409, b"0\n")
    await add(ask, LOG.asks(0, 8))
    for old, size in ((0, 9), (7, 9), (0, 8), (5, 5), (0, 3)):
        conflict = await add(ask, LOG.asks(old, size))
        assert (conflict.status_code, conflict.content) == (409, b"8\n")
        assert conflict.headers["Content-Type"] == "text/x.tlog.size"


async def test_what_does_not_continue_the_last_one_is_not_processed(ask: httpx.AsyncClient, said: list[str]) -> None:
    """422: a wrong proof, one where none belongs, none where one does, and an empty tree with a root."""
    hash_line = encoded(bytes(32)).encode()
    assert (await add(ask, LOG.asks(0, 5).replace(b"old 0\n", b"old 0\n" + hash_line + b"\n"))).status_code == 422
    empty = Note(Checkpoint(ORIGIN, 0, bytes(32)).text, ()).signed_by(LOG.key)
    assert (await add(ask, AddCheckpoint(0, (), empty).content)).status_code == 422
    assert (await add(ask, LOG.asks(0, 5))).status_code == 200
    other = LOG.split_at(3)
    assert (await add(ask, other.asks(5, 9))).status_code == 422
    assert (await add(ask, AddCheckpoint(5, (), LOG.checkpoint(9)).content)).status_code == 422
    assert (await add(ask, AddCheckpoint(5, (bytes(32),), LOG.checkpoint(5)).content)).status_code == 422
    # Anybody could send a wrong proof with a right checkpoint: that proves nothing against the log.
    assert said == []
    assert (await ask.get(f"/{origin_hash(ORIGIN)}/checkpoint")).text.splitlines()[1] == "5"


async def test_the_empty_tree_is_cosigned_and_continued(ask: httpx.AsyncClient) -> None:
    """Its size is the old size of the next one, as if nothing had been cosigned."""
    assert (await add(ask, LOG.asks(0, 0))).status_code == 200
    assert (await add(ask, LOG.asks(0, 0))).status_code == 200
    assert (await add(ask, LOG.asks(0, 4))).status_code == 200


@pytest.mark.parametrize(("old", "status"), [(5, 422), (0, 409), (3, 409)])
async def test_two_trees_of_one_size_are_proof_against_the_log(
    ask: httpx.AsyncClient, said: list[str], records: Records, old: int, status: int
) -> None:
    """Whatever old size is named: both checkpoints are kept and said, once, and the witness is no longer well."""
    await add(ask, LOG.asks(0, 5))
    assert (await ask.get("/status")).status_code == 200
    known, other = (await ask.get(f"/{origin_hash(ORIGIN)}/checkpoint")).text, LOG.split_at(3)
    for _ in range(2):
        assert (await add(ask, AddCheckpoint(old, (), other.checkpoint(5)).content)).status_code == status
    (line,) = said
    (file,) = records.findings(ORIGIN)
    assert line.startswith("SPLIT VIEW")
    assert str(file) in line
    for shown in (line, file.read_text()):
        assert known in shown
        assert other.checkpoint(5).content.decode() in shown
    standing = await ask.get("/status")
    assert (standing.status_code, standing.json()["ok"]) == (503, False)
    root = known.splitlines()[2]
    assert standing.json()["logs"] == [{"origin": ORIGIN, "findings": [str(file)], "size": 5, "root": root}]
    # What continues the one that was cosigned is cosigned as before.
    assert (await add(ask, LOG.asks(5, 9))).status_code == 200


def test_of_two_requests_at_once_one_is_decided_after_the_other(cosigner: Cosigner) -> None:
    """Both continue the same checkpoint; whichever is second finds another size, and nothing is rolled back."""
    cosigner.add(LOG.asks(0, 5))
    came: list[str | int] = []

    def ask_for(size: int) -> None:
        try:
            came.append(cosigner.add(LOG.asks(5, size)))
        except AnotherSize as refusal:
            came.append(refusal.size)

    for _ in range(20):
        threads = [threading.Thread(target=ask_for, args=(size,)) for size in range(6, 14)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    (cosigned,) = [each for each in came if isinstance(each, str)]
    (size,) = {each for each in came if isinstance(each, int)}
    newest = cosigner.newest(ORIGIN)
    assert newest is not None
    assert newest.content == LOG.checkpoint(size).content + cosigned.encode()


async def test_what_cannot_be_written_down_is_not_cosigned(
    ask: httpx.AsyncClient, cosigner: Cosigner, records: Records
) -> None:
    """503, and the record stays as it was, also where it cannot be read."""
    await add(ask, LOG.asks(0, 5))
    place = records.directory / f"{origin_hash(ORIGIN)}.checkpoint"
    (records.directory / f"{origin_hash(ORIGIN)}.new").mkdir()
    answer = await add(ask, LOG.asks(5, 9))
    assert (answer.status_code, "—" in answer.text) == (503, False)
    (records.directory / f"{origin_hash(ORIGIN)}.new").rmdir()
    for damaged in (b"", b"damaged", LOG.checkpoint(5).content.replace(b"\n5\n", b"\n05\n")):
        place.write_bytes(damaged)
        assert (await add(ask, LOG.asks(0, 3))).status_code == 503
        assert (await ask.get(f"/{origin_hash(ORIGIN)}/checkpoint")).status_code == 503
        assert "failing" in (await ask.get("/status")).json()["logs"][0]
    with pytest.raises(NotKept):
        cosigner.newest(ORIGIN)


def test_a_second_witness_does_not_use_the_same_records(records: Records) -> None:
    """Two would cosign two histories."""
    with pytest.raises(RefusedRecords, match="in use"):
        Records(records.directory)


def test_a_key_of_another_kind_is_none_of_a_log() -> None:
    """Nor is a text that is no key."""
    for vkey in (KEY.verifier.text, "log", ""):
        with pytest.raises(RefusedKey):
            log_keys([vkey])


def test_a_log_cannot_fill_the_disk_with_findings(cosigner: Cosigner, records: Records, said: list[str]) -> None:
    """The first hundred prove enough."""
    cosigner.add(LOG.asks(0, 5))
    for number in range(110):
        other = Log(LOG.key, [*LOG.leaves[:4], number.to_bytes(32, "big")])
        with pytest.raises(AnotherSize):
            cosigner.add(AddCheckpoint(0, (), other.checkpoint(5)).content)
    assert (len(records.findings(ORIGIN)), len(said)) == (100, 100)
