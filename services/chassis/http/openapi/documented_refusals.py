"""The refusals of each operation in the OpenAPI document, from `contracts/refusals.json`, with an example of each."""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import contracts
from contracts.http_examples import RESOURCE
from contracts.refusals import title_of
from services.chassis.http.openapi.headers import of_refusal

MEDIA_TYPE: Final = "application/problem+json"


PROBLEM: Final[dict[str, Any]] = {
    "description": "A refusal (RFC 9457), identified by `code`.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
"""A refusal of an operation of which no list says more."""


@cache
def written() -> dict[str, Any]:
    """What `make contracts` found in the code; nothing before it has run."""
    path = Path(contracts.__file__).parent / "refusals.json"
    documented: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return documented


def refusals_of(method: str, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answers of an operation that refuse, by status; and their examples, as components, by name."""
    by_status: dict[str, list[str]] = written().get("operations", {}).get(f"{method.upper()} {path}", {})
    answers = {status: _answer(status, names) for status, names in by_status.items()}
    return answers, {name: _component(name) for names in by_status.values() for name in names}


def _answer(status: str, names: list[str]) -> dict[str, Any]:
    codes = sorted({_example(name)["code"] for name in names})
    headers = of_refusal(status)
    return {
        "description": f"{HTTPStatus(int(status)).phrase}: {', '.join(codes)}.",
        **({"headers": headers} if headers else {}),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {name: {"$ref": f"#/components/examples/{name}"} for name in names},
            }
        },
    }


def _example(name: str) -> dict[str, Any]:
    example: dict[str, Any] = written()["examples"][name]
    return example


def _component(name: str) -> dict[str, Any]:
    example = _example(name)
    code, title = example["code"], title_of(example["code"])
    return {
        "summary": title,
        "value": {
            "type": f"urn:caserelay:problem:{code.lower().replace('_', '-')}",
            "title": title,
            "status": example["status"],
            "detail": example["detail"],
            "instance": RESOURCE,
            "code": code,
            **({"errors": example["errors"]} if "errors" in example else {}),
        },
    }
