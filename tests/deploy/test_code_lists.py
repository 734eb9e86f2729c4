"""A code list is made of its publisher's file, or not at all."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from contracts.code_lists.lists import DIRECTORY, groups
from deploy.code_lists.publishers import PUBLICATIONS, UnlikelyError
from deploy.code_lists.writing import write


def _published(target: Path, name: str, codes: Iterable[tuple[str, str]], *, delimiter: str = ",") -> Path:
    """A file like its publisher's: the column of codes among others, and a title that has every delimiter."""
    publication = PUBLICATIONS[name]
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file, delimiter=delimiter)
        rows.writerow(["Level", publication.columns[0], "Title", publication.under or "Note"])
        rows.writerows([1, code, "Fish; meat,\tand\nothers", group] for group, code in codes)
    return target


def _codes(name: str) -> list[tuple[str, str]]:
    return [(group, code) for group, codes in groups(name).items() for code in codes]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("name", PUBLICATIONS)
def test_what_is_shipped_is_what_its_publishers_file_makes(tmp_path: Path, name: str, delimiter: str) -> None:
    """Byte for byte; and what a publisher lists beside (states, extra-regio, subclasses) is left out."""
    beside = [("", "BE"), ("", "BEZ"), ("", "BEZZZ"), ("", "01.11.1"), ("", "")]
    file = _published(tmp_path / "theirs", name, [*_codes(name), *beside], delimiter=delimiter)
    said = list(write(tmp_path, name, file))
    assert (tmp_path / f"{name}.json").read_bytes() == (DIRECTORY / f"{name}.json").read_bytes()
    assert len(said) == 1


def test_what_came_and_what_went_is_said(tmp_path: Path) -> None:
    """A list that changes names the codes that are new and those that are gone."""
    before = _codes("nuts-2024")
    list(write(tmp_path, "nuts-2024", _published(tmp_path / "old", "nuts-2024", before)))
    after = [(group, "BE237" if code == "BE236" else code) for group, code in before]
    said = list(write(tmp_path, "nuts-2024", _published(tmp_path / "new", "nuts-2024", after)))
    assert said[1:] == ["came: BE237", "went: BE236"]


@pytest.mark.parametrize("name", PUBLICATIONS)
def test_a_list_that_lacks_a_code_is_not_written(tmp_path: Path, name: str) -> None:
    """Nor one with a code too many: the publisher's number decides."""
    codes = _codes(name)
    for changed in (codes[:-1], codes[1:]):
        with pytest.raises(UnlikelyError, match="codes by level"):
            list(write(tmp_path, name, _published(tmp_path / "theirs", name, changed)))
    with pytest.raises(UnlikelyError, match="no column"):
        list(write(tmp_path, name, _file(tmp_path / "other", "a,b\n1,2\n")))
    assert not (tmp_path / f"{name}.json").exists()


def test_the_command_says_what_it_needs(tmp_path: Path) -> None:
    """Without a list, or with a file that is none, it says so and changes nothing."""
    before = {file: file.read_bytes() for file in DIRECTORY.glob("*.json")}
    for arguments, word in (
        ([], "isco-08"),
        (["isco-08", str(_file(tmp_path / "none", "a,b\n"))], "nothing was written"),
    ):
        ran = subprocess.run(
            [sys.executable, "-m", "deploy.code_lists", *arguments],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 1
        assert word in ran.stderr
    assert {file: file.read_bytes() for file in DIRECTORY.glob("*.json")} == before


def _file(target: Path, text: str) -> Path:
    target.write_text(text, encoding="utf-8")
    return target
