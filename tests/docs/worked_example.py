"""The worked example of CONTRIBUTING.md: its `diff` blocks, applied to a copy of the repository as a reader would.

A block names a file (`--- path`, or `+++ path` for a new one) and has hunks, with `@@` between them. A hunk is found by
its lines that are there already: those that stay, with a blank in front, and those that go, with a minus. Of a line
that stays, what follows `…` may be anything.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.docs.pages import ROOT, blocks

PAGE: Final = ROOT / "CONTRIBUTING.md"
_LEFT_OUT: Final = shutil.ignore_patterns(
    ".*", "__pycache__", "node_modules", "var", "build", "dist", "*.egg-info", "*.png", "*.svg"
)
_ETC: Final = "…"


class Stale(Exception):  # noqa: N818 - reads as what is wrong
    """A block does not fit the file that it changes."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a block makes of a file: hunks as lines with their marks, in the order of the file."""

    path: str
    hunks: tuple[tuple[str, ...], ...]
    is_new: bool

    def apply(self, root: Path) -> None:
        """Changes the file below a root. Raises Stale."""
        file = root / self.path
        if self.is_new:
            if file.exists():
                raise Stale(f"{self.path} is there already")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(f"{line[1:]}\n" for hunk in self.hunks for line in hunk), encoding="utf-8")
            return
        lines = file.read_text(encoding="utf-8").splitlines()
        for hunk in self.hunks:
            lines = _with(lines, hunk, self.path)
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def changes() -> list[Change]:
    """The blocks of the example, in their order."""
    return [change(block.text) for block in blocks(PAGE) if block.kind == "diff"]


def change(text: str) -> Change:
    """One block, read."""
    first, *lines = text.splitlines()
    mark, _, path = first.partition(" ")
    if mark not in ("---", "+++"):
        raise Stale(f"a block begins with `--- file` or `+++ file`, and not with {first!r}")
    return Change(path, tuple(_hunks(lines)), is_new=mark == "+++")


def copy_of_the_repository(to: Path) -> Path:
    """The files that somebody begins with."""
    for folder in ("contracts", "services", "deploy", "docs", "tests"):
        shutil.copytree(ROOT / folder, to / folder, ignore=_LEFT_OUT)
    for file in (*ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "LICENSE"):
        shutil.copy(file, to)
    return to


def _hunks(lines: list[str]) -> Iterator[tuple[str, ...]]:
    hunk: list[str] = []
    for line in lines:
        if line == "@@":
            yield tuple(hunk)
            hunk = []
        else:
            hunk.append(line or " ")
    yield tuple(hunk)


def _with(lines: list[str], hunk: tuple[str, ...], path: str) -> list[str]:
    old = [line for line in hunk if not line.startswith("+")]
    places = [place for place in range(len(lines) - len(old) + 1) if _fits(lines[place:], old)]
    if len(places) != 1 or not old:
        raise Stale(f"{path} has {len(places)} places for:\n" + "\n".join(old))
    (place,) = places
    there, made = iter(lines[place : place + len(old)]), list[str]()
    for line in hunk:
        if line.startswith("+"):
            made.append(line[1:])
        elif line.startswith("-"):
            next(there)
        else:
            made.append(next(there))
    return [*lines[:place], *made, *lines[place + len(old) :]]


def _fits(lines: list[str], old: list[str]) -> bool:
    return all(_is(line, wanted[1:]) for line, wanted in zip(lines, old, strict=False))


def _is(line: str, wanted: str) -> bool:
    begin, etc, _ = wanted.partition(_ETC)
    return line.startswith(begin) if etc else line == wanted
