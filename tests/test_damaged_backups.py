"""An archive that is not one, or not whole, or not ours: `caserelay restore` says so, and makes nothing of it."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.backups import archive, caserelay, data, names, rows

__all__ = ["archive", "data"]


def refused(archive: Path, fresh: Path, *words: str) -> None:
    """It is not restored, and nothing at all is made."""
    caserelay("restore", archive, data=fresh).refuses(*words)
    assert not fresh.exists()


@pytest.mark.parametrize(
    "content", [b"", b"a text", b"PK\x03\x04 and no more", b"SQLite format 3\x00" + bytes(5000), b"\x1f\x8b" * 999]
)
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    """Whatever it is."""
    (tmp_path / "x.zip").write_bytes(content)
    refused(tmp_path / "x.zip", tmp_path / "fresh", "x.zip is damaged, incomplete or not a backup")


def test_a_backup_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """In a line too."""
    refused(tmp_path / "x.zip", tmp_path / "fresh", "x.zip could not be restored: No such file")


def test_a_backup_that_lacks_its_end_or_has_another_bit_is_refused(archive: Path, tmp_path: Path) -> None:
    """Wherever the damage is, nothing is restored, and nothing but one line is said."""
    whole, chance = archive.read_bytes(), random.Random(11)
    broken = tmp_path / "broken.zip"
    for _ in range(40):
        broken.write_bytes(whole[: chance.randrange(len(whole))])
        refused(broken, tmp_path / "fresh")
    for _ in range(40):
        at = chance.randrange(len(whole))
        broken.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :])
        done = caserelay("restore", broken, data=tmp_path / "fresh")
        if done.status == 0:
            # It hit a time or a mode that says nothing about what is in the files.
            assert rows(tmp_path / "fresh" / "referral-log.db") == rows(tmp_path / "data" / "referral-log.db")
            shutil.rmtree(tmp_path / "fresh")
        else:
            done.refuses()
            assert not (tmp_path / "fresh").exists()


Members = dict[str, bytes]


def rewritten(archive: Path, change: Callable[[Members, dict[str, Any]], object], *, honest: bool = True) -> Path:
    """The same archive after somebody changed what is in it; `honest`: the manifest has the digests of that."""
    with zipfile.ZipFile(archive) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    change(members, manifest)
    if honest:
        manifest["members"] = {
            name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in members.items()
        }
    made = archive.with_name("rewritten.zip")
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in {**members, "manifest.json": json.dumps(manifest).encode()}.items():
            target.writestr(name, content)
    return made


@pytest.mark.parametrize(
    "name",
    [
        "../evil.db",
        "/tmp/evil.db",  # noqa: S108 - nobody writes there, which is the point
        "issuer/../../evil.db",
        "..\\evil.db",
        "C:\\evil.db",
        "evil.db",
        "issuer",
        "./bus.db",
    ],
)
def test_no_name_in_an_archive_leads_anywhere_else(archive: Path, tmp_path: Path, name: str) -> None:
    """A backup holds files of known names, and an archive with any other is none."""
    made = rewritten(archive, lambda members, _: members.update({name: b"evil"}))
    before = names(tmp_path)
    refused(made, tmp_path / "fresh", "has missing, duplicate or unexpected files")
    assert names(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda members, _: members.update({"referral-log.db": members["referral-log.db"][:-1] + b"?"}), "is not what"),
        (lambda members, _: members.update({"referral-log.db": members["referral-log.db"] + b"?"}), "is not what"),
        (lambda members, _: members.pop("referral-vault.db"), "missing"),
        (lambda _, manifest: manifest["members"].pop("referral-vault.db"), "unexpected files"),
        (lambda _, manifest: manifest.update(version=2), "this version"),
        (lambda _, manifest: manifest.update(format="another"), "this version"),
        (lambda _, manifest: manifest.update(members={}), "this version"),
    ],
    ids=["changed", "longer", "one missing", "one too many", "newer", "foreign", "nothing"],
)
def test_what_disagrees_with_its_manifest_is_refused(
    archive: Path, tmp_path: Path, change: Callable[[Members, dict[str, Any]], object], word: str
) -> None:
    """The manifest says what was backed up, and nothing else is put back."""
    refused(rewritten(archive, change, honest=False), tmp_path / "fresh", word)


def test_an_archive_without_a_manifest_is_refused(archive: Path, tmp_path: Path) -> None:
    """Some other zip file with the same names."""
    made = tmp_path / "plain.zip"
    with zipfile.ZipFile(archive) as opened, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("referral-log.db", opened.read("referral-log.db"))
    refused(made, tmp_path / "fresh", "manifest.json", "is not a backup by")


@pytest.mark.parametrize("kind", ["twice", "packed otherwise", "said to be encrypted"])
def test_an_archive_that_a_backup_would_not_be_is_refused(archive: Path, tmp_path: Path, kind: str) -> None:
    """However well it agrees with its manifest: which of two files is the right one, say."""
    with zipfile.ZipFile(archive) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    made = tmp_path / "made.zip"
    packed = zipfile.ZIP_BZIP2 if kind == "packed otherwise" else zipfile.ZIP_DEFLATED
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w", packed) as target:
        warnings.simplefilter("ignore")
        for name, content in members.items():
            target.writestr(name, content)
        if kind == "twice":
            target.writestr("referral-log.db", members["referral-log.db"])
        if kind == "said to be encrypted":
            for entry in target.infolist():
                entry.flag_bits |= 1
    refused(made, tmp_path / "fresh", "duplicate" if kind == "twice" else "is encrypted, or was not written by")
