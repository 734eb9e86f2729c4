"""The headers of requests and answers in the OpenAPI document, as far as they follow from what an operation is."""

from __future__ import annotations

from typing import Any, Final

from contracts.http_examples import RESOURCE
from contracts.recorded_reads import PURPOSE

_TEXT: Final = {"type": "string"}
HEADERS: Final[dict[str, dict[str, Any]]] = {
    "ETag": {"description": "The version of the resource; send it as `If-Match`.", "schema": _TEXT, "example": '"3"'},
    "Position": {
        "description": "The position of the last event written; send it as `waitFor` to any service.",
        "schema": _TEXT,
        "example": "cDE6cmVmZXJyYWw6NDI",
    },
    "Location": {
        "description": "The address of the new resource.",
        "schema": {"type": "string", "format": "uri-reference"},
        "example": RESOURCE,
    },
    "Idempotency-Replayed": {
        "description": "Present if the key was used before: this is the first answer again, and nothing was done.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "Cache-Control": {
        "description": "Answers depend on the caller and must not be cached.",
        "schema": _TEXT,
        "example": "no-store",
    },
    "WWW-Authenticate": {"description": "How to authenticate (RFC 6750).", "schema": _TEXT, "example": "Bearer"},
    "Retry-After": {
        "description": "Seconds to wait before retrying.",
        "schema": _TEXT,
        "example": "5",
    },
    "RateLimit-Policy": {
        "description": "The quota of an organisation: `q` requests in `w` seconds.",
        "schema": _TEXT,
        "example": '"organisation";q=600;w=60',
    },
    "RateLimit": {
        "description": "What is left of it (`r`), and in how many seconds there is more (`t`).",
        "schema": _TEXT,
        "example": '"organisation";r=0;t=3',
    },
}
"""Every header that answers have beyond those of HTTP itself."""
OF_REFUSALS: Final[dict[str, tuple[str, ...]]] = {
    "412": ("ETag",),
    "429": ("Retry-After", "RateLimit-Policy", "RateLimit"),
    "503": ("Retry-After",),
    "504": ("Retry-After",),
}
"""What a refusal of a status may carry; a 401 always carries `WWW-Authenticate`."""


def header(name: str, *, always: bool = False) -> dict[str, Any]:
    """A header of an answer; `always` if no such answer is without it."""
    return {**HEADERS[name], "required": always}


def of_refusal(status: str) -> dict[str, Any]:
    """The headers of refusals with a status."""
    if status == "401":
        return {"WWW-Authenticate": header("WWW-Authenticate", always=True)}
    return {name: header(name) for name in OF_REFUSALS.get(status, ())}


def without_purpose(operation: dict[str, Any]) -> None:
    """Takes the purpose of a reading from an operation that answers nothing whose reading is recorded."""
    others = [parameter for parameter in operation.get("parameters", []) if parameter["name"] != PURPOSE]
    if others:
        operation["parameters"] = others
    else:
        operation.pop("parameters", None)


def parameters(method: str, operation: dict[str, Any]) -> None:
    """Says which headers a request needs: a command its `If-Match`, a creation its `Idempotency-Key`.

    The code takes a request without them, to refuse it in the words of its own code.
    """
    needed = {"If-Match"} if method in ("post", "patch", "delete") else set()
    needed |= {"Idempotency-Key"} if "201" in operation["responses"] else set()
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "header" and parameter["name"] in needed:
            parameter["required"] = True
        # Neither a query nor a header has a null.
        kinds = [kind for kind in parameter["schema"].get("anyOf", []) if kind != {"type": "null"}]
        if len(kinds) == 1 and "anyOf" in parameter["schema"]:
            del parameter["schema"]["anyOf"]
            parameter["schema"] |= kinds[0]
        parameter.setdefault("description", f"The `{parameter['name']}` of the path.")


def of_answer(method: str, operation: dict[str, Any], *, versioned: bool) -> None:
    """Names the headers of what an operation answers when it does what it is asked."""
    named = {parameter["name"] for parameter in operation.get("parameters", [])}
    responses = operation["responses"]
    if "201" in responses:
        responses["201"]["headers"] = {
            **{name: header(name, always=True) for name in ("ETag", "Location", "Position")},
            "Idempotency-Replayed": header("Idempotency-Replayed"),
        }
        # A dry run makes nothing, and says what would be made.
        content = responses["201"]["content"]
        responses["200"] = {"description": "The result of a dry run; nothing was stored.", "content": dict(content)}
    elif "If-Match" in named or "dryRun" in named:
        if "204" in responses:
            always = {name: header(name, always=True) for name in ("ETag", "Position")}
            responses["204"]["headers"] = {**always, "Idempotency-Replayed": header("Idempotency-Replayed")}
        described = (
            {name: header(name) for name in ("ETag", "Position")} if "application/json" in _media(responses) else {}
        )
        if method == "post" and described:
            described["Idempotency-Replayed"] = header("Idempotency-Replayed")
        responses["200"]["headers"] = described
    elif method in ("get", "head") and operation.get("security"):
        described = {"ETag": header("ETag", always=True)} if versioned else {}
        responses["200"]["headers"] = described | {"Cache-Control": header("Cache-Control")}


def _media(responses: dict[str, Any]) -> set[str]:
    return {*responses["200"].get("content", {})}
