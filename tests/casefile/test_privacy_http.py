"""What people write about each other stays in the vault, and what nobody should have sent is not kept or repeated."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Final

import pytest

from services.chassis.operating.telemetry import configure_logging
from tests.casefile.acts import ACTS
from tests.casefile.cases import PROPOSAL, CaseContext, Told
from tests.support.people import AUDITOR, INES, LOTTE
from tests.support.problems import assert_problem
from tests.support.requests import AGREEMENT, INTAKE, another_person

SECRETS: Final = {
    "expectation of the mentee": "Zij hoopt op een warm onthaal",
    "absence of the sector": "Geen mentor uit de bouw gevonden",
    "expectation of the mentor": "Hij deelt graag zijn netwerk",
    "expectation at the signature": "Twee keer per maand koffie",
    "reason of a correction": "Verkeerde dag genoteerd door Lotte",
}


async def whole_story(context: CaseContext) -> Told:
    """A case in whose course everything is written that may be written in words."""
    case = await context.accepted(another_person(contact={"name": "Samira Geheim", "phone": "+32 470 99 88 77"}))
    steps: list[tuple[str, dict[str, Any]]] = [
        ("conclude-intake", {**INTAKE, "expectations": [SECRETS["expectation of the mentee"]]}),
        (
            "propose-match",
            {**PROPOSAL, "criteria": ["LANGUAGE"], "sectorAbsence": SECRETS["absence of the sector"]},
        ),
        ("confirm-match", {"by": "MENTOR", "onBehalfReason": "ON_PAPER"}),
        ("confirm-match", {"by": "MENTEE", "onBehalfReason": "ON_PAPER"}),
        (
            "sign-agreement",
            {
                **AGREEMENT,
                "expectations": {
                    "mentor": SECRETS["expectation of the mentor"],
                    "mentee": SECRETS["expectation at the signature"],
                },
            },
        ),
    ]
    for action, body in steps:
        await context.running.done(LOTTE, case.path, action, body)
    event = (await context.running.read(LOTTE, f"{case.path}/timeline"))["items"][-1]["event"]
    correction = {"event": event, "reason": SECRETS["reason of a correction"]}
    await context.running.done(LOTTE, case.path, "correct", correction)
    await context.running.settle()
    return case


def at_rest(directory: Path) -> dict[str, bytes]:
    """Every file of the system, by name."""
    return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*") if file.is_file()}


@pytest.mark.on_files
async def test_free_text_stands_in_casefiles_vault_and_nowhere_else(
    context: CaseContext, capsys: pytest.CaptureFixture[str]
) -> None:
    """Encrypted there, and not in a log, an index, the bus, an answer, the feed, or what the process says of itself."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("DEBUG")
    try:
        case = await whole_story(context)
        said = "".join(capsys.readouterr())
    finally:
        root.handlers, root.level = handlers, level
    told = [said, (await context.running.get(None, "/metrics")).text]
    for what in ("", "/timeline", "/events", "/responsibility", "/bundle"):
        told += [(await context.running.get(person, case.path + what)).text for person in (INES, LOTTE, AUDITOR)]
    told.append((await context.running.get(LOTTE, "/v1/feed", limit=200)).text)
    files = at_rest(context.running.directory)
    vault = context.running.service("casefile").vault
    assert vault is not None
    kept = [await vault.read(ref) for ref, _ in context.vault_rows()]
    for what, secret in SECRETS.items():
        assert secret in str(kept), what
        assert all(secret.encode() not in content for content in files.values()), what
        assert all(secret not in text for text in told), what
    for personal in ("Samira Geheim", "470 99 88 77"):
        assert personal not in str(kept)
        assert all(personal.encode() not in content for content in files.values())
        assert all(personal not in text for text in told)


async def test_logs_and_metrics_name_no_person_and_no_case(
    context: CaseContext, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither staff, nor the client's pseudonym, nor the path of a case, whatever is answered."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("DEBUG")
    try:
        case = await context.brought_to("MENTORING")
        ref = (await context.running.read(INES, case.path))["clientRef"]
        await context.running.command(LOTTE, case.path, "conclude-intake", {"suitable": "Samira Geheim"})
        await context.running.get(LOTTE, f"/v1/cases/{ref}")
        said = "".join(capsys.readouterr())
    finally:
        root.handlers, root.level = handlers, level
    metrics = (await context.running.get(None, "/metrics")).text
    assert "caserelay" in metrics
    for text in (said, metrics):
        for word in (INES.sub, LOTTE.sub, case.id, ref, "Samira Geheim"):
            assert word not in text


HOSTILE: Final[dict[str, tuple[bytes, set[int]]]] = {
    "bad UTF-8": (b'{"suitable": true, "expectations": ["\xff\xfe"]}', {400}),
    "deep nesting": (b'{"cefr":' + b"[" * 60_000 + b"]" * 60_000 + b"}", {400, 422}),
    "lone surrogate": (b'{"suitable": true, "goals": ["SOCIAL"], "expectations": ["\\ud800"]}', {400, 422}),
    "null byte": (b'{"suitable": true, "goals": ["SOCIAL"], "expectations": ["a\\u0000b"]}', {422}),
    "raw null byte": (b'{"suitable": true, "expectations": ["\x00"]}', {400}),
    "huge number": (b'{"suitable": ' + b"9" * 5_000 + b"}", {400, 422}),
    "infinite number": (b'{"suitable": 1e999}', {400, 422}),
    "not a number": (b'{"suitable": NaN}', {400}),
    "a megabyte": (b'{"expectations": ["' + b"x" * 1_000_001 + b'"]}', {413}),
    "a long text": (json.dumps({**INTAKE, "expectations": ["x" * 100_000]}).encode(), {422}),
    "many items": (json.dumps({**INTAKE, "expectations": ["x"] * 5_000}).encode(), {422}),
    "a list": (b"[]", {422}),
    "a text": (b'"intake"', {422}),
    "null": (b"null", {422}),
    "nothing": (b"", {400, 422}),
    "half a body": (b'{"suitable": tr', {400}),
    "a name twice": (b'{"suitable": false, "suitable": true}', {400}),
    "a strange name": (b'{"suitable": true, "\\u202e<script>": 1}', {422}),
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.xdist_group("casefile privacy")
@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_body_is_refused_and_changes_nothing(shared: CaseContext, kind: str) -> None:
    """A problem, no failure of the service, nothing written, and nothing of the body repeated."""
    content, statuses = HOSTILE[kind]
    case = await shared.brought_to("INTAKE")
    before = await shared.snapshot()
    etag = (await shared.running.get(LOTTE, case.path)).headers["ETag"]
    answer = await shared.running.send(
        LOTTE, "POST", f"{case.path}/conclude-intake", content=content, etag=etag, key="hostile-1"
    )
    assert answer.status_code in statuses, answer.text
    assert_problem(answer, answer.status_code)
    assert "<script>" not in answer.text
    assert len(answer.content) < 20_000
    assert await shared.snapshot() == before


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.xdist_group("casefile privacy")
async def test_strange_paths_and_headers_are_refused_and_not_repeated(shared: CaseContext) -> None:
    """Whatever is written where an identifier, a key or a version belongs."""
    case = await shared.brought_to("INTAKE")
    number = "85.07.30-033 28"
    for path in (f"/v1/cases/{number}", "/v1/cases/%00", "/v1/cases/..%2f..%2fetc", f"/v1/cases/{'x' * 500}"):
        answer = await shared.running.get(LOTTE, path)
        assert answer.status_code in {404, 422}, path
        assert_problem(answer, answer.status_code)
        assert number not in answer.text
    act = ACTS["log-contact-attempt"]
    for key in ("", '""', "x" * 256, "85073003328", 'a"b'):
        answer = await shared.running.command(LOTTE, case.path, "log-contact-attempt", act.body, key=key)
        assert_problem(answer, 400)
    assert "ContactAttempted" not in await shared.kinds(case)
