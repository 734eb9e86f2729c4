"""`GET /v1/cases/{id}/export`: who gets it, what is in it for whom, and what becomes of one that nobody waits for."""

from __future__ import annotations

import asyncio
import base64
import csv
import hashlib
import json
import sys
import time
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Final

import httpx
import openpyxl
import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader

from services.casefile.exports.answers import MOST_EVENTS
from services.chassis.memory_stores import MemoryStores
from tests.casefile.cases import SERVICES, CaseContext
from tests.casefile.long_cases import longer
from tests.casefile.test_disclosure_refused import withdrawn
from tests.casefile.test_privacy_http import SECRETS, whole_story
from tests.casefile.test_time_machine import january, two_organisations
from tests.support.people import (
    AN,
    AUDITOR,
    CONTROL,
    DPO_OF_AGENCY,
    HANNE,
    INES,
    KARIM,
    LOTTE,
    MENTEE,
    OPERATOR,
    PIETER,
    TOM,
    VOLUNTEER,
    Person,
)
from tests.support.problems import assert_problem
from tests.support.running import listening, running

FORMATS: Final = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
TABLES: Final = ("timeline", "states", "responsibilities", "deadlines", "events")
LONG: Final = 9_000
"""Events of a case whose PDF takes much longer than anybody waits in a test."""


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(StringIO(answer.content.decode(), newline="")))


@pytest.mark.parametrize("kind", FORMATS)
async def test_a_file_comes_with_its_name_kind_and_digest(context: CaseContext, kind: str) -> None:
    """Nobody between keeps it; what was saved can be compared with what was sent."""
    case = await context.brought_to("INTAKE")
    answer = await context.running.get(AUDITOR, f"{case.path}/export", format=kind)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == FORMATS[kind]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''{case.id}.{kind}"
    digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
    assert answer.headers["repr-digest"] == f"sha-256=:{digest}:"
    read = await context.running.get(AUDITOR, f"{case.path}/timeline")
    assert answer.headers["etag"] == read.headers["etag"]


async def test_csv_and_timeline_say_the_same(context: CaseContext) -> None:
    """Item by item: text, who did it, who is responsible after it."""
    case = await context.brought_to("MENTORING")
    items = (await context.running.read(AUDITOR, f"{case.path}/timeline"))["items"]
    written = rows(await context.running.get(AUDITOR, f"{case.path}/export", format="csv"))
    assert [(row["event"], row["text"], row["digest"], row["occurredAt"]) for row in written] == [
        (item["event"], item["text"], item["digest"], item["occurredAt"]) for item in items
    ]
    assert [row["responsibleSub"] for row in written] == [item["responsible"]["sub"] for item in items]
    raw = (await context.running.read(AUDITOR, f"{case.path}/events", limit=200))["items"]
    assert all(event.pop("chain") for event in raw)
    lines = (await context.running.get(AUDITOR, f"{case.path}/export", format="ndjson")).text.splitlines()
    # The links of the chain are those of a stream as a whole; a file may have some of its events only.
    unchained = [{name: value for name, value in event.items() if name != "chain"} for event in raw]
    assert [json.loads(line) for line in lines] == [{"case": case.id, **event} for event in unchained]


async def test_the_same_may_get_it_as_read_the_timeline(context: CaseContext) -> None:
    """For every format; who has no part is told the same as of a case that there is not."""
    case = await context.brought_to("MENTORING")
    everybody = (
        AN,
        AUDITOR,
        CONTROL,
        DPO_OF_AGENCY,
        HANNE,
        INES,
        KARIM,
        LOTTE,
        MENTEE,
        OPERATOR,
        PIETER,
        TOM,
        VOLUNTEER,
    )
    for person in everybody:
        timeline = (await context.running.get(person, f"{case.path}/timeline")).status_code
        for kind in FORMATS:
            answer = await context.running.get(person, f"{case.path}/export", format=kind)
            assert answer.status_code == timeline, (person, kind)
    for person in (AN, AUDITOR, DPO_OF_AGENCY, HANNE, INES, LOTTE, TOM):
        assert (await context.running.get(person, f"{case.path}/export", format="csv")).status_code == 200, person
    for person in (KARIM, PIETER, MENTEE):
        refused = await context.running.get(person, f"{case.path}/export", format="csv")
        assert_problem(refused, 404, "NOT_FOUND")
    assert_problem(await context.running.get(None, f"{case.path}/export", format="csv"), 401, "TOKEN_MISSING")
    assert_problem(await context.running.get(AUDITOR, "/v1/cases/none/export", format="csv"), 404, "NOT_FOUND")


async def test_an_organisation_gets_its_own_part_in_every_format(context: CaseContext) -> None:
    """Brugwerk declined; samenstap accepted. Neither hears of the other; an auditor reads what each of them does."""
    case = await two_organisations(context)
    for kind in FORMATS:
        for person, other in ((LOTTE, "samenstap"), (KARIM, "brugwerk")):
            answer = await context.running.get(person, f"{case.path}/export", format=kind)
            assert other not in shown(kind, answer.content), (kind, other)
            as_seen = await context.running.get(AUDITOR, f"{case.path}/export", format=kind, viewer=person.org)
            assert shown(kind, as_seen.content) == shown(kind, answer.content), kind
    assert_problem(await context.running.get(LOTTE, f"{case.path}/export", format="csv", viewer="samenstap"), 403, None)


async def test_after_a_withdrawal_the_stop_remains(context: CaseContext) -> None:
    """Of who was responsible nothing is left for the organisation, and of what happened what the timeline shows."""
    await context.running.at(january(13))
    case = await context.brought_to("INTAKE")
    await context.running.at(january(20))
    await withdrawn(context, case)
    seen = (await context.running.read(LOTTE, f"{case.path}/timeline"))["items"]
    written = rows(await context.running.get(LOTTE, f"{case.path}/export", format="csv"))
    assert [row["event"] for row in written] == [item["event"] for item in seen]
    for table in ("states", "responsibilities", "deadlines"):
        answer = await context.running.get(LOTTE, f"{case.path}/export", format="csv", table=table)
        assert rows(answer) == [], table
        whole = await context.running.get(AUDITOR, f"{case.path}/export", format="csv", table=table)
        assert rows(whole) != [], table
    document = shown("pdf", (await context.running.get(LOTTE, f"{case.path}/export", format="pdf")).content)
    assert "Nothing is shown of who was responsible." in document


async def test_a_file_of_a_moment_says_what_was_so_then(context: CaseContext) -> None:
    """On 14 January the case was with nobody; a day in the wrong form is refused."""
    case = await two_organisations(context)
    answer = await context.running.get(AUDITOR, f"{case.path}/export", format="csv", table="states", asOf="2026-01-14")
    assert [row["state"] for row in rows(answer)] == ["OPENED", "REFERRED", "OPENED"]
    assert [row["until"] for row in rows(answer)][-1] == ""
    wrong = await context.running.get(AUDITOR, f"{case.path}/export", format="csv", asOf="soon")
    assert_problem(wrong, 422, None, at="/query/asOf")


@pytest.mark.parametrize("asked", [{}, {"format": "docx"}, {"format": "csv", "table": "none"}])
async def test_what_there_is_not_is_refused(context: CaseContext, asked: dict[str, str]) -> None:
    """A format is to be named, and a table has to be one of those that there are."""
    case = await context.referred()
    refused = await context.running.get(AUDITOR, f"{case.path}/export", **asked)
    assert refused.status_code == 422, refused.text
    assert (await context.running.get(KARIM, f"{case.path}/export", **asked)).status_code in (404, 422)


async def test_where_libraries_are_missing_the_answer_says_how_to_get_them(
    context: CaseContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no error of the caller, and the formats that need none are there all the same."""
    case = await context.referred()
    for library in ("reportlab", "xlsxwriter", "pyarrow"):
        monkeypatch.setitem(sys.modules, library, None)
    for kind in ("pdf", "xlsx", "parquet"):
        refused = await context.running.get(AUDITOR, f"{case.path}/export", format=kind)
        assert_problem(refused, 501, "FORMAT_NOT_INSTALLED")
        assert "`make exports` installs them" in refused.json()["detail"]
    for kind in ("csv", "ndjson"):
        assert (await context.running.get(AUDITOR, f"{case.path}/export", format=kind)).status_code == 200


async def test_no_file_holds_what_belongs_in_the_vault(context: CaseContext) -> None:
    """Neither free texts nor names nor numbers, no matter who asks for which table."""
    case = await whole_story(context)
    secrets = (*SECRETS.values(), "Geheim", "99 88 77")
    for person in (AUDITOR, INES, LOTTE):
        for kind in FORMATS:
            for table in TABLES if kind in ("csv", "parquet") else TABLES[:1]:
                asked = {"format": kind, "table": table}
                content = (await context.running.get(person, f"{case.path}/export", **asked)).content
                text = shown(kind, content)
                assert not [secret for secret in secrets if secret in text or secret.encode() in content], asked


def shown(kind: str, content: bytes) -> str:
    """All that somebody reads in a file."""
    if kind == "pdf":
        return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(content)).pages)
    if kind == "xlsx":
        book: Any = openpyxl.load_workbook(BytesIO(content))
        return str([[cell.value for cell in row] for sheet in book.worksheets for row in sheet.iter_rows()])
    if kind == "parquet":
        return str(pq.read_table(BytesIO(content)).to_pylist())
    return content.decode()


@pytest.mark.slow
async def test_an_export_that_nobody_waits_for_is_given_up(tmp_path: Path) -> None:
    """Who hangs up frees the place of the next one, long before the file would have been written."""
    async with running(tmp_path, SERVICES, stores=MemoryStores()) as quiet:
        await quiet.set_the_scene()
        context = CaseContext(quiet)
        await context.describe_mentor()
        long, short = await context.brought_to("MENTORING"), await context.referred()
        await longer(context, long.id, LONG)
        async with listening(quiet) as served:
            with pytest.raises(httpx.ReadTimeout):
                await served.http.get(
                    f"{long.path}/export",
                    params={"format": "pdf"},
                    headers=served.headers(AUDITOR),
                    timeout=httpx.Timeout(60, read=1),
                )
            began = time.monotonic()
            assert (await served.get(AUDITOR, f"{short.path}/export", format="pdf")).status_code == 200
            assert time.monotonic() - began < 5
            # While one is written, requests for something else go on.
            writing = asyncio.create_task(served.get(AUDITOR, f"{long.path}/export", format="ndjson"))
            await asyncio.sleep(0.05)
            assert (await served.get(INES, short.path)).status_code == 200
            assert (await writing).content.count(b"\n") > LONG


async def test_a_case_that_is_too_long_is_refused_with_what_would_be_taken(context: CaseContext) -> None:
    """Narrowed to what was known by a time it is short enough; the command has no bound."""
    case = await context.brought_to("MENTORING")
    before = rows(await context.running.get(AUDITOR, f"{case.path}/export", format="csv"))
    await longer(context, case.id, MOST_EVENTS, recorded_at=january(20))
    for kind in FORMATS:
        refused = await context.running.get(AUDITOR, f"{case.path}/export", format=kind)
        problem = assert_problem(refused, 409, "EXPORT_TOO_LARGE", says="at most 10,000 events")
        assert "asOf or knownAt" in problem["detail"]
        assert "`caserelay export`" in problem["detail"]
    still = await context.running.get(AUDITOR, f"{case.path}/export", format="csv", knownAt="2026-01-21")
    assert_problem(still, 409, "EXPORT_TOO_LARGE")
    narrowed = await context.running.get(AUDITOR, f"{case.path}/export", format="csv", knownAt="2026-01-15")
    assert [row["event"] for row in rows(narrowed)] == [row["event"] for row in before]


async def test_a_caller_is_made_two_files_at_once(context: CaseContext) -> None:
    """Bundles and exports together; a third is refused, others are not, and a place is free when the file was sent."""
    case = await context.brought_to("MENTORING")
    export, bundle = f"{case.path}/export", f"{case.path}/bundle"
    answers = await asyncio.gather(
        context.running.get(INES, export, format="pdf"),
        *(context.running.get(AUDITOR, export, format="pdf") for _ in range(2)),
        *(context.running.get(AUDITOR, path, **asked) for path, asked in ((export, {"format": "csv"}), (bundle, {}))),
    )
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    for refused in answers[3:]:
        assert_problem(refused, 429, "TOO_MANY_FILES", says="once one has arrived")
        assert int(refused.headers["Retry-After"]) > 0
    for path in (f"{case.path}/export?format=docx", "/v1/cases/none/export?format=csv", "/v1/cases/none/bundle") * 3:
        assert (await context.running.get(AUDITOR, path)).status_code in (404, 422)
    assert (await context.running.get(AUDITOR, bundle)).status_code == 200
    assert not context.running.apps["casefile"].state.file_places


async def test_a_process_makes_sixteen_files_at_once(context: CaseContext) -> None:
    """The seventeenth is asked to come again."""
    case = await context.brought_to("INTAKE")
    people = [Person(f"auditor.{number}", "rekenhof-demo", "AUDITOR") for number in range(17)]
    answers = await asyncio.gather(
        *(context.running.get(each, f"{case.path}/export", format="xlsx") for each in people)
    )
    assert [answer.status_code for answer in answers] == [200] * 16 + [503]
    assert_problem(answers[-1], 503, "FILES_IN_THE_MAKING")
