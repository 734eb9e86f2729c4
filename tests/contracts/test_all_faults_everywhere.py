"""Whatever takes a body tells all its faults at once, and can be looked at without effect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi.routing import APIRoute

from services.chassis.http.request.all_faults import WithAllFaults
from tests.casefile.cases import SERVICES
from tests.support.running import running

DOCUMENTS: Final = Path(__file__).parents[2] / "contracts" / "openapi"


async def test_every_route_that_takes_a_body_tells_all_its_faults(tmp_path: Path) -> None:
    """A router that is added is one of those that do."""
    async with running(tmp_path, SERVICES) as services:
        taking = [
            route
            for app in services.apps.values()
            for found in app.routes
            for route in getattr(getattr(found, "original_router", None), "routes", [found])
            if isinstance(route, APIRoute) and route.body_field is not None
        ]
    assert len(taking) > 40
    assert {route.path for route in taking if not isinstance(route, WithAllFaults)} == set()


@pytest.mark.parametrize("name", ["referral", "casefile"])
def test_every_operation_with_a_body_can_be_tried_without_effect(name: str) -> None:
    """By the same switch a request is looked at once more: one that has none would be carried out with half a body."""
    document: dict[str, Any] = json.loads((DOCUMENTS / f"{name}.json").read_text(encoding="utf-8"))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                names = {parameter["name"] for parameter in operation.get("parameters", ())}
                assert "dryRun" in names, f"{method} {path}"


@pytest.mark.parametrize("name", ["referral", "casefile"])
def test_the_answer_to_every_dry_run_says_that_it_is_one(name: str) -> None:
    """With the events that would be written; of a stream of lines each has the answer of a single request."""
    document: dict[str, Any] = json.loads((DOCUMENTS / f"{name}.json").read_text(encoding="utf-8"))
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "dryRun" not in {parameter["name"] for parameter in operation.get("parameters", ())}:
                continue
            for status in operation["responses"].keys() & {"200", "201"}:
                content = operation["responses"][status]["content"]
                if "application/json" not in content:
                    assert path == "/v1/referrals/bulk"
                    continue
                shape = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
                members = document["components"]["schemas"][shape]["properties"]
                assert {"dryRun", "events"} <= members.keys(), f"{method} {path}"
                tried += 1
    assert tried > 10
