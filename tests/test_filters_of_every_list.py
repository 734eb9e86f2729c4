"""A filter that names something which there is not is refused: tried at every list and report that there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.casefile.cases import SERVICES
from tests.support.people import AUDITOR, INES
from tests.support.problems import assert_problem
from tests.support.running import Running, running

NAMES: Final = {"organisation", "agency", "programme"}
"""Filters whose values everybody may know of."""
PRIVATE: Final = {"clientRef", "case", "event"}
"""Whether there is such a one is for those to know who have a part in it: others find nothing, as before."""
OTHERS: Final = {"state", "kind", "types", "overdue", "mine", "refused", "from", "to"} | {
    "limit", "cursor", "after", "waitFor", "expand"
}  # fmt: skip
"""Codes, days and flags, which are checked against what they can be, and how a page is shown."""


OF_ONES_OWN: Final = {"/v1/reconciliations/digest"}
"""What is about the caller's own organisation, in which an auditor has no part."""


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Running]:
    """All services, with the organisations and the programme of the tests."""
    async with running(tmp_path, SERVICES) as services:
        await services.set_the_scene()
        yield services


def _filtered(services: Running) -> Iterator[tuple[str, str]]:
    for app in services.apps.values():
        for template, methods in app.openapi()["paths"].items():
            path = template.replace("/reports/{name}", "/reports/service-gaps")
            taken = {one["name"] for one in methods.get("get", {}).get("parameters", ()) if one["in"] == "query"}
            if "{" in path or not template.startswith("/v1/"):
                continue
            assert taken <= NAMES | PRIVATE | OTHERS, path
            yield from ((path, name) for name in sorted(taken & NAMES))


async def test_a_filter_that_names_nothing_there_is_is_refused(services: Running) -> None:
    """Of an organisation, an agency or a programme that nobody described; a page without rows would look like truth."""
    tried = set()
    for path, name in _filtered(services):
        reader = INES if path in OF_ONES_OWN else AUDITOR
        problem = assert_problem(await services.get(reader, path, **{name: "nope"}), 422)
        assert problem["code"] == "UNKNOWN_FILTER_VALUE", path
        assert [fault["pointer"] for fault in problem["errors"]] == [f"/query/{name}"], path
        tried.add((path, name))
    assert {
        ("/v1/absences", "organisation"),
        ("/v1/cases", "organisation"),
        ("/v1/gaps", "agency"),
        ("/v1/mentors", "organisation"),
        ("/v1/reconciliations/digest", "organisation"),
        ("/v1/referrals", "organisation"),
        ("/v1/reports/service-gaps", "programme"),
    } <= tried


async def test_an_organisation_that_is_no_agency_is_none_to_filter_gaps_by(services: Running) -> None:
    """No gap can be for a mentoring organisation to answer."""
    problem = assert_problem(await services.get(AUDITOR, "/v1/gaps", agency="brugwerk"), 422)
    assert problem["code"] == "UNKNOWN_FILTER_VALUE"
    assert (await services.read(AUDITOR, "/v1/gaps", agency="vdab-gent"))["items"] == []
