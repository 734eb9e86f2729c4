"""Drafts over HTTP: the agency's own, incomplete as they may be, edited by merge patch, lapsing when left lying."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.referral.routes.requests import ReferralBody
from tests.referral.context import REFERRALS, ReferralContext
from tests.support.people import INES, LOTTE, PROGRAMME
from tests.support.problems import assert_problem, pointers
from tests.support.requests import samira


async def test_a_draft_is_its_agencys_own(context: ReferralContext) -> None:
    """The organisation that it names finds nothing of it, not in lists either, until it is submitted."""
    path = await context.draft(samira())
    for suffix in ("", "/events", "/contact"):
        assert_problem(await context.running.get(LOTTE, path + suffix), 404)
    assert_problem(await context.running.command(LOTTE, path, "receive", {}, etag='"1"'), 404)
    assert (await context.running.read(LOTTE, REFERRALS))["items"] == []
    await context.running.done(INES, path, "submit")
    assert (await context.running.read(LOTTE, path))["state"] == "SUBMITTED"
    recorded = (await context.running.read(LOTTE, f"{path}/events"))["items"]
    assert [event["type"] for event in recorded] == ["ReferralSubmitted"]
    recorded = (await context.running.read(INES, f"{path}/events"))["items"]
    assert [event["type"] for event in recorded] == ["ReferralDrafted", "ReferralSubmitted"]


async def test_the_answer_to_a_draft_lists_the_actions_that_a_read_lists(context: ReferralContext) -> None:
    """Submit among them: the agency is registered as one, and is not told otherwise."""
    created = (await context.running.create(INES, REFERRALS, {**samira(), "draft": True})).json()
    read = await context.running.read(INES, f"{REFERRALS}/{created['id']}")
    assert "submit" in {one["action"] for one in created["allowedActions"]}
    assert created["allowedActions"] == read["allowedActions"]
    assert created["blockedActions"] == read["blockedActions"]


async def test_a_draft_may_be_incomplete_and_is_checked_when_it_is_submitted(context: ReferralContext) -> None:
    """Programme and person are enough to begin with; submit lists what is missing, and a patch adds it."""
    path = await context.draft({"programme": PROGRAMME, "client": {"ref": "CL-7F3A"}})
    answer = await context.running.command(INES, path, "submit")
    assert_problem(answer, 422)
    assert {"/to", "/goals", "/legalBasis", "/participationChoice", "/whyMentoring"} <= pointers(answer).keys()
    etag = (await context.running.get(INES, path)).headers["ETag"]
    rest = {name: value for name, value in samira().items() if name not in ("programme", "client")}
    patched = await context.running.send(INES, "PATCH", path, rest, etag=etag)
    assert patched.status_code == 200, patched.text
    assert patched.headers["ETag"] != etag
    assert (await context.running.done(INES, path, "submit")).json()["state"] == "SUBMITTED"
    contact = await context.running.read(LOTTE, f"{path}/contact")
    assert contact["contact"]["name"] == "Samira Voorbeeld"


async def test_a_patch_merges(context: ReferralContext) -> None:
    """Members are replaced, null takes them out, lists are replaced whole, the rest stays (RFC 7396)."""
    path = await context.draft(samira())
    etag = (await context.running.get(INES, path)).headers["ETag"]
    patch = {
        "region": None,
        "goals": ["SOCIAL"],
        "legalBasis": {"textVersion": "v4"},
        "eligibility": {"RIGHT_TO_WORK": None},
    }
    patched = (await context.running.send(INES, "PATCH", path, patch, etag=etag)).json()
    assert patched["region"] is None
    assert patched["goals"] == ["SOCIAL"]
    assert patched["legalBasis"]["textVersion"] == "v4"
    assert patched["legalBasis"]["recipient"] == "brugwerk"
    assert patched["eligibility"] == {"REGISTERED_JOBSEEKER": True, "NO_CONCURRENT_PROGRAMME": True}
    assert patched["state"] == "DRAFT"
    assert (await context.running.read(INES, path)) == patched


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


async def _nested(context: ReferralContext, path: str, name: str) -> dict[str, object]:
    if name == "contact":
        contact = (await context.running.read(INES, f"{path}/contact"))["contact"]
        return {member: contact.get(member) for member in MEMBERS[name]}
    held = (await context.running.read(INES, path))[name]
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
async def test_a_patch_leaves_the_members_that_it_does_not_name(context: ReferralContext, name: str) -> None:
    """RFC 7396 merges objects inside objects too, the contact data in the vault like all others; null removes."""
    path = await context.draft(samira())
    expected = {member: before for member, (before, _) in MEMBERS[name].items()}
    for member, (_, after) in MEMBERS[name].items():
        etag = (await context.running.get(INES, path)).headers["ETag"]
        answer = await context.running.send(INES, "PATCH", path, {name: {member: after}}, etag=etag)
        assert answer.status_code == 200, answer.text
        expected[member] = after
        assert await _nested(context, path, name) == expected
    for member in MEMBERS[name]:
        etag = (await context.running.get(INES, path)).headers["ETag"]
        answer = await context.running.send(INES, "PATCH", path, {name: {member: None}}, etag=etag)
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
        assert await _nested(context, path, name) == expected
    etag = (await context.running.get(INES, path)).headers["ETag"]
    assert (await context.running.send(INES, "PATCH", path, {name: None}, etag=etag)).status_code == 200
    if name == "contact":
        assert_problem(await context.running.get(INES, f"{path}/contact"), 404)
    else:
        assert (await context.running.read(INES, path))[name] in (None, {})


async def test_of_two_patches_of_one_version_the_refused_one_changes_no_contact(context: ReferralContext) -> None:
    """The accepted one's members stand beside those that were there before."""
    path = await context.draft(samira())
    answers = await context.race(
        context.running.send(INES, "PATCH", path, {"contact": {"phone": "+32 470 00 00 01"}}, etag='"1"'),
        context.running.send(INES, "PATCH", path, {"contact": {"email": "other@voorbeeld.example"}}, etag='"1"'),
    )
    first, second = (answer.status_code == 200 for answer in answers)
    assert first is not second
    assert (await context.running.read(INES, f"{path}/contact"))["contact"] == {
        "name": "Samira Voorbeeld",
        "phone": "+32 470 00 00 01" if first else "+32 470 00 11 22",
        "email": "other@voorbeeld.example" if second else "samira@voorbeeld.example",
    }


async def test_of_two_patches_that_name_several_versions_none_undoes_the_other(context: ReferralContext) -> None:
    """What is merged into one version is not stored over another, though the caller would decide on either."""
    path = await context.draft(samira())
    answers = await context.race(
        context.running.send(INES, "PATCH", path, {"region": "BE211"}, etag='"1", "2"'),
        context.running.send(INES, "PATCH", path, {"goals": ["SOCIAL"]}, etag='"1", "2"'),
    )
    first, second = (answer.status_code == 200 for answer in answers)
    draft = await context.running.read(INES, path)
    assert first or second
    assert (draft["region"] == "BE211", draft["goals"] == ["SOCIAL"]) == (first, second)


async def test_a_patch_has_the_manners_of_a_command(context: ReferralContext) -> None:
    """428, 412, 422 with pointers, 409 once submitted, a dry run that writes nothing, replays by key."""
    path = await context.draft(samira())
    send, before = context.running.send, await context.snapshot()
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
    assert await context.snapshot() == before
    first = await send(INES, "PATCH", path, {"region": "BE211"}, etag='"1"', key="patching")
    again = await send(INES, "PATCH", path, {"region": "BE211"}, etag='"1"', key="patching")
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    await context.running.done(INES, path, "submit")
    etag = (await context.running.get(INES, path)).headers["ETag"]
    assert_problem(await send(INES, "PATCH", path, {"region": "BE234"}, etag=etag), 409, "STATE_DOES_NOT_ALLOW")


async def test_a_patch_of_another_version_is_not_merged(context: ReferralContext) -> None:
    """What it says may make no sense in the newer one: a repeat gets its answer all the same, any other 412."""
    path = await context.draft(samira())
    send, patch = context.running.send, {"legalBasis": {"textVersion": "v4"}}
    first = await send(INES, "PATCH", path, patch, etag='"1"', key="patching")
    assert (await send(INES, "PATCH", path, {"legalBasis": None}, etag='"2"')).status_code == 200
    again = await send(INES, "PATCH", path, patch, etag='"1"', key="patching")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert_problem(await send(INES, "PATCH", path, patch, etag='"2"'), 412)
    assert (await context.running.read(INES, path))["legalBasis"] is None


async def test_a_draft_left_lying_lapses(context: ReferralContext) -> None:
    """After thirty days it is withdrawn as DRAFT_LAPSED, and the person may be referred again."""
    path = await context.draft(samira())
    assert list((await context.running.read(INES, path))["dueAt"]) == ["draftLapse"]
    await context.running.at(datetime(2026, 2, 12, tzinfo=UTC))
    lapsed = await context.running.read(INES, path)
    assert (lapsed["state"], lapsed["reason"]) == ("WITHDRAWN", "DRAFT_LAPSED")
    assert (await context.running.create(INES, REFERRALS, samira())).status_code == 201
