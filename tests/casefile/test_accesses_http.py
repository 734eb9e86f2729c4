"""Who reads the record while overseeing it stands in a log of its own, before they are answered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from contracts.codes import Role
from services.chassis.log.sqlite import SQLiteEventLog
from services.chassis.memory_stores import MemoryStores
from services.chassis.reads.recorder import Recorder
from services.chassis.transparency.merkle import leaf_hash
from services.chassis.transparency.tlog_proofs import TlogProof
from tests.casefile.cases import SERVICES, CaseContext, Told
from tests.casefile.test_audit_over_http import entries, signed
from tests.support.people import AUDITOR, DPO_OF_AGENCY, HANNE, INES, KARIM, LOTTE, MENTOR, OPERATOR, TOM, Person
from tests.support.problems import assert_problem
from tests.support.running import running

PURPOSE = "Caserelay-Purpose"
WHY = "Onderzoek 2026-17 (Karel Vermeulen)"


async def accesses(context: CaseContext, case: Told, by: Person = DPO_OF_AGENCY) -> list[dict[str, Any]]:
    """Who read the case, before this was asked."""
    items: list[dict[str, Any]] = (await context.running.read(by, f"{case.path}/accesses", limit=200))["items"]
    return items


def routes(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Who read which route."""
    return [(item["by"]["sub"], item["route"]) for item in items]


def recorder_of(context: CaseContext, service: str) -> Recorder:
    """What records in one of the services."""
    recorder: Recorder = context.running.apps[service].state.recorder
    return recorder


async def count(context: CaseContext) -> int:
    """How many readings are on record."""
    return await recorder_of(context, "casefile").log.head()


async def test_what_an_auditor_reads_stands_in_the_log_with_the_purpose(context: CaseContext) -> None:
    """Who, when, by which route and what for; the reading of this list as well, once it is read again."""
    case = await context.brought_to("INTAKE")
    await context.running.send(AUDITOR, "GET", f"{case.path}/timeline", headers={PURPOSE: WHY})
    await context.running.get(AUDITOR, case.path)
    first, second = await accesses(context, case)
    assert first.keys() == {"event", "at", "by", "route", "purpose"}
    assert first["by"] == {"sub": AUDITOR.sub, "role": "AUDITOR", "org": AUDITOR.org}
    assert (first["route"], first["purpose"]) == ("GET /v1/cases/{case_id}/timeline", WHY)
    assert first["at"] == context.running.clock.now().isoformat().replace("+00:00", "Z")
    assert (second["route"], second["purpose"]) == ("GET /v1/cases/{case_id}", None)
    assert routes(await accesses(context, case))[2:] == [(DPO_OF_AGENCY.sub, "GET /v1/cases/{case_id}/accesses")]


async def test_every_service_records_under_the_case_what_is_read_of_it(context: CaseContext) -> None:
    """A referral names its case, a page all that are on it, a question the one that it asks about."""
    case, other = await context.brought_to("INTAKE"), await context.referred()
    await context.running.settle()
    for path, params in (
        (case.offer, {}),
        (f"{case.offer}/disclosures", {}),
        (f"{case.offer}/events", {}),
        ("/v1/cases", {}),
        ("/v1/referrals", {"case": case.id}),
        ("/v1/audit/questions/Q9", {"case": case.id}),
    ):
        assert (await context.running.get(AUDITOR, path, **params)).status_code == 200, path
    assert (await context.running.get(DPO_OF_AGENCY, "/v1/feed", limit=200)).status_code == 200
    assert routes(await accesses(context, case)) == [
        (AUDITOR.sub, "GET /v1/referrals/{referral_id}"),
        (AUDITOR.sub, "GET /v1/referrals/{referral_id}/disclosures"),
        (AUDITOR.sub, "GET /v1/referrals/{referral_id}/events"),
        (AUDITOR.sub, "GET /v1/cases"),
        (AUDITOR.sub, "GET /v1/referrals"),
        (AUDITOR.sub, "GET /v1/audit/questions/{question}"),
        (DPO_OF_AGENCY.sub, "GET /v1/feed"),
    ]
    assert ("demo.auditor", "GET /v1/cases") in routes(await accesses(context, other))
    log = recorder_of(context, "casefile").log
    (page,) = [one.event for one in await log.read_all(0, 100) if one.event.route == "GET /v1/referrals"]
    assert set(page.read) == {f"referral/{case.offer.rpartition('/')[2]}", f"case/{case.id}"}


async def test_who_fetches_a_receipt_is_on_record_of_either_side(context: CaseContext) -> None:
    """By itself, on a page, or in a bundle; what else a party reads of its own cases is not."""
    case = await context.accepted()
    (receipt,) = (await context.running.read(LOTTE, f"{case.path}/receipts"))["items"]
    for by, path in ((INES, f"/receipts/{receipt['event']}"), (LOTTE, "/bundle"), (LOTTE, ""), (INES, "/events")):
        assert (await context.running.get(by, f"{case.path}{path}")).status_code == 200, path
    assert routes(await accesses(context, case)) == [
        (LOTTE.sub, "GET /v1/cases/{case_id}/receipts"),
        (INES.sub, "GET /v1/cases/{case_id}/receipts/{event}"),
        (LOTTE.sub, "GET /v1/cases/{case_id}/bundle"),
    ]


async def test_files_and_answers_about_many_stand_under_each_case(context: CaseContext) -> None:
    """Also those that are no JSON, and HEAD, which tells how long a file is."""
    case, other = await context.brought_to("INTAKE"), await context.accepted()
    await context.running.settle()
    assert (await context.running.get(AUDITOR, "/v1/audit/casefile/checkpoint")).status_code == 200
    of_many = "/v1/audit/questions/Q1"
    for path, params in (
        (f"{case.path}/bundle", {}),
        (f"{case.path}/export", {"format": "csv"}),
        (f"{case.path}/export", {"format": "ndjson"}),
        (f"{case.path}/diff", {}),
        (f"{case.path}/events", {}),
        (of_many, {"sample": 200}),
        (of_many, {"programme": "mtw-be-2026"}),
    ):
        assert (await context.running.get(AUDITOR, path, **params)).status_code == 200, path
    assert (await context.running.send(AUDITOR, "HEAD", f"{case.path}/bundle")).status_code == 200
    of_case = "GET /v1/cases/{case_id}"
    assert [route for _, route in routes(await accesses(context, case))] == [
        f"{of_case}/bundle",
        f"{of_case}/export",
        f"{of_case}/export",
        f"{of_case}/diff",
        f"{of_case}/events",
        "GET /v1/audit/questions/{question}",
        "GET /v1/audit/questions/{question}",
        f"{of_case}/bundle",
    ]
    assert [route for _, route in routes(await accesses(context, other))] == ["GET /v1/audit/questions/{question}"] * 2


async def test_of_anybody_who_fetches_a_receipt_it_is_on_record(context: CaseContext) -> None:
    """With the event that it is for; that there is none yet, or that it was refused, is nothing fetched."""
    case = await context.referred()
    assert (await context.running.read(INES, f"{case.path}/receipts"))["items"] == []
    case = await context.accepted()
    (listed,) = (await context.running.read(INES, f"{case.path}/receipts"))["items"]
    event = listed["event"]
    assert (await context.running.get(LOTTE, f"{case.path}/receipts/{event}")).status_code == 200
    assert (await context.running.get(KARIM, f"{case.path}/receipts/{event}")).status_code == 404
    assert (await context.running.get(LOTTE, f"{case.path}/receipts/nothing")).status_code == 404
    assert routes(await accesses(context, case, AUDITOR)) == [
        (INES.sub, "GET /v1/cases/{case_id}/receipts"),
        (LOTTE.sub, "GET /v1/cases/{case_id}/receipts/{event}"),
    ]
    records = await recorder_of(context, "casefile").log.read_all(0, 2)
    read = {f"case/{case.id}", f"referral/{case.offer.rpartition('/')[2]}", f"event/{event}"}
    assert [set(record.event.read) for record in records] == [read] * 2


async def test_what_is_about_nobody_and_what_was_refused_is_no_reading(context: CaseContext) -> None:
    """Nor is an empty page, nor a hash, nor anything that those read who work on the case."""
    case = await context.brought_to("INTAKE")
    before = await count(context)
    for path in ("/v1/organisations", "/v1/programmes/mtw-be-2026", "/v1/charters", "/v1/reports", "/v1/gaps"):
        assert (await context.running.get(AUDITOR, path)).status_code == 200, path
    for path in ("checkpoint", "keys", "tile/0/000.p/1", "consistency?from=0&to=1"):
        assert (await context.running.get(AUDITOR, f"/v1/audit/casefile/{path}")).status_code == 200, path
    assert (await context.running.get(AUDITOR, f"{case.offer}/contact")).status_code == 403
    assert (await context.running.get(AUDITOR, "/v1/cases/nothing")).status_code == 404
    for person in (INES, TOM, LOTTE, HANNE):
        for path in (case.path, f"{case.path}/timeline", case.offer, "/v1/cases", "/v1/worklist"):
            assert (await context.running.get(person, path)).status_code == 200
    assert await count(context) == before


async def test_who_read_is_told_to_no_party(context: CaseContext) -> None:
    """Not by the list, the timeline, the feed, or the proof of a reading; a stranger hears of no case."""
    case = await context.brought_to("INTAKE")
    await context.running.get(AUDITOR, case.path)
    (read,) = await accesses(context, case)
    for person in (INES, TOM, LOTTE, HANNE):
        refused = await context.running.get(person, f"{case.path}/accesses")
        assert_problem(refused, 403, "ROLE_NOT_ALLOWED" if person in (INES, TOM) else "PARTY_NOT_ALLOWED")
    for person in (KARIM, MENTOR, OPERATOR, Person("officer", "samenstap", "DPO")):
        assert_problem(await context.running.get(person, f"{case.path}/accesses"), 404, "NOT_FOUND")
    for person in (INES, LOTTE):
        assert_problem(await context.running.get(person, "/v1/audit/access/proof", event=read["event"]), 404)
        for path in (f"{case.path}/timeline", f"{case.path}/events", "/v1/feed", case.path):
            shown = (await context.running.get(person, path, limit=200)).text
            assert "RecordRead" not in shown
            assert AUDITOR.sub not in shown
    for role in {*Role} - {Role.SYSTEM, Role.AUDITOR, Role.DPO}:
        answer = await context.running.get(Person("some.body", "elders", role), "/v1/audit/access/tile/entries/000.p/1")
        assert answer.status_code == 403, role


async def test_a_reading_is_proven_like_any_event(context: CaseContext) -> None:
    """Its entry is in the signed tree, and names neither who read nor what nor why."""
    case = await context.brought_to("INTAKE")
    await context.running.send(AUDITOR, "GET", case.path, headers={PURPOSE: WHY})
    (read,) = await accesses(context, case)
    proof = await context.running.send(
        AUDITOR, "GET", "/v1/audit/access/proof", params={"event": read["event"]}, headers={"Accept": "text/plain"}
    )
    _, checkpoint = await signed(context, "access")
    assert checkpoint.origin.endswith("/access")
    listed = await entries(context, "access", checkpoint.size)
    assert TlogProof.read(proof.content).check(leaf_hash(listed[0])).size >= 1
    text = b"".join(listed).decode()
    for word in (AUDITOR.sub, AUDITOR.org, case.id, "Vermeulen", "read-"):
        assert word not in text


async def test_what_a_reading_is_for_stands_in_the_vault_alone(context: CaseContext) -> None:
    """Once for all readings with the same words; no event has them."""
    case = await context.brought_to("INTAKE")
    for _ in range(3):
        await context.running.send(AUDITOR, "GET", case.path, headers={PURPOSE: WHY})
    await context.running.send(DPO_OF_AGENCY, "GET", case.path, headers={PURPOSE: WHY})
    records = await recorder_of(context, "casefile").log.read_all(0, 100)
    assert len({record.event.purpose_ref for record in records}) == 2
    assert not any(b"Vermeulen" in record.state for record in records)
    kept = [await recorder_of(context, "casefile").vault.read(ref) for ref, _ in context.running.vault_rows("access")]
    assert kept == [{"text": WHY}] * 2


async def test_a_setting_has_auditors_say_what_they_read_for(tmp_path: Path) -> None:
    """Of nobody else, and not where nothing of the record is read; the refusal says what is accepted."""
    async with running(tmp_path, SERVICES, stores=MemoryStores(), audit_purpose=True) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        case = await context.brought_to("REFERRED")
        for path in (case.path, case.offer, "/v1/cases", "/v1/cases/nothing", f"/v1/audit/questions/Q1?case={case.id}"):
            refused = await services.get(AUDITOR, path)
            assert PURPOSE in assert_problem(refused, 400, "PURPOSE_REQUIRED")["detail"]
            answer = await services.send(AUDITOR, "GET", path, headers={PURPOSE: "AUDIT-2026-17"})
            assert answer.status_code == (404 if path.endswith("nothing") else 200)
        for path in ("/v1/organisations", "/v1/audit/casefile/checkpoint", "/v1/reports"):
            assert (await services.get(AUDITOR, path)).status_code == 200, path
        for person in (INES, DPO_OF_AGENCY):
            assert (await services.get(person, case.path)).status_code == 200
        assert_problem(await services.get(None, case.path), 401)


@pytest.mark.parametrize(
    "sent",
    [b"", b"   ", b"x" * 201, b"\xff\xfe", "één\u200bwoord".encode(), b"dossier 85.07.30-033.28"],
    ids=["empty", "blank", "long", "no UTF-8", "invisible", "national number"],
)
async def test_a_purpose_that_cannot_be_read_is_refused(context: CaseContext, sent: bytes) -> None:
    """Whether one is required or not; nothing is shown, and nothing is recorded."""
    case = await context.brought_to("REFERRED")
    before = await count(context)
    # As bytes, since a text of the client's would have to be ASCII.
    header: Any = {PURPOSE: sent}
    answer = await context.running.send(AUDITOR, "GET", case.path, headers=header)
    assert_problem(answer, 400, "PURPOSE_UNREADABLE")
    assert await count(context) == before


async def test_of_many_who_read_at_once_each_is_recorded(context: CaseContext) -> None:
    """By all services at the same time; nobody waits for another, and none is lost."""
    case = await context.brought_to("INTAKE")
    people = [Person(f"auditor.{n}", "rekenhof-demo", "AUDITOR") for n in range(20)]
    paths = (case.path, case.offer)
    answers = await asyncio.gather(*(context.running.get(one, path) for one in people for path in paths))
    assert {answer.status_code for answer in answers} == {200}
    read = routes(await accesses(context, case))
    templates = ("GET /v1/cases/{case_id}", "GET /v1/referrals/{referral_id}")
    assert sorted(read) == sorted((one.sub, route) for one in people for route in templates)


async def test_a_page_of_readings_goes_on_where_it_ended(context: CaseContext) -> None:
    """In the order in which they were; each once."""
    case = await context.brought_to("REFERRED")
    for n in range(5):
        await context.running.get(Person(f"auditor.{n}", "rekenhof-demo", "AUDITOR"), case.path)
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await context.running.read(DPO_OF_AGENCY, f"{case.path}/accesses", limit=2, **cursor)
        found += [item["by"]["sub"] for item in page["items"]]
        if page["next"] is None or len(found) >= 5:
            break
        cursor = {"cursor": page["next"]}
    assert found[:5] == [f"auditor.{n}" for n in range(5)]


@pytest.mark.on_files
async def test_that_readings_cannot_be_recorded_is_told_to_operators(context: CaseContext) -> None:
    """By readiness and metrics, until they can be again; the services stay ready for all who work on cases."""
    case = await context.brought_to("INTAKE")
    log = recorder_of(context, "casefile").log
    assert isinstance(log, SQLiteEventLog)
    log._opened.execute("PRAGMA query_only = ON")
    assert_problem(await context.running.get(AUDITOR, case.path), 503, "READING_NOT_RECORDED")
    answer = await context.running.get(None, "/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert answer.json()["services"]["casefile"]["failing"] == {"access log": "SQLITE_READONLY"}
    metrics = (await context.running.get(None, "/metrics")).text
    assert metrics.count('caserelay_store_unavailable{service="access",store="log"}') == 1
    assert 'caserelay_store_unavailable{service="access",store="log"} 1.0' in metrics
    log._opened.execute("PRAGMA query_only = OFF")
    async with asyncio.timeout(10):
        while (await context.running.get(None, "/readyz")).json()["services"]["casefile"]["failing"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    metrics = (await context.running.get(None, "/metrics")).text
    assert 'caserelay_store_unavailable{service="access",store="log"} 0.0' in metrics


@pytest.mark.on_files
async def test_what_cannot_be_recorded_is_not_shown(context: CaseContext) -> None:
    """Those who oversee are refused until it can be; those who work on the case read on, and get no receipts."""
    case = await context.brought_to("INTAKE")
    (receipt,) = (await context.running.read(INES, f"{case.path}/receipts"))["items"]
    for service in ("referral", "casefile"):
        log = recorder_of(context, service).log
        assert isinstance(log, SQLiteEventLog)
        log._opened.execute("PRAGMA query_only = ON")
    for path in (case.path, f"{case.path}/timeline", case.offer, "/v1/cases"):
        answer = await context.running.get(AUDITOR, path)
        problem = assert_problem(answer, 503, "READING_NOT_RECORDED")
        assert int(answer.headers["Retry-After"]) > 0
        assert case.id not in json.dumps({**problem, "instance": ""})
        assert (await context.running.get(INES, path)).status_code == 200
    for path in (f"{case.path}/receipts", f"{case.path}/receipts/{receipt['event']}"):
        answer = await context.running.get(INES, path)
        assert_problem(answer, 503, "READING_NOT_RECORDED")
        assert "entry" not in answer.text
    assert (await context.running.get(AUDITOR, "/v1/organisations")).status_code == 200
    for service in ("referral", "casefile"):
        log = recorder_of(context, service).log
        assert isinstance(log, SQLiteEventLog)
        log._opened.execute("PRAGMA query_only = OFF")
    assert (await context.running.get(AUDITOR, case.path)).status_code == 200
    assert [sub for sub, _ in routes(await accesses(context, case))] == [INES.sub, AUDITOR.sub]
