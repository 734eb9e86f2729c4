"""Everything that is generated, as the files of `contracts/`, `docs/refusals.md` and `docs/states.md` hold it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.contracts import diagrams, refusals
from deploy.contracts.asyncapi import asyncapi
from deploy.contracts.openapi import openapi, operations
from deploy.contracts.schemas import schemas
from services.chassis.http.openapi.documented_refusals import written

ROOT: Final = Path(__file__).parents[2]
CONTRACTS: Final = ROOT / "contracts"
_REFUSALS: Final = ("contracts/refusals.json", "docs/refusals.md")
_STATES: Final = "docs/states.md"


def refusal_documents() -> dict[str, str]:
    """The list of refusals, and the page about them, by their path. The OpenAPI documents rest on the list."""
    given = operations()
    return dict(zip(_REFUSALS, (_json(refusals.described(given)), refusals.page(given)), strict=True))


def documents() -> dict[str, str]:
    """The text of every other generated file by its path; the same code and refusals write the same text."""
    return {
        **{f"contracts/schemas/{name}.json": _json(schema) for name, schema in schemas().items()},
        **{f"contracts/openapi/{name}.json": _json(document) for name, document in openapi().items()},
        "contracts/asyncapi.yaml": yaml.safe_dump(asyncapi(), allow_unicode=True, sort_keys=False, width=120),
        _STATES: diagrams.page(),
    }


def checked_in(root: Path = ROOT) -> dict[str, str]:
    """The text of every file that is there now in the places of generated ones, by its path."""
    contracts = root / "contracts"
    places = [*contracts.glob("schemas/*"), *contracts.glob("openapi/*"), *contracts.glob("asyncapi.*")]
    places += [root / path for path in (*_REFUSALS, _STATES) if (root / path).exists()]
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in sorted(places)}


def write(root: Path = ROOT) -> list[str]:
    """Brings the files up to date, and removes those that nothing generates any more; returns what changed."""
    present = checked_in(root)
    wanted = refusal_documents()
    changed = _update(root, wanted, {path: text for path, text in present.items() if path in _REFUSALS})
    # Read again, now that it is the list of this code.
    written.cache_clear()
    return changed + _update(root, documents(), {path: text for path, text in present.items() if path not in _REFUSALS})


def _update(root: Path, wanted: dict[str, str], present: dict[str, str]) -> list[str]:
    changed = sorted(path for path in {*wanted, *present} if wanted.get(path) != present.get(path))
    for path in changed:
        file = root / path
        if path in wanted:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted[path], encoding="utf-8")
        else:
            file.unlink()
    return changed


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
