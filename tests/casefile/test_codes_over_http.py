"""Codes that others publish in what the casefile service is sent: a mentor's profile, an intake."""

from __future__ import annotations

from typing import Any

import pytest

from tests.casefile.cases import PROFILE, CaseContext
from tests.support.people import LOTTE
from tests.support.problems import assert_problem, pointers
from tests.support.requests import INTAKE

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile codes")]

MENTOR = "/v1/mentors/M-77"


@pytest.mark.parametrize(
    ("changes", "pointer", "near"),
    [
        ({"languages": ["nl", "xx"]}, "/languages/1", "xh"),
        ({"sectors": ["A99"]}, "/sectors/0", "A03"),
        ({"sectors": ["N", "04"]}, "/sectors/1", "03"),
    ],
)
async def test_a_mentor_has_languages_and_sectors_that_exist(
    shared: CaseContext, changes: dict[str, Any], pointer: str, near: str
) -> None:
    """The refusal names what is near, and changes nothing."""
    before = await shared.snapshot()
    answer = await shared.running.send(LOTTE, "PUT", MENTOR, {**PROFILE, **changes})
    assert_problem(answer, 422)
    assert pointers(answer) == {pointer: "INVALID_VALUE"}
    assert near in answer.json()["detail"]
    assert await shared.snapshot() == before


async def test_what_get_gives_of_a_mentors_sectors_is_what_was_sent(shared: CaseContext) -> None:
    """Bare in Rev. 2.1, and with its revision in Rev. 2: it can be sent again."""
    body = {**PROFILE, "sectors": ["N", "2.1:K62", "2.0:M"], "languages": ["NL-be"]}
    assert (await shared.running.send(LOTTE, "PUT", MENTOR, body)).status_code == 200
    read = await shared.running.get(LOTTE, MENTOR)
    assert (read.json()["sectors"], read.json()["languages"]) == (["N", "K62", "2.0:M"], ["nl-BE"])
    again = {**body, "sectors": read.json()["sectors"], "languages": read.json()["languages"]}
    put = await shared.running.send(LOTTE, "PUT", MENTOR, again, etag=read.headers["ETag"])
    assert put.headers["ETag"] == read.headers["ETag"]


async def test_the_level_of_a_skill_is_of_a_skill_that_the_framework_has(shared: CaseContext) -> None:
    """CEFR has levels for five skills, and the refusal of another names them."""
    case = await shared.brought_to("INTAKE")
    intake = {**INTAKE, "cefr": {"READING": "B1", "DANCING": "B1"}}
    refused = await shared.running.command(LOTTE, case.path, "conclude-intake", intake)
    assert_problem(refused, 422)
    assert pointers(refused) == {"/cefr/DANCING": "INVALID_VALUE"}
    assert "SPOKEN_INTERACTION" in refused.json()["detail"]
