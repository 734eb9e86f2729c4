"""Everything that is generated, as the files of `contracts/` hold it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.contracts.asyncapi import asyncapi
from deploy.contracts.openapi import openapi
from deploy.contracts.schemas import schemas

CONTRACTS: Final = Path(__file__).parents[2] / "contracts"


def documents() -> dict[str, str]:
    """The text of every generated file by its path below `contracts/`; the same code writes the same text."""
    return {
        **{f"schemas/{name}.json": _json(schema) for name, schema in schemas().items()},
        **{f"openapi/{name}.json": _json(document) for name, document in openapi().items()},
        "asyncapi.yaml": yaml.safe_dump(asyncapi(), allow_unicode=True, sort_keys=False, width=120),
    }


def checked_in(directory: Path = CONTRACTS) -> dict[str, str]:
    """The text of every file that is there now in the places of generated ones, by its path below `contracts/`."""
    places = [*directory.glob("schemas/*"), *directory.glob("openapi/*"), *directory.glob("asyncapi.*")]
    return {str(path.relative_to(directory)): path.read_text(encoding="utf-8") for path in sorted(places)}


def write(directory: Path = CONTRACTS) -> list[str]:
    """Brings the files up to date, and removes those that nothing generates any more; returns what changed."""
    wanted, present = documents(), checked_in(directory)
    changed = sorted(path for path in {*wanted, *present} if wanted.get(path) != present.get(path))
    for path in changed:
        file = directory / path
        if path in wanted:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted[path], encoding="utf-8")
        else:
            file.unlink()
    return changed


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
