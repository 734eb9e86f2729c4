"""Codes that others publish, as they come in over HTTP: checked by value, and kept with their revision."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services.referral.app import build
from tests.referral.context import ACCEPT, REFERRALS, ReferralContext
from tests.support.people import INES, LOTTE, OPERATOR, PROGRAMME
from tests.support.problems import assert_problem, pointers
from tests.support.requests import samira
from tests.support.running import running

CHOICE = samira()["participationChoice"]
BASIS = samira()["legalBasis"]
ACCOUNTANT = "http://data.europa.eu/esco/isco/C2411"
BRUGWERK = "/v1/organisations/brugwerk"

IN_A_REFERRAL: dict[str, tuple[dict[str, Any], str, str]] = {
    "ISCO of no group": ({"occupations": [{"isco": "9999"}]}, "/occupations/0/isco", "9629"),
    "ISCO without its zero": ({"occupations": [{"isco": "2411"}, {"isco": "110"}]}, "/occupations/1/isco", "0110"),
    "ESCO of nothing": (
        {"occupations": [{"isco": "2411", "esco": f"{ACCOUNTANT}9"}]},
        "/occupations/0/esco",
        ACCOUNTANT,
    ),
    "ESCO of another occupation": (
        {"occupations": [{"isco": "5120", "esco": ACCOUNTANT}]},
        "/occupations/0/esco",
        "2411",
    ),
    "region of no country": ({"region": "ZZ999"}, "/region", "nearest"),
    "region of Greece by ISO": ({"region": "GR300"}, "/region", "EL301"),
    "division of no section": ({"sectors": ["N", "A99"]}, "/sectors/1", "A03"),
    "division that is left out": ({"sectors": ["04"]}, "/sectors/0", "03"),
    "division of Rev. 2": ({"sectors": ["45"]}, "/sectors/0", "2.0:45"),
    "contact language": ({"contactLanguage": "xx"}, "/contactLanguage", "xh"),
    "language spoken": (
        {"languages": [{"tag": "nld", "level": "B1", "evidence": "TESTED"}]},
        "/languages/0/tag",
        "nl",
    ),
    "language of the choice": (
        {"participationChoice": {**CHOICE, "language": "xx"}},
        "/participationChoice/language",
        "xh",
    ),
    "language of the basis": ({"legalBasis": {**BASIS, "language": "xx"}}, "/legalBasis/language", "xh"),
}


@pytest.mark.parametrize("what", IN_A_REFERRAL)
@pytest.mark.parametrize("draft", [False, True])
async def test_a_code_that_does_not_exist_is_refused_by_name(
    context: ReferralContext, what: str, *, draft: bool
) -> None:
    """At its place, with what is near; nothing is stored, in a draft neither."""
    changes, pointer, near = IN_A_REFERRAL[what]
    before = await context.snapshot()
    answer = await context.running.create(INES, REFERRALS, {**samira(**changes), "draft": draft})
    assert_problem(answer, 422)
    faults = {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}
    assert faults.keys() == {pointer}
    assert near in faults[pointer]
    assert await context.snapshot() == before


async def test_what_a_programme_and_an_organisation_say_is_checked_too(context: ReferralContext) -> None:
    """Languages and sectors of an organisation; time zone and country of a programme."""
    version = (await context.running.read(INES, f"/v1/programmes/{PROGRAMME}"))["versions"][0]
    version = {name: value for name, value in version.items() if name != "version"} | {"validFrom": "2027-01-01"}
    described = {"name": "Brugwerk", "kind": "MENTORING_ORG"}
    etag = (await context.running.get(OPERATOR, BRUGWERK)).headers["ETag"]
    for path, body, pointer in (
        (f"/v1/programmes/{PROGRAMME}/versions/2", {**version, "timeZone": "Europe/Brussel"}, "/timeZone"),
        (f"/v1/programmes/{PROGRAMME}/versions/2", {**version, "country": "ZZ"}, "/country"),
        (BRUGWERK, {**described, "languages": ["nl", "xx"]}, "/languages/1"),
        (BRUGWERK, {**described, "sectors": ["2.0:M", "2.0:V"]}, "/sectors/1"),
    ):
        answer = await context.running.send(OPERATOR, "PUT", path, body, etag=etag)
        assert_problem(answer, 422)
        assert pointers(answer) == {pointer: "INVALID_VALUE"}
        assert "nearest: " in answer.json()["detail"]


async def test_a_tag_with_extensions_is_a_tag(context: ReferralContext) -> None:
    """Whatever BCP 47 calls valid is taken, and kept as RFC 5646 spells it."""
    path = await context.submit(samira(contactLanguage="ar-u-nu-latn", region="EL303"))
    read = await context.running.read(LOTTE, path)
    assert (read["contactLanguage"], read["region"]) == ("ar-u-nu-latn", "EL303")
    path = await context.draft(
        {"programme": PROGRAMME, "client": {"ref": "CL-1"}, "contactLanguage": "DE-de-u-co-phonebk"}
    )
    assert (await context.running.read(INES, path))["contactLanguage"] == "de-DE-u-co-phonebk"


async def test_an_event_keeps_the_revision_of_a_sector(context: ReferralContext) -> None:
    """A bare sector is one of Rev. 2.1, and read bare; one of Rev. 2 keeps saying so."""
    path = await context.submit(samira(sectors=["N", "2.1:K62", "2.0:M"]))
    assert (await context.running.read(LOTTE, path))["sectors"] == ["N", "K62", "2.0:M"]
    recorded = (await context.running.read(INES, f"{path}/events"))["items"]
    stored = [event["data"]["packet"]["sectors"] for event in recorded if event["type"] == "ReferralSubmitted"]
    assert stored == [["2.1:N", "2.1:K62", "2.0:M"]]


async def test_what_get_gives_of_sectors_can_be_put_back(context: ReferralContext) -> None:
    """An organisation's sectors read as they were sent, and changing nothing writes nothing."""
    given = await context.running.get(OPERATOR, BRUGWERK)
    body = {**given.json(), "sectors": ["N", "2.0:M"]}
    first = await context.running.send(OPERATOR, "PUT", BRUGWERK, body, etag=given.headers["ETag"])
    assert first.status_code == 200, first.text
    assert first.json()["sectors"] == ["N", "2.0:M"]
    again = await context.running.send(OPERATOR, "PUT", BRUGWERK, first.json(), etag=first.headers["ETag"])
    assert again.headers["ETag"] == first.headers["ETag"]


def _stored_otherwise(directory: Path, old: str, new: str) -> None:
    """As if a text had been stored when it was still allowed."""
    with closing(sqlite3.connect(directory / "referral-log.db")) as log, log:
        table = log.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%originator_id%' AND type = 'table'")
        changed = log.execute(
            f"UPDATE {next(table)[0]} SET state = CAST(replace(CAST(state AS TEXT), ?, ?) AS BLOB)"  # noqa: S608
            " WHERE instr(CAST(state AS TEXT), ?)",
            (old, new, old),
        )
        assert changed.rowcount


async def test_what_was_stored_before_is_read_and_goes_on(tmp_path: Path) -> None:
    """A referral with codes that no list has, and a sector without a revision, runs its course."""
    async with running(tmp_path, {"referral": build}) as service:
        await service.set_the_scene()
        path = await ReferralContext(service).submit(samira(sectors=["N"]))
    for old, new in (("BE234", "ZZ999"), ('"2411"', '"9999"'), ('"ar"', '"xx"'), ('"2.1:N"', '"N"')):
        _stored_otherwise(tmp_path, old, new)
    async with running(tmp_path, {"referral": build}) as service:
        read = await service.read(LOTTE, path)
        assert (read["region"], read["sectors"], read["contactLanguage"]) == ("ZZ999", ["N"], "xx")
        assert read["occupations"][0]["isco"] == "9999"
        await service.done(LOTTE, path, "receive")
        assert (await service.done(LOTTE, path, "accept", ACCEPT)).json()["state"] == "ACCEPTED"


async def test_a_draft_with_a_code_that_went_is_put_right_before_it_is_submitted(tmp_path: Path) -> None:
    """Submitting is a command: the refusal points to the code, and a patch of that field is enough."""
    async with running(tmp_path, {"referral": build}) as service:
        await service.set_the_scene()
        path = await ReferralContext(service).draft(samira())
    _stored_otherwise(tmp_path, "BE234", "ZZ999")
    async with running(tmp_path, {"referral": build}) as service:
        assert (await service.read(INES, path))["region"] == "ZZ999"
        refused = await service.command(INES, path, "submit")
        assert_problem(refused, 422)
        assert pointers(refused) == {"/region": "INVALID_VALUE"}
        etag = (await service.get(INES, path)).headers["ETag"]
        patched = await service.send(INES, "PATCH", path, {"region": "BE234"}, etag=etag)
        assert patched.status_code == 200, patched.text
        assert (await service.done(INES, path, "submit")).json()["state"] == "SUBMITTED"
