"""A transparency log that is not what was signed proves nothing, and says so; all else is answered as ever."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.casefile.cases import CaseContext, Told
from tests.support.people import AUDITOR, INES, Person
from tests.support.problems import assert_problem

pytestmark = pytest.mark.on_files


def tamper(context: CaseContext, statement: str) -> None:
    """Changes what is stored of the casefile service's transparency log, beside the services that use it."""
    with closing(sqlite3.connect(context.running.directory / "casefile-audit.db", timeout=30)) as db, db:
        db.execute(statement)


async def contradicted(context: CaseContext, path: str, by: Person = AUDITOR, **params: str) -> None:
    """The answer names what is wrong and what to do about it, and shows nothing of the log."""
    answer = await context.running.get(by, path, **params)
    problem = assert_problem(answer, 503, "LOG_CONTRADICTED")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert "`caserelay audit verify`" in problem["detail"]
    assert "docs/audit.md" in problem["detail"]


async def a_signed_case(context: CaseContext) -> tuple[Told, str]:
    """A case with a receipt, and the event that this is for."""
    case = await context.brought_to("INTAKE")
    (receipt,) = (await context.running.read(INES, f"{case.path}/receipts"))["items"]
    return case, receipt["event"]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM tiles", "UPDATE tiles SET hashes = 7", "UPDATE tiles SET hashes = substr(hashes, 1, 40)"]
)
async def test_a_tree_of_which_a_part_is_missing_proves_nothing(context: CaseContext, statement: str) -> None:
    """Neither receipts nor bundle nor proofs; the case itself, and what was signed last, are there."""
    case, event = await a_signed_case(context)
    tamper(context, statement)
    for person in (AUDITOR, INES):
        await contradicted(context, f"{case.path}/receipts", person)
        await contradicted(context, f"{case.path}/receipts/{event}", person)
        await contradicted(context, f"{case.path}/bundle", person)
        await contradicted(context, "/v1/audit/casefile/proof", person, event=event)
    size = int((await context.running.get(AUDITOR, "/v1/audit/casefile/checkpoint")).text.splitlines()[1])
    await contradicted(context, f"/v1/audit/casefile/consistency?from=3&to={size - 1}")
    await contradicted(context, "/v1/audit/casefile/tile/0/000.p/4")
    assert (await context.running.get(INES, case.path)).status_code == 200


async def test_other_hashes_prove_nothing(context: CaseContext) -> None:
    """What would be a proof leads nowhere, so it is not given."""
    case, event = await a_signed_case(context)
    tamper(context, "UPDATE tiles SET hashes = zeroblob(length(hashes))")
    await contradicted(context, f"{case.path}/receipts/{event}")
    await contradicted(context, "/v1/audit/casefile/proof", event=event)


async def test_missing_entries_prove_nothing(context: CaseContext) -> None:
    """They cannot be made of the rows again."""
    case, event = await a_signed_case(context)
    tamper(context, "DELETE FROM entries WHERE number < 3")
    await contradicted(context, "/v1/audit/casefile/tile/entries/000.p/4")
    tamper(context, "UPDATE entries SET entry = 7")
    await contradicted(context, f"{case.path}/receipts/{event}")
    await contradicted(context, "/v1/audit/casefile/proof", event=event)


async def test_a_checkpoint_that_is_none_is_not_served(context: CaseContext) -> None:
    """Nor is anything proven by it."""
    case, event = await a_signed_case(context)
    tamper(context, "UPDATE epochs SET note = 'nothing'")
    for path in ("/v1/audit/casefile/checkpoint", f"{case.path}/receipts", f"{case.path}/bundle"):
        await contradicted(context, path)
    await contradicted(context, "/v1/audit/casefile/proof", event=event)


async def test_keys_that_are_none_sign_nothing(context: CaseContext) -> None:
    """Another key than the one that signed signs no receipt and no bundle either."""
    case, _ = await a_signed_case(context)
    tamper(context, "UPDATE keys SET key = 'nothing'")
    for path in ("/v1/audit/casefile/keys", f"{case.path}/receipts", f"{case.path}/bundle"):
        await contradicted(context, path)
