"""The OpenAPI document: what FastAPI derives, completed with what a client and a reader need besides.

Names and purposes come from the service's table (`described.py`), refusals from `contracts/refusals.json`, examples
from `contracts/http_examples`; tokens, required headers and the headers of answers follow from what an operation is.
"""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from contracts.http_examples import Exchange, exchange_of
from contracts.problem import Problem
from contracts.recorded_reads import is_recorded
from contracts.refusals import REFUSALS
from services.chassis.http.openapi.documented_refusals import PROBLEM, refusals_of
from services.chassis.http.openapi.headers import of_answer, parameters, without_purpose
from services.chassis.http.openapi.operations import COMMON, ApiDescription, Operation
from services.chassis.http.openapi.shapes import tidy

_OPEN: Final = {"/healthz", "/readyz", "/metrics"}
METHODS: Final = ("get", "head", "put", "post", "delete", "patch")
"""The members of a path that are operations."""
_MANNERS: Final = (
    " Every refusal is `application/problem+json` with a stable `code`. Each operation lists its refusals, "
    "and docs/refusals.md lists them all."
)


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made once and kept."""
    if app.openapi_schema is None:
        described: ApiDescription = getattr(app.state, "described", ApiDescription(""))
        tags = {**described.tags, **COMMON.tags}
        made = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=described.purpose + _MANNERS,
            routes=app.routes,
            openapi_version="3.1.0",
            tags=[{"name": name, "description": purpose} for name, purpose in tags.items()],
            servers=[{"url": "/", "description": "The origin that serves this document."}],
            contact={"name": "The maintainers of Caserelay"},
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        app.openapi_schema = _complete(made, described)
    return app.openapi_schema


def _complete(made: dict[str, Any], described: ApiDescription) -> dict[str, Any]:
    operations: dict[str, Operation] = {**COMMON.operations, **described.operations}
    components = made.setdefault("components", {})
    schemas = components["schemas"] = dict(sorted({**components.get("schemas", {}), **described.schemas()}.items()))
    schemas.update(_problem_schemas())
    # FastAPI's own shape of a refusal is never sent.
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    components["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token of the issuer, with `sub`, `org`, `role`, `iss`, `aud` and `exp`.",
        }
    }
    examples = components.setdefault("examples", {})
    for path, item in made["paths"].items():
        for method in METHODS:
            if method in item:
                _name_bodies(item[method], schemas)
                written = operations.get(f"{'GET' if method == 'head' else method.upper()} {path}")
                examples |= _operation(path, method, item[method], written)
    if '"#/components/responses/Problem"' in json.dumps(made["paths"]):
        components["responses"] = {"Problem": PROBLEM}
    tidy(made)
    return made


def _name_bodies(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Gives a body that a route describes by itself a name, so that clients make one class of it."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content.get("schema", {})
        if schema.get("type") == "object" and "title" in schema:
            schemas.setdefault(schema["title"], schema)
            content["schema"] = {"$ref": f"#/components/schemas/{schema['title']}"}


def _problem_schemas() -> dict[str, Any]:
    problem = Problem.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    parts = problem.pop("$defs", {})
    for schema in (problem, *parts.values()):
        schema["properties"]["code"] = {"$ref": "#/components/schemas/RefusalCode"}
    codes = {
        "type": "string",
        "title": "RefusalCode",
        "description": "The stable code of the refusal.",
        "enum": sorted(REFUSALS),
    }
    return {**parts, "Problem": problem, "RefusalCode": codes}


def _operation(path: str, method: str, operation: dict[str, Any], written: Operation | None) -> dict[str, Any]:
    """Completes one operation, and returns the examples of its refusals."""
    if written is not None:
        operation["operationId"] = written.id if method != "head" else f"{written.id}-head"
        operation["description"] = written.purpose
        operation["summary"] = written.summary or operation["summary"]
    if path not in _OPEN and not (written is not None and written.open):
        operation["security"] = [{"bearer": []}]
    else:
        operation["security"] = []
    responses = operation["responses"]
    responses.pop("422", None)
    if not is_recorded(method.upper(), path):
        without_purpose(operation)
    parameters(method, operation)
    of_answer(method, operation, versioned=written is not None and written.versioned)
    exchange = exchange_of(written.id) if written is not None else Exchange()
    _show(operation, exchange)
    refusals, examples = refusals_of("get" if method == "head" else method, path)
    if not refusals:
        # An operation that was made after the list was written.
        responses["default"] = {"$ref": "#/components/responses/Problem"}
    for status, refusal in refusals.items():
        # An answer that is no problem, such as that of a service that is not ready, has a shape of its own.
        responses.setdefault(status, refusal)
    if method == "head":
        for response in responses.values():
            response.pop("content", None)
    return examples


def _show(operation: dict[str, Any], exchange: Exchange) -> None:
    """Puts the examples of a request and its answer beside their schemas."""
    if exchange.request is not None and "requestBody" in operation:
        for content in operation["requestBody"]["content"].values():
            content["example"] = exchange.request
    if exchange.answer is not None:
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                for content in response.get("content", {}).values():
                    content.setdefault("example", exchange.answer)
