"""Drafts over HTTP: the agency's own, incomplete as they may be, edited by merge patch, lapsing when left lying."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.people import INES, LOTTE, PROGRAMME, samira
from tests.referral.desk import REFERRALS, ReferralDesk, assert_problem, pointers


async def test_a_draft_is_its_agencys_own(desk: ReferralDesk) -> None:
    """The organisation that it names finds nothing of it, not in lists either, until it is submitted."""
    path = await desk.draft(samira())
    for suffix in ("", "/events", "/contact"):
        assert_problem(await desk.running.get(LOTTE, path + suffix), 404)
    assert_problem(await desk.running.command(LOTTE, path, "receive", {}, etag='"1"'), 404)
    assert (await desk.running.read(LOTTE, REFERRALS))["items"] == []
    await desk.running.done(INES, path, "submit")
    assert (await desk.running.read(LOTTE, path))["state"] == "SUBMITTED"
    recorded = (await desk.running.read(LOTTE, f"{path}/events"))["items"]
    assert [event["type"] for event in recorded] == ["ReferralSubmitted"]
    recorded = (await desk.running.read(INES, f"{path}/events"))["items"]
    assert [event["type"] for event in recorded] == ["ReferralDrafted", "ReferralSubmitted"]


async def test_a_draft_may_be_incomplete_and_is_checked_when_it_is_submitted(desk: ReferralDesk) -> None:
    """Programme and person are enough to begin with; submit lists what is missing, and a patch adds it."""
    path = await desk.draft({"programme": PROGRAMME, "client": {"ref": "CL-7F3A"}})
    answer = await desk.running.command(INES, path, "submit")
    assert_problem(answer, 422)
    assert {"/to", "/goals", "/legalBasis", "/participationChoice", "/whyMentoring"} <= pointers(answer).keys()
    etag = (await desk.running.get(INES, path)).headers["ETag"]
    rest = {name: value for name, value in samira().items() if name not in ("programme", "client")}
    patched = await desk.running.send(INES, "PATCH", path, rest, etag=etag)
    assert patched.status_code == 200, patched.text
    assert patched.headers["ETag"] != etag
    assert (await desk.running.done(INES, path, "submit")).json()["state"] == "SUBMITTED"
    contact = await desk.running.read(LOTTE, f"{path}/contact")
    assert contact["contact"]["name"] == "Samira Voorbeeld"


async def test_a_patch_merges(desk: ReferralDesk) -> None:
    """Members are replaced, null takes them out, lists are replaced whole, the rest stays (RFC 7396)."""
    path = await desk.draft(samira())
    etag = (await desk.running.get(INES, path)).headers["ETag"]
    patch = {
        "region": None,
        "goals": ["SOCIAL"],
        "legalBasis": {"textVersion": "v4"},
        "eligibility": {"RIGHT_TO_WORK": None},
    }
    patched = (await desk.running.send(INES, "PATCH", path, patch, etag=etag)).json()
    assert patched["region"] is None
    assert patched["goals"] == ["SOCIAL"]
    assert patched["legalBasis"]["textVersion"] == "v4"
    assert patched["legalBasis"]["recipient"] == "brugwerk"
    assert patched["eligibility"] == {"REGISTERED_JOBSEEKER": True, "NO_CONCURRENT_PROGRAMME": True}
    assert patched["state"] == "DRAFT"
    assert (await desk.running.read(INES, path)) == patched


async def test_a_patch_has_the_manners_of_a_command(desk: ReferralDesk) -> None:
    """428, 412, 422 with pointers, 409 once submitted, a dry run that writes nothing, replays by key."""
    path = await desk.draft(samira())
    send, before = desk.running.send, await desk.snapshot()
    assert_problem(await send(INES, "PATCH", path, {"region": "BE211"}), 428)
    assert_problem(await send(INES, "PATCH", path, {"region": "BE211"}, etag='"9"'), 412)
    for patch, pointer in (
        ({"nationality": "BE"}, "/nationality"),
        ({"region": "somewhere"}, "/region"),
        ({"goals": "SOCIAL"}, "/goals"),
        ({"client": {"ref": None}}, "/client/ref"),
        ({"client": None}, "/client"),
    ):
        answer = await send(INES, "PATCH", path, patch, etag='"1"')
        assert_problem(answer, 422)
        assert pointer in pointers(answer)
    contact = {"contact": {"name": "Somebody Else"}}
    dry = await send(INES, "PATCH", path, contact, etag='"1"', params={"dryRun": "true"})
    assert (dry.status_code, dry.json()["dryRun"]) == (200, True)
    assert await desk.snapshot() == before
    first = await send(INES, "PATCH", path, {"region": "BE211"}, etag='"1"', key="patching")
    again = await send(INES, "PATCH", path, {"region": "BE211"}, etag='"1"', key="patching")
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    await desk.running.done(INES, path, "submit")
    etag = (await desk.running.get(INES, path)).headers["ETag"]
    assert_problem(await send(INES, "PATCH", path, {"region": "BE234"}, etag=etag), 409, "STATE_DOES_NOT_ALLOW")


async def test_a_draft_left_lying_lapses(desk: ReferralDesk) -> None:
    """After thirty days it is withdrawn as DRAFT_LAPSED, and the person may be referred again."""
    path = await desk.draft(samira())
    assert list((await desk.running.read(INES, path))["dueAt"]) == ["draftLapse"]
    await desk.running.at(datetime(2026, 2, 12, tzinfo=UTC))
    lapsed = await desk.running.read(INES, path)
    assert (lapsed["state"], lapsed["reason"]) == ("WITHDRAWN", "DRAFT_LAPSED")
    assert (await desk.running.create(INES, REFERRALS, samira())).status_code == 201
