"""Drafts over HTTP: the agency's own, incomplete as they may be, edited by merge patch, lapsing when left lying."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.referral.bodies import ReferralBody
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


async def test_the_answer_to_a_draft_lists_the_actions_that_a_read_lists(desk: ReferralDesk) -> None:
    """Submit among them: the agency is registered as one, and is not told otherwise."""
    created = (await desk.running.create(INES, REFERRALS, {**samira(), "draft": True})).json()
    read = await desk.running.read(INES, f"{REFERRALS}/{created['id']}")
    assert "submit" in {one["action"] for one in created["allowedActions"]}
    assert created["allowedActions"] == read["allowedActions"]
    assert created["blockedActions"] == read["blockedActions"]


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


MEMBERS: dict[str, dict[str, tuple[object, object]]] = {
    "contact": {
        "name": ("Samira Voorbeeld", "S. Voorbeeld"),
        "phone": ("+32 470 00 11 22", "+32 470 99 99 99"),
        "email": ("samira@voorbeeld.example", "s@voorbeeld.example"),
        "unreachable": (None, "NO_DEVICE"),
    },
    "eligibility": {
        "REGISTERED_JOBSEEKER": (True, False),
        "RIGHT_TO_WORK": (True, False),
        "NO_CONCURRENT_PROGRAMME": (True, False),
    },
    "participationChoice": {
        "chosenAt": ("2026-01-12T09:10:00Z", "2026-01-12T09:11:00Z"),
        "method": ("IN_PERSON", "PHONE"),
        "language": ("ar", "fr"),
    },
    "legalBasis": {
        "kind": ("CONSENT", "PUBLIC_TASK"),
        "recipient": ("brugwerk", "samenstap"),
        "textVersion": ("v3", "v4"),
        "language": ("ar", "fr"),
        "givenAt": ("2026-01-12T09:12:00Z", "2026-01-12T09:13:00Z"),
    },
}
"""Every object in a referral whose members can be changed: what each is in the draft, and what it is changed to."""
OPTIONAL = {"contact", "eligibility"}
"""Those whose members may be left out."""


async def _nested(desk: ReferralDesk, path: str, name: str) -> dict[str, object]:
    if name == "contact":
        contact = (await desk.running.read(INES, f"{path}/contact"))["contact"]
        return {member: contact.get(member) for member in MEMBERS[name]}
    held = (await desk.running.read(INES, path))[name]
    return {member: held.get(member) for member in MEMBERS[name]}


def test_every_object_in_a_referral_has_its_members_patched() -> None:
    """An object that is added to the body comes into the table; `client.ref` is a draft's identity and stays."""
    schema = ReferralBody.model_json_schema(by_alias=True)
    objects = {
        name: held
        for name, told in schema["properties"].items()
        for held in told.get("anyOf", [told])
        if "$ref" in held or held.get("type") == "object"
    }
    models = {name: held["$ref"].rpartition("/")[2] for name, held in objects.items() if "$ref" in held}
    nested = {name: set(schema["$defs"][model].get("properties", ())) for name, model in models.items()}
    nested = {name: members for name, members in nested.items() if members}
    assert {name for name in objects if name in nested or name not in models} - {"client"} == set(MEMBERS)
    assert {name: members for name, members in nested.items() if name != "client"} == {
        name: set(members) for name, members in MEMBERS.items() if name in nested
    }


@pytest.mark.parametrize("name", MEMBERS)
async def test_a_patch_leaves_the_members_that_it_does_not_name(desk: ReferralDesk, name: str) -> None:
    """RFC 7396 merges objects inside objects too, the contact data in the vault like all others; null removes."""
    path = await desk.draft(samira())
    expected = {member: before for member, (before, _) in MEMBERS[name].items()}
    for member, (_, after) in MEMBERS[name].items():
        etag = (await desk.running.get(INES, path)).headers["ETag"]
        answer = await desk.running.send(INES, "PATCH", path, {name: {member: after}}, etag=etag)
        assert answer.status_code == 200, answer.text
        expected[member] = after
        assert await _nested(desk, path, name) == expected
    for member in MEMBERS[name]:
        etag = (await desk.running.get(INES, path)).headers["ETag"]
        answer = await desk.running.send(INES, "PATCH", path, {name: {member: None}}, etag=etag)
        if name == "contact" and member == "unreachable":
            # Nothing is left by which the person is reached.
            assert_problem(answer, 422)
            assert "/contact" in pointers(answer)
        elif name in OPTIONAL:
            assert answer.status_code == 200, answer.text
            expected[member] = None
        else:
            assert_problem(answer, 422)
            assert f"/{name}/{member}" in pointers(answer)
        assert await _nested(desk, path, name) == expected
    etag = (await desk.running.get(INES, path)).headers["ETag"]
    assert (await desk.running.send(INES, "PATCH", path, {name: None}, etag=etag)).status_code == 200
    if name == "contact":
        assert_problem(await desk.running.get(INES, f"{path}/contact"), 404)
    else:
        assert (await desk.running.read(INES, path))[name] in (None, {})


async def test_of_two_patches_of_one_version_the_refused_one_changes_no_contact(desk: ReferralDesk) -> None:
    """The accepted one's members stand beside those that were there before."""
    path = await desk.draft(samira())
    answers = await desk.race(
        desk.running.send(INES, "PATCH", path, {"contact": {"phone": "+32 470 00 00 01"}}, etag='"1"'),
        desk.running.send(INES, "PATCH", path, {"contact": {"email": "other@voorbeeld.example"}}, etag='"1"'),
    )
    first, second = (answer.status_code == 200 for answer in answers)
    assert first is not second
    assert (await desk.running.read(INES, f"{path}/contact"))["contact"] == {
        "name": "Samira Voorbeeld",
        "phone": "+32 470 00 00 01" if first else "+32 470 00 11 22",
        "email": "other@voorbeeld.example" if second else "samira@voorbeeld.example",
    }


async def test_of_two_patches_that_name_several_versions_none_undoes_the_other(desk: ReferralDesk) -> None:
    """What is merged into one version is not stored over another, though the caller would decide on either."""
    path = await desk.draft(samira())
    answers = await desk.race(
        desk.running.send(INES, "PATCH", path, {"region": "BE211"}, etag='"1", "2"'),
        desk.running.send(INES, "PATCH", path, {"goals": ["SOCIAL"]}, etag='"1", "2"'),
    )
    first, second = (answer.status_code == 200 for answer in answers)
    draft = await desk.running.read(INES, path)
    assert first or second
    assert (draft["region"] == "BE211", draft["goals"] == ["SOCIAL"]) == (first, second)


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


async def test_a_patch_of_another_version_is_not_merged(desk: ReferralDesk) -> None:
    """What it says may make no sense in the newer one: a repeat gets its answer all the same, any other 412."""
    path = await desk.draft(samira())
    send, patch = desk.running.send, {"legalBasis": {"textVersion": "v4"}}
    first = await send(INES, "PATCH", path, patch, etag='"1"', key="patching")
    assert (await send(INES, "PATCH", path, {"legalBasis": None}, etag='"2"')).status_code == 200
    again = await send(INES, "PATCH", path, patch, etag='"1"', key="patching")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert_problem(await send(INES, "PATCH", path, patch, etag='"2"'), 412)
    assert (await desk.running.read(INES, path))["legalBasis"] is None


async def test_a_draft_left_lying_lapses(desk: ReferralDesk) -> None:
    """After thirty days it is withdrawn as DRAFT_LAPSED, and the person may be referred again."""
    path = await desk.draft(samira())
    assert list((await desk.running.read(INES, path))["dueAt"]) == ["draftLapse"]
    await desk.running.at(datetime(2026, 2, 12, tzinfo=UTC))
    lapsed = await desk.running.read(INES, path)
    assert (lapsed["state"], lapsed["reason"]) == ("WITHDRAWN", "DRAFT_LAPSED")
    assert (await desk.running.create(INES, REFERRALS, samira())).status_code == 201
