"""ARCHITECTURE.md: its tree is the tree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.docs.pages import ROOT, blocks, prose

TREE: Final = next(block for block in blocks(ROOT / "ARCHITECTURE.md") if "services/\n" in block.text)

DESCRIBED_IN_FULL: Final = ("", "services", "deploy")
"""Directories of which the tree shows everything that a reader meets."""


def _shown() -> set[str]:
    """Every path in the tree; two blanks more are one level deeper."""
    paths, above = set(), list[str]()
    for line in TREE.text.splitlines():
        entry = line.split("  ")
        depth = next(n for n, part in enumerate(entry) if part)
        above = [*above[:depth], entry[depth].strip().rstrip("/")]
        paths.add("/".join(above))
    return paths


def _there(directory: str) -> set[str]:
    """What a directory holds, apart from what is made, hidden or only says that it is a package."""
    entries: list[Path] = [
        entry
        for entry in (ROOT / directory).iterdir()
        if not entry.name.startswith((".", "__")) and not entry.name.endswith(".egg-info")
    ]
    if directory:
        return {f"{directory}/{entry.name}" for entry in entries}
    return {entry.name for entry in entries if (entry.is_dir() and list(entry.rglob("*.py"))) or entry.name == "docs"}


def test_what_the_tree_shows_is_there() -> None:
    """Every line is a file or a directory."""
    assert [path for path in sorted(_shown()) if not (ROOT / path).exists()] == []


def test_what_is_there_the_tree_shows() -> None:
    """No directory of the top level, no service and no tool is left out."""
    shown = _shown()
    assert [path for directory in DESCRIBED_IN_FULL for path in sorted(_there(directory)) if path not in shown] == []


def test_every_path_that_the_page_names_is_there() -> None:
    """Also in the tables, and where no name in the file is meant."""
    named = re.findall(r"`((?:contracts|deploy|docs|services|tests)/[\w./-]+)`", prose(ROOT / "ARCHITECTURE.md"))
    assert len(named) > len(DESCRIBED_IN_FULL)
    assert [path for path in named if not (ROOT / path).exists()] == []
