"""The archive of a bundle: nothing too large is read or written, and others read it as well."""

from __future__ import annotations

import io
import zipfile

import pytest

from services.chassis.audit.bundle.archive import LARGEST_MEMBER, ArchiveWriter, NoArchive, TooLarge, read_archive
from tests.chassis.audit.auditing import Auditing
from tests.chassis.audit.bundling import a_bundle, found, members_of


def test_a_file_of_no_kind_and_an_empty_one_are_said_to_be_none() -> None:
    """Neither is a mistake of the program."""
    for content in (b"", b"P", b"PK", b"hello", b"PK\x05\x06" + bytes(18), b"PK\x03\x04"):
        assert found(content) == {("", 0, "MALFORMED")}, content


def test_an_archive_that_unpacks_to_more_than_it_is_is_not_read() -> None:
    """Compressed, it could be of any size; and a length that is not there is not believed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("counters/bomb.txt", bytes(10 * LARGEST_MEMBER))
    assert found(file.getvalue()) == {("", 0, "MALFORMED")}
    stored = io.BytesIO()
    writer = ArchiveWriter(stored)
    writer.add("counters/small.txt", b"small")
    writer.end()
    claims = bytearray(stored.getvalue())
    for place in (18, 22):
        claims[place : place + 4] = (2**32 - 1).to_bytes(4, "little")
    with pytest.raises(NoArchive, match="more than"):
        list(read_archive(io.BytesIO(bytes(claims))))


@pytest.mark.parametrize(
    "name", ["../escaped", "/absolute", "a/../b", "a//b", "a/.hidden", "with blank", "a\nb", "", "é"]
)
def test_a_name_that_leads_elsewhere_is_no_members(name: str) -> None:
    """Neither written nor read."""
    with pytest.raises(ValueError, match="cannot be named"):
        ArchiveWriter(io.BytesIO()).add(name, b"")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"")
    assert found(file.getvalue()) == {("", 0, "MALFORMED")}


def test_members_that_are_too_large_or_stand_twice_are_not_written() -> None:
    """An archive holds no more than its readers take."""
    writer = ArchiveWriter(io.BytesIO())
    writer.add("a/one", b"")
    for name in ("a/one", "a/nothing"):
        with pytest.raises(ValueError, match="cannot be named"):
            writer.add(name, b"")
    with pytest.raises(TooLarge):
        writer.add("a/two", bytes(LARGEST_MEMBER + 1))


async def test_others_read_the_archive(auditing: Auditing) -> None:
    """Python's own module does, and finds nothing wrong."""
    bundle = await a_bundle(auditing)
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == members_of(bundle)
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
