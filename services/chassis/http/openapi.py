"""The OpenAPI document: what FastAPI derives, completed with bearer tokens, problems and the headers of answers."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from contracts.problem import Problem

_OPEN = {"/healthz", "/readyz", "/metrics"}
_METHODS = {"get", "put", "post", "delete", "patch"}


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made once and kept."""
    if app.openapi_schema is None:
        app.openapi_schema = _complete(
            get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes, openapi_version="3.1.0"
            )
        )
    return app.openapi_schema


def _complete(made: dict[str, Any]) -> dict[str, Any]:
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = Problem.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    # FastAPI's own shape of a refusal is never sent.
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    components["responses"] = {
        "Problem": {
            "description": "A refusal (RFC 9457); `code` says which.",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
                if path not in _OPEN:
                    operation["security"] = [{"bearer": []}]
    return made
