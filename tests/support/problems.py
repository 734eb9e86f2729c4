"""Refusals as a client reads them: the shape that each one has, and what it says is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import httpx

from contracts.refusals import REFUSALS

PROBLEM = "application/problem+json"
_LISTED: Final = json.loads((Path(__file__).parents[2] / "contracts" / "refusals.json").read_text(encoding="utf-8"))


def assert_problem(
    answer: httpx.Response, status: int, code: str | None = None, *, says: str = "", at: str | None = None
) -> dict[str, Any]:
    """The body of a refusal, in the shape that every refusal has (RFC 9457, and a code).

    `says` is a part of its detail, and `at` the JSON Pointer of a fault that it lists.
    """
    assert answer.status_code == status, f"{answer.status_code} {answer.text[:500]}"
    assert answer.headers["content-type"] == PROBLEM
    problem: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance", "code"} <= problem.keys()
    assert problem["status"] == status
    if code is not None:
        assert problem["code"] == code, problem
    assert problem["code"] in documented(answer), f"no refusal of this operation: {problem}"
    if status == 422:
        assert all({"pointer", "code", "detail"} <= fault.keys() for fault in problem["errors"]), problem
    assert says in problem["detail"], problem
    if at is not None:
        assert at in pointers(answer), problem
    return problem


def documented(answer: httpx.Response) -> set[str]:
    """The codes that `contracts/refusals.json` has for a status of the operation that was asked; of none, all."""
    method, path = answer.request.method, answer.request.url.path
    for operation, by_status in _LISTED["operations"].items():
        other, _, template = operation.partition(" ")
        if other == method and re.fullmatch(re.sub(r"{[^}]+}", "[^/]+", template), path):
            names = by_status.get(str(answer.status_code), [])
            return {_LISTED["examples"][name]["code"] for name in names}
    return set(REFUSALS)


def pointers(answer: httpx.Response) -> dict[str, str]:
    """The pointer and code of every fault that a refusal lists."""
    return {fault["pointer"]: fault["code"] for fault in answer.json().get("errors", [])}
