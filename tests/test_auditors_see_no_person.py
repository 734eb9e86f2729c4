"""An auditor reads the record and no person: every route, walked with a case in which everything has words and names.

So does a data protection officer, but for what people write about a case of their own agency.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from services.casefile.questions.catalogue import QUESTIONS
from services.casefile.reports.catalogue import REPORTS
from tests.casefile.cases import PROPOSAL, SERVICES, CaseContext
from tests.casefile.exports.test_exports_http import FORMATS, TABLES, shown
from tests.support.broadcasts import BROADCASTS, broadcast
from tests.support.people import AUDITOR, DPO_OF_AGENCY, INES, LOTTE, Person
from tests.support.requests import AGREEMENT, INTAKE, another_person
from tests.support.running import Running, running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("no person"), pytest.mark.timeout(200)]

PERSON: Final = {"name": "Zoubida Geheimnaam", "phone": "+32 470 91 82 73", "email": "zoubida@geheim.example"}
REACHED: Final = {"Geheimnaam", "470 91 82 73", "zoubida@geheim.example", "marc@geheim.example"}
"""Who somebody is, and what reaches them."""
WRITTEN: Final = {
    "answer": "Geheim: enkel op maandag",
    "suggestion": "Geheim: vraag het aan de buren",
    "decline": "Geheim: wij verhuizen",
    "intake": "Geheim: hoopt op een warm onthaal",
    "match": "Geheim: geen mentor uit de bouw",
    "expects": "Geheim: deelt graag zijn netwerk",
    "hopes": "Geheim: koffie, twee keer per maand",
    "exception": "Geheim: de kaart was verloren",
    "provider": "Geheim: kinderdagverblijf",
    "promise": "Geheim: twee plaatsen erbij",
    "correction": "Geheim: verkeerde dag",
}
"""What people wrote, each in a place of its own."""
FILES: Final = ("/bundle", "/export", "/receipts")
"""What an auditor takes away of a case: each has to be there, or nothing would be found in it."""


@dataclass(frozen=True)
class Scene:
    """The services, and by the name of a route's parameter what there is."""

    running: Running
    there: dict[str, list[str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A case that was declined in words, went on with another organisation, and has all the words that it may have."""
    async with running(tmp_path_factory.mktemp("person"), SERVICES, webhook_allow="127.0.0.0/8") as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        etag = await services.version(LOTTE, "/v1/mentors/M-41")
        contact = {"email": "marc@geheim.example", "language": "fr"}
        assert (await services.send(LOTTE, "PUT", "/v1/mentors/M-41/contact", contact, etag=etag)).status_code == 200
        client = {"ref": "CL-GEHEIM"}
        first = await context.referred(another_person(client=client, contact=PERSON))
        await services.done(LOTTE, first.offer, "receive")
        await services.done(LOTTE, first.offer, "request-information", {"codes": ["AVAILABILITY"]})
        answers = [{"code": "AVAILABILITY", "answer": WRITTEN["answer"]}]
        await services.done(INES, first.offer, "provide-information", {"answers": answers})
        declined = {"reason": "OTHER", "text": WRITTEN["decline"], "suggestion": WRITTEN["suggestion"]}
        await context.follow(first, LOTTE, "decline", declined)
        case = await context.accepted(another_person(client=client, contact=PERSON))
        assert case.id == first.id
        assert (await services.get(LOTTE, f"{case.offer}/contact")).status_code == 200
        await acts(services, case.path)
        webhook = {"channel": "WEBHOOK", "url": "https://hooks.example.org/geheim"}
        subscribed = await services.create(LOTTE, "/v1/subscriptions", webhook)
        assert subscribed.status_code == 201, subscribed.text
        several = await services.create(INES, BROADCASTS, broadcast("brugwerk", "samenstap"))
        assert several.status_code == 201, several.text
        await services.settle()
        basis = (await services.read(INES, case.offer))["legalBasis"]["id"]
        receipts = (await services.read(INES, f"{case.path}/receipts"))["items"]
        yield Scene(
            services,
            {
                "case_id": [case.id],
                "referral_id": [offer.rpartition("/")[2] for offer in (first.offer, case.offer)],
                "event": [receipt["event"] for receipt in receipts],
                "basis_id": [basis],
                "broadcast_id": [several.json()["id"]],
                "gap_id": [f"{case.id}.g1"],
                "sub": [LOTTE.sub],
                "ref": ["M-41"],
                "subscription_id": [subscribed.json()["id"]],
                "delivery_id": ["none"],
                "organisation_id": ["brugwerk"],
                "programme_id": ["mtw-be-2026"],
                "version": ["v1"],
                "name": [*REPORTS],
                "question": [*QUESTIONS],
                "path": ["0/000.p/1", "entries/000.p/1"],
                "token": ["none"],
            },
        )


async def acts(services: Running, case: str) -> None:
    """All that is written in the course of a case."""
    gap = {"serviceKind": "CHILDCARE", "gapType": "TOO_SLOW", "provider": WRITTEN["provider"]}
    expects = {"mentor": WRITTEN["expects"], "mentee": WRITTEN["hopes"]}
    named = f"{case.rpartition('/')[2]}.g1"
    for person, action, body in (
        (LOTTE, "conclude-intake", {**INTAKE, "expectations": [WRITTEN["intake"]]}),
        (LOTTE, "propose-match", {**PROPOSAL, "criteria": ["LANGUAGE"], "sectorAbsence": WRITTEN["match"]}),
        (LOTTE, "confirm-match", {"by": "MENTOR", "onBehalfReason": "ON_PAPER"}),
        (LOTTE, "confirm-match", {"by": "MENTEE", "onBehalfReason": "ON_PAPER"}),
        (LOTTE, "sign-agreement", {**AGREEMENT, "expectations": expects}),
        (LOTTE, "request-exception", {"task": "MONEY", "justification": WRITTEN["exception"]}),
        (LOTTE, "report-gap", gap),
        (INES, "answer-gap", {"gap": named, "accepted": True, "action": WRITTEN["promise"], "due": "2026-03-02"}),
    ):
        await services.done(person, case, action, body)
    event = (await services.read(LOTTE, f"{case}/timeline"))["items"][-1]["event"]
    await services.done(INES, case, "correct", {"event": event, "reason": WRITTEN["correction"]})


def asked(scene: Scene) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every GET of every service, of all that there is, with the parameters that show most."""
    case = scene.there["case_id"][0]
    for app in scene.running.apps.values():
        for template, methods in app.openapi()["paths"].items():
            # One receipt of a case is what the list of them shows.
            if "get" not in methods or template in ("/v1/stream", "/v1/cases/{case_id}/receipts/{event}"):
                continue
            names = re.findall(r"{(\w+)}", template)
            known = {parameter["name"] for parameter in methods["get"].get("parameters", [])}
            ways: list[dict[str, Any]] = [{}]
            if template.startswith("/v1/audit/questions/"):
                ways = [{"case": case}, {"sample": 10}]
            if template.endswith("/export"):
                ways = [{"format": kind} for kind in FORMATS]
                ways += [{"format": "csv", "table": table} for table in TABLES]
            if "expand" in known:
                ways.append({"expand": "full"})
            if "viewer" in known:
                ways += [{**ways[0], "viewer": "brugwerk"}, {**ways[0], "asOf": "2026-01-12T09:30:00Z"}]
            for places in product(*(scene.there[name] for name in names)):
                path = template.format(**dict(zip(names, places, strict=True)))
                yield from ((path, way) for way in ways)


def text_of(answer: httpx.Response, params: dict[str, Any]) -> str:
    """All that somebody reads in an answer, unpacked where it is a file."""
    if answer.status_code != 200:
        return answer.text
    if "format" in params:
        return shown(params["format"], answer.content)
    if answer.headers["Content-Type"] == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return "".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    return answer.text


async def seen(scene: Scene, person: Person) -> dict[str, str]:
    """All that somebody is answered, by what they asked; of reports as a table too."""
    found: dict[str, str] = {}
    for path, params in asked(scene):
        answer = await scene.running.get(person, path, **params)
        if person is AUDITOR and path.endswith(FILES):
            assert answer.status_code == 200, (path, params, answer.text)
        found[f"{path} {params}"] = f"{answer.headers} {text_of(answer, params)}"
        if path.startswith("/v1/reports/"):
            table = await scene.running.send(person, "GET", path, headers={"Accept": "text/csv"})
            found[f"{path} as a table"] = table.text
    return found


async def test_the_walk_finds_what_there_is(scene: Scene) -> None:
    """For those who work on the case: otherwise the tests below would find nothing wherever it was."""
    texts = " ".join([*(await seen(scene, INES)).values(), *(await seen(scene, LOTTE)).values()])
    assert {what for what in {*REACHED, *WRITTEN.values()} if what not in texts} == set()


async def test_an_auditor_reads_no_name_no_address_and_no_words(scene: Scene) -> None:
    """Of any case, though it is read from end to end."""
    answers = await seen(scene, AUDITOR)
    assert sum("ServiceGapAnswered" in text for text in answers.values()) > 1
    leaks = [(path, what) for path, text in answers.items() for what in {*REACHED, "Geheim"} if what in text]
    assert leaks == []


async def test_a_privacy_officer_reads_no_name_and_no_address(scene: Scene) -> None:
    """Of the words those about a gap, and why something was corrected."""
    answers = await seen(scene, DPO_OF_AGENCY)
    assert [(path, what) for path, text in answers.items() for what in REACHED if what in text] == []
    read = {name for name, words in WRITTEN.items() for text in answers.values() if words in text}
    assert read == {"provider", "promise", "correction"}
