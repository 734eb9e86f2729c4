"""A zip archive that is written in one way only: members in the order of their names, each as it is and of one time.

Nothing is compressed, so that no small file becomes a large one, and the same members make the same bytes everywhere.
Who reads it takes nothing else, and so every byte of the file is one that the members determine.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final, NoReturn

LARGEST_MEMBER: Final = 16 * 2**20
"""Bytes of a member."""
LARGEST_ARCHIVE: Final = 2**31
MOST_MEMBERS: Final = 65_534
"""More would need the fields of Zip64."""
NAME: Final = re.compile(r"[a-z0-9-]+(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", re.ASCII)
"""Names that no file system and no terminal takes for anything else; none leads out of a directory."""
_LONGEST_NAME: Final = 250
_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<4sHHHHIIH")
_VERSION: Final = 20
_FIRST_DAY: Final = 0x21
"""The first day that a zip archive can name: 1 January 1980."""
_LOCAL_MARK: Final = b"PK\x03\x04"
_CENTRAL_MARK: Final = b"PK\x01\x02"
_END_MARK: Final = b"PK\x05\x06"


class NoArchive(ValueError):  # noqa: N818 - reads as what it is
    """A file that is not written so; the message says where, and holds nothing of the file but names that may be."""


class TooLarge(ValueError):  # noqa: N818 - reads as what it would be
    """More than an archive holds; the message says of what."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member as it was read; `sound`: its checksum is the one that the archive has."""

    name: str
    content: bytes
    sound: bool


class ArchiveWriter:
    """Writes members to a file, from its beginning. They are given in the order of their names."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._directory: list[bytes] = []
        self._size = 0
        self._last = ""

    def add(self, name: str, content: bytes) -> None:
        """Adds a member. Raises TooLarge, and ValueError for a name that cannot stand there."""
        if not _may_follow(name, self._last):
            raise ValueError(f"a member cannot be named {name} here")
        if len(content) > LARGEST_MEMBER or len(self._directory) == MOST_MEMBERS:
            raise TooLarge(f"{name}: an archive has {MOST_MEMBERS} members of {LARGEST_MEMBER} bytes at most")
        if self._size + len(content) > LARGEST_ARCHIVE:
            raise TooLarge(f"an archive has {LARGEST_ARCHIVE} bytes at most")
        checksum = zlib.crc32(content)
        self._directory.append(_central(name, checksum, len(content), self._size))
        header = _local(name, checksum, len(content))
        self._file.write(header)
        self._file.write(content)
        self._size += len(header) + len(content)
        self._last = name

    def end(self) -> None:
        """Writes the directory; nothing is added behind it."""
        for entry in self._directory:
            self._file.write(entry)
        self._file.write(_end(self._directory, self._size))


def read_archive(file: IO[bytes]) -> Iterator[Member]:
    """The members in their order, one in memory at a time.

    Raises NoArchive at the first byte that is not as `ArchiveWriter` writes it; it may be the last of the file.
    """
    directory: list[bytes] = []
    last, size = "", 0
    while (mark := file.read(4)) == _LOCAL_MARK:
        name, checksum, length = _read_header(file, last)
        if len(directory) == MOST_MEMBERS or size > LARGEST_ARCHIVE:
            _refuse("it is larger than such a file may be")
        content = file.read(length)
        if len(content) < length:
            _refuse(f"it ends within {name}")
        directory.append(_central(name, checksum, length, size))
        size += _LOCAL.size + len(name) + length
        last = name
        yield Member(name, content, zlib.crc32(content) == checksum)
    rest = b"".join((*directory, _end(directory, size)))
    if mark + file.read(len(rest)) != rest:
        _refuse(f"what follows {last or 'its beginning'} is not the directory of its members")


def _read_header(file: IO[bytes], last: str) -> tuple[str, int, int]:
    """Name, checksum and length of the member whose header begins here, behind the mark."""
    header = _LOCAL_MARK + file.read(_LOCAL.size - len(_LOCAL_MARK))
    if len(header) < _LOCAL.size:
        _refuse(f"it ends behind {last or 'its first bytes'}")
    checksum, length, name_length = (_LOCAL.unpack(header)[place] for place in (6, 8, 9))
    written = file.read(min(name_length, _LONGEST_NAME)).decode("ascii", "replace")
    if not _may_follow(written, last):
        _refuse(f"the name behind {last or 'its beginning'} is none that may stand there")
    if length > LARGEST_MEMBER:
        _refuse(f"{written} has more than {LARGEST_MEMBER} bytes")
    if header + written.encode() != _local(written, checksum, length):
        _refuse(f"{written} is compressed, or stored in another way than here")
    return written, checksum, length


def _may_follow(name: str, last: str) -> bool:
    return len(name) <= _LONGEST_NAME and name > last and NAME.fullmatch(name) is not None


def _local(name: str, checksum: int, size: int) -> bytes:
    fixed = _LOCAL.pack(_LOCAL_MARK, _VERSION, 0, 0, 0, _FIRST_DAY, checksum, size, size, len(name), 0)
    return fixed + name.encode("ascii")


def _central(name: str, checksum: int, size: int, place: int) -> bytes:
    fixed = _CENTRAL.pack(
        _CENTRAL_MARK, _VERSION, _VERSION, 0, 0, 0, _FIRST_DAY, checksum, size, size, len(name), 0, 0, 0, 0, 0, place
    )
    return fixed + name.encode("ascii")


def _end(directory: list[bytes], place: int) -> bytes:
    count = len(directory)
    return _END.pack(_END_MARK, 0, 0, count, count, sum(map(len, directory)), place, 0)


def _refuse(why: str) -> NoReturn:
    raise NoArchive(f"no archive as it is written here: {why}")
