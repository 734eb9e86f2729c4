"""The proofs in `testdata/` of https://github.com/transparency-dev/merkle, right and wrong ones, as they stand there.

`vectors/*.ndjson` holds a line for each file of its commit 417fb0c3, with the file's name (Apache-2.0).
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from services.chassis.transparency.proofs import Unproven, check_consistency, check_inclusion

VECTORS = Path(__file__).with_name("vectors")


def vectors(kind: str) -> list[Any]:
    """Those of a kind, by the name of their file."""
    lines = (VECTORS / f"{kind}.ndjson").read_text(encoding="utf-8").splitlines()
    return [pytest.param(vector, id=vector["name"]) for vector in map(json.loads, lines)]


def hashes(given: list[str] | None) -> list[bytes]:
    """Of their base64; some vectors have none."""
    return [base64.b64decode(each) for each in given or []]


def test_all_vectors_are_there() -> None:
    """As many as there are files."""
    assert (len(vectors("inclusion")), len(vectors("consistency"))) == (98, 98)


@pytest.mark.parametrize("vector", vectors("inclusion"))
def test_inclusion(vector: dict[str, Any]) -> None:
    """Holds where the vector wants it to, and is refused where not."""
    leaf, root = hashes([vector["leafHash"] or "", vector["root"] or ""])
    arguments = vector["leafIdx"], vector["treeSize"], leaf, hashes(vector["proof"]), root
    if vector["wantErr"]:
        with pytest.raises(Unproven):
            check_inclusion(*arguments)
    else:
        check_inclusion(*arguments)


@pytest.mark.parametrize("vector", vectors("consistency"))
def test_consistency(vector: dict[str, Any]) -> None:
    """Holds where the vector wants it to, and is refused where not."""
    roots = hashes([vector["root1"] or "", vector["root2"] or ""])
    arguments = vector["size1"], vector["size2"], hashes(vector["proof"]), *roots
    if vector["wantErr"]:
        with pytest.raises(Unproven):
            check_consistency(*arguments)
    else:
        check_consistency(*arguments)
