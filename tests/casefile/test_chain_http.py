"""The hash chain of a case, for a quick look: others compute it with `sha256sum`, and whatever changes shows in it."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from tests.casefile.cases import SERVICES, CaseContext, Told
from tests.support.people import AUDITOR, INES, KARIM, LOTTE, Person
from tests.support.requests import another_person
from tests.support.running import running

SUMS: Final = """
chain=$(printf '%064d' 0)
while read -r digest; do
  chain=$(printf '%s%s' "$chain" "$digest" | sha256sum | cut -d' ' -f1)
  echo "$chain"
done
"""


def by_sha256sum(digests: list[str]) -> list[str]:
    """What a shell makes of digests, one after the other."""
    lines = "".join(f"{digest}\n" for digest in digests)
    done = subprocess.run(["/bin/sh", "-c", SUMS], input=lines, capture_output=True, text=True, check=True)
    return done.stdout.split()


async def record(context: CaseContext, case: Told, by: Person, **where: Any) -> list[dict[str, Any]]:
    """The raw record of a case as somebody reads it."""
    items: list[dict[str, Any]] = (await context.running.read(by, f"{case.path}/events", **where))["items"]
    return items


async def test_others_compute_the_chain_with_a_shell(context: CaseContext) -> None:
    """From the digests alone; on every page the values are those of the whole."""
    case = await context.brought_to("MATCHING")
    items = await record(context, case, AUDITOR, limit=200)
    assert [item["version"] for item in items] == [*range(1, len(items) + 1)]
    assert [item["chain"] for item in items] == by_sha256sum([item["digest"] for item in items])
    first = await context.running.read(AUDITOR, f"{case.path}/events", limit=3)
    second = await context.running.read(AUDITOR, f"{case.path}/events", limit=3, cursor=first["next"])
    assert first["items"] + second["items"] == items[:6]


async def test_the_chain_is_that_of_all_events_also_for_who_sees_some(context: CaseContext) -> None:
    """Two that see different parts find the same value behind an event that both see."""
    client = {"ref": "CL-CHAIN"}
    case = await context.opened(another_person("brugwerk", client=client))
    again = await context.referred(another_person("samenstap", client=client))
    assert again.id == case.id
    whole = {item["version"]: item["chain"] for item in await record(context, case, INES, limit=200)}
    for by in (LOTTE, KARIM):
        part = {item["version"]: item["chain"] for item in await record(context, case, by, limit=200)}
        assert 0 < len(part) < len(whole)
        assert part.items() <= whole.items()


@pytest.mark.on_files
@pytest.mark.slow
async def test_whatever_is_changed_changes_every_value_behind_it(tmp_path: Path) -> None:
    """So the last one that somebody wrote down is enough to see that something was."""
    async with running(tmp_path, SERVICES) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        case = await context.accepted()
        before = [item["chain"] for item in await record(context, case, AUDITOR, limit=200)]
    with closing(sqlite3.connect(tmp_path / "casefile-log.db")) as db, db:
        (changed,) = db.execute(
            "UPDATE stored_events SET state = CAST(state || ' ' AS BLOB)"
            " WHERE originator_id = ? AND originator_version = 3 RETURNING originator_version",
            (f"case-{case.id}",),
        ).fetchone()
    async with running(tmp_path, SERVICES) as services:
        after = [item["chain"] for item in await record(CaseContext(services), case, AUDITOR, limit=200)]
    assert changed == 3
    assert after[:2] == before[:2]
    assert not {*after[2:]} & {*before}
