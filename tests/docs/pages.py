"""The documents of the repository as tests read them: fenced blocks, links, names of files and of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DECISIONS: Final = ROOT / "docs" / "decisions"
PAGES: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *DECISIONS.glob("*.md")])
"""Every document, README.md among them."""

_FENCE: Final = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, and the line in the document on which the text begins."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """Commands of a document, and the block that shows what comes of them, if there is one."""

    commands: Block
    shown: Block | None


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a document, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(found["kind"], found["text"], text.count("\n", 0, found.start()) + 2) for found in _FENCE.finditer(text)
    ]


def steps(page: Path) -> list[Step]:
    """The `sh` blocks of a document, each with the `json` or `text` block that follows it."""
    found = blocks(page)
    following: list[Block | None] = [*found[1:], None]
    return [
        Step(block, after if after is not None and after.kind in ("json", "text") else None)
        for block, after in zip(found, following, strict=True)
        if block.kind == "sh"
    ]


def under(page: Path, heading: str, found: list[Step]) -> list[Step]:
    """Those of the steps that stand under a heading, before the next one of its level or a higher one."""
    lines = page.read_text(encoding="utf-8").splitlines()
    first, level = lines.index(heading), len(heading) - len(heading.lstrip("#"))
    higher = tuple(f"{'#' * n} " for n in range(1, level + 1))
    # A comment in a block is no heading: the blocks of README have none.
    last = next((n for n, line in enumerate(lines) if n > first and line.startswith(higher)), len(lines))
    return [step for step in found if first < step.commands.line <= last]


def prose(page: Path) -> str:
    """A document without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def name(page: Path) -> str:
    """How a document is called in a test's name."""
    return str(page.relative_to(ROOT))
