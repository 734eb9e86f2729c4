"""The charter of roles over HTTP: written once by the operator, signed by leads, and the agreement that rests on it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.chassis.memory_stores import MemoryStores
from services.sandbox.charter import CHARTER
from services.sandbox.demo import PROGRAMME, PROGRAMME_VERSION
from tests.casefile.cases import SERVICES, CaseContext
from tests.support.people import AUDITOR, CONTROL, HANNE, INES, LOTTE, OPERATOR, TOM, VOLUNTEER, Person
from tests.support.problems import assert_problem, pointers
from tests.support.requests import AGREEMENT
from tests.support.running import running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile charters")]


def new_version() -> str:
    """The name of a version that nobody has written."""
    return f"t-{uuid.uuid4().hex[:8]}"


async def put(context: CaseContext, version: str, body: Any, by: Person = OPERATOR, **params: Any) -> httpx.Response:
    """Writes a version, whatever comes of it."""
    return await context.running.send(by, "PUT", f"/v1/charters/{version}", body, params=params)


async def test_the_demo_has_the_charter_that_the_domain_proposes(shared: CaseContext) -> None:
    """Cells of the table of the domain reference, copied by hand; signed by the agency and both organisations."""
    read = await shared.running.read(LOTTE, "/v1/charters/v1")
    assert (read["version"], read["validFrom"], read["validUntil"]) == ("v1", "2026-01-01", None)
    assert sorted(read["signedBy"]) == ["brugwerk", "samenstap", "vdab-gent"]
    rules = {rule["task"]: rule for rule in read["tasks"]}
    assert len(rules) == len(read["tasks"]) == 34
    roles = ("VOLUNTEER_MENTOR", "PROFESSIONAL_MENTOR", "NGO_COORDINATOR", "AGENCY_COUNSELLOR")
    cells = {task: "".join(rule["roles"][role] for role in roles) for task, rule in rules.items()}
    expected = {
        "REFERRAL_DECISION": "XXXL",
        "SANCTION_REPORT": "XXXX",
        "VACANCY_REFERRAL": "XSXL",
        "LEGAL_BASIS_RECORDING": "XXSL",
        "CHECK_IN": "XXLX",
        "WORK_CULTURE": "LLSX",
        "CV_FEEDBACK": "LLSL",
        "DIPLOMA_RECOGNITION_FILE": "XLSL",
        "ACCOMPANY_TO_AUTHORITY": "SLSX",
        "IN_JOB_SUPPORT": "SLLL",
        "THERAPY": "XXXX",
        "CHILDCARE_SEARCH": "XSSL",
        "OUTCOME_REGISTRATION": "XXSL",
        "SAFEGUARDING_REPORT": "LLLL",
    }
    assert expected.items() <= cells.items()
    assert rules["THERAPY"]["refer"] == "SPECIALIST"
    assert rules["CV_FEEDBACK"]["refer"] is None


async def test_a_version_once_written_never_changes(shared: CaseContext) -> None:
    """The same again is 200 and writes nothing, what GET gives as well; anything else is 409."""
    version = new_version()
    written = await put(shared, version, CHARTER)
    assert written.status_code == 200, written.text
    before = await shared.snapshot()
    for same in (CHARTER, (await shared.running.read(OPERATOR, f"/v1/charters/{version}"))):
        again = await put(shared, version, same)
        assert (again.status_code, again.headers["ETag"]) == (200, written.headers["ETag"])
    assert_problem(await put(shared, version, {**CHARTER, "validFrom": "2026-02-01"}), 409, "VERSION_PUBLISHED")
    assert await shared.snapshot() == before


async def test_a_charter_that_says_too_little_or_too_much_is_refused_at_its_field(shared: CaseContext) -> None:
    """A role without a verdict, an unknown verdict or role, a task twice, an end before the beginning, no task."""
    rule: dict[str, Any] = {"task": "MONEY", "roles": dict.fromkeys(CHARTER["tasks"][0]["roles"], "X")}
    cases = {
        "/tasks/0/roles": {**CHARTER, "tasks": [{"task": "MONEY", "roles": {"NGO_COORDINATOR": "L"}}]},
        "/tasks/0/roles/NGO_COORDINATOR": {
            **CHARTER,
            "tasks": [{"task": "MONEY", "roles": {**rule["roles"], "NGO_COORDINATOR": "Y"}}],
        },
        "/tasks/1/task": {**CHARTER, "tasks": [rule, rule]},
        "/validUntil": {**CHARTER, "validUntil": "2025-12-31"},
        "/tasks": {**CHARTER, "tasks": []},
    }
    before = await shared.snapshot()
    for pointer, body in cases.items():
        assert pointer in pointers(await put(shared, new_version(), body)), pointer
    assert_problem(await put(shared, "not a version", CHARTER), 422)
    assert await shared.snapshot() == before


async def test_who_may_write_and_who_may_sign(shared: CaseContext) -> None:
    """The operator writes; the leads of an agency and of a mentoring organisation sign; everybody but control reads."""
    version = new_version()
    for person in (INES, TOM, LOTTE, HANNE, AUDITOR, Person("a.lead", "brugwerk", "OPERATOR")):
        assert_problem(await put(shared, version, CHARTER, person), 403)
    assert (await put(shared, version, CHARTER)).status_code == 200
    path = f"/v1/charters/{version}"
    for person in (INES, LOTTE, OPERATOR, AUDITOR, VOLUNTEER, Person("x.lead", "rekenhof-demo", "NGO_LEAD")):
        assert_problem(await shared.running.command(person, path, "sign"), 403)
        assert (await shared.running.get(person, path)).status_code == 200
    assert_problem(await shared.running.get(CONTROL, path), 403)
    assert_problem(await shared.running.get(INES, f"/v1/charters/{new_version()}"), 404)
    assert_problem(await shared.running.send(HANNE, "POST", f"{path}/sign", {}), 428)
    assert_problem(await shared.running.send(HANNE, "POST", f"/v1/charters/{new_version()}/sign", {}, etag='"1"'), 404)


async def test_signing_twice_changes_nothing(shared: CaseContext) -> None:
    """An organisation signs once, by any of its leads."""
    version = new_version()
    await put(shared, version, CHARTER)
    path = f"/v1/charters/{version}"
    first = await shared.running.done(HANNE, path, "sign")
    before = await shared.snapshot()
    again = await shared.running.done(Person("second.lead", "brugwerk", "NGO_LEAD"), path, "sign")
    assert again.json()["signedBy"] == first.json()["signedBy"] == ["brugwerk"]
    assert await shared.snapshot() == before


async def test_versions_are_listed_page_by_page(shared: CaseContext) -> None:
    """In the order in which they were written."""
    written = [new_version() for _ in range(3)]
    for version in written:
        await put(shared, version, CHARTER)
    listed: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await shared.running.read(AUDITOR, "/v1/charters", limit=2, **cursor)
        listed += [item["version"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert [version for version in listed if version in written] == written
    assert "v1" in listed


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[CaseContext]:
    """Services of a test's own, in which it may publish a programme version."""
    async with running(tmp_path, SERVICES, stores=MemoryStores()) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        yield context


@pytest.mark.asyncio(loop_scope="function")
async def test_no_agreement_is_signed_under_a_charter_that_a_side_has_not_signed(fresh: CaseContext) -> None:
    """The version that the programme names: not written, then signed by nobody, by one side, by both."""
    services = fresh.running
    told = await fresh.brought_to("CONFIRMED")
    published = await services.send(
        OPERATOR, "PUT", f"/v1/programmes/{PROGRAMME}/versions/2", {**PROGRAMME_VERSION, "charterVersion": "v2"}
    )
    assert published.status_code == 200, published.text
    await services.settle()
    profile = await services.read(LOTTE, "/v1/mentors/M-41")
    bound = {**profile, "charterVersion": "v2"}
    assert (await services.send(LOTTE, "PUT", "/v1/mentors/M-41", bound, etag=f'"{profile["version"]}"')).is_success

    async def refused() -> str:
        before = await fresh.snapshot()
        answer = await services.command(LOTTE, told.path, "sign-agreement", AGREEMENT)
        assert_problem(answer, 409, "CHARTER_NOT_SIGNED")
        assert await fresh.snapshot() == before
        return str(answer.json()["detail"])

    assert "no such version is written" in await refused()
    other = deepcopy(CHARTER)
    assert (await put(fresh, "v2", other)).status_code == 200
    assert "vdab-gent, brugwerk" in await refused()
    await services.done(TOM, "/v1/charters/v2", "sign")
    detail = await refused()
    assert "brugwerk" in detail
    assert "vdab-gent" not in detail
    await services.done(HANNE, "/v1/charters/v2", "sign")
    signed = await services.done(LOTTE, told.path, "sign-agreement", AGREEMENT)
    assert signed.json()["state"] == "MENTORING"
