"""Writes a shipped code list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from deploy.code_lists.publishers import PUBLICATIONS, read, shipped


def write(directory: Path, name: str, file: Path) -> Iterator[str]:
    """Writes `name`.json of a publisher's file, and says what came and what went. Raises UnlikelyError."""
    publication = PUBLICATIONS[name]
    codes = read(file, publication)
    target = directory / f"{name}.json"
    before = _codes(target) if target.exists() else set()
    target.write_text(json.dumps(shipped(codes, publication), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    yield f"{target.name}: {len(codes)} codes of {publication.name}"
    for word, difference in (("came", codes.keys() - before), ("went", before - codes.keys())):
        if before and difference:
            yield f"{word}: {' '.join(sorted(difference))}"


def _codes(target: Path) -> set[str]:
    return set(" ".join(json.loads(target.read_text(encoding="utf-8"))["codes"].values()).split())
