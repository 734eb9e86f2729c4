"""Subscriptions over HTTP: made, shown, changed, ended; what they keep secret, and what is refused."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from pydantic_core import to_json

from contracts.subscription_codes import ChallengeOutcome
from services.chassis.memory_stores import MemoryStores
from services.notifications.forgetting import Forgetting
from tests.notifications.running import Running, running
from tests.notifications.subscribers import ENDPOINT, MAIL_SERVER, MAILBOX, PATH, PERSON, Subscriber, stream_of
from tests.notifications.subscriptions import challenged
from tests.support.problems import assert_problem

ROUTES: Final = frozenset({"verify", "pause", "resume", "test", "rotate-secret", "replay"})
HEADER: Final = {"name": "X-Api-Key", "value": "s3cret-of-their-own"}


@pytest_asyncio.fixture
async def system(tmp_path: Path) -> AsyncIterator[Running]:
    """The service in memory, with a mail server set and loopback allowed."""
    async with running(tmp_path, stores=MemoryStores(), webhook_allow="127.0.0.0/8", smtp_url=MAIL_SERVER) as system:
        yield system


@pytest.fixture
def lotte(system: Running) -> Subscriber:
    """Somebody who manages the subscriptions of an organisation."""
    return Subscriber(system)


async def test_a_new_webhook_is_pending_and_its_secret_is_shown_once(lotte: Subscriber) -> None:
    """201 with address, version and position; `whsec_` and 24 to 64 bytes, `whpk_` and an Ed25519 key of 32."""
    answer = await lotte.create()
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["Location"] == made["links"]["self"] == f"{PATH}/{made['id']}"
    assert {"ETag", "Position"} <= {name.title() if name != "etag" else "ETag" for name in answer.headers}
    assert (made["state"], made["payload"], made["digest"]) == ("PENDING", "THIN", "IMMEDIATE")
    assert made["secret"].startswith("whsec_")
    assert 24 <= len(b64decode(made["secret"].removeprefix("whsec_"), validate=True)) <= 64
    assert len(b64decode(made["publicKey"].removeprefix("whpk_"), validate=True)) == 32
    read = await lotte.read(answer.headers["Location"])
    assert "secret" not in read
    assert read == {name: value for name, value in made.items() if name != "secret"}


async def test_the_same_request_again_has_the_same_secret_and_another_has_none(lotte: Subscriber) -> None:
    """Who lost the answer gets it again, under the same key; with another body the key is refused."""
    first = await lotte.create(ENDPOINT, Idempotency_Key='"once"')
    again = await lotte.create(ENDPOINT, Idempotency_Key='"once"')
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await lotte.create({**ENDPOINT, "payload": "FULL"}, Idempotency_Key='"once"')
    assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")
    assert len((await lotte.read(PATH))["items"]) == 1
    await lotte.delete(first.headers["Location"])
    await lotte.system.abreast()
    await forgotten(lotte, first.headers["Location"])
    late = await lotte.create(ENDPOINT, Idempotency_Key='"once"')
    assert late.json()["secret"] is None


async def test_two_subscriptions_share_neither_secret_nor_key(lotte: Subscriber) -> None:
    """Nor is either kept where it can be guessed."""
    made = [(await lotte.create()).json() for _ in range(2)]
    assert len({one["secret"] for one in made}) == len({one["publicKey"] for one in made}) == 2


async def test_no_event_holds_a_secret_or_an_address(lotte: Subscriber, caplog: pytest.LogCaptureFixture) -> None:
    """Nor does a log line: the vault alone has secrets, values of headers and addresses."""
    webhook = await lotte.create({**ENDPOINT, "header": HEADER})
    path = webhook.headers["Location"]
    rotated = await lotte.act(path, "rotate-secret")
    mail = await lotte.create(MAILBOX)
    told = [webhook.json()["secret"], rotated.json()["secret"], HEADER["value"], MAILBOX["address"]]
    assert all(told)
    recorded = await lotte.system.service.log.read_all(0, 100)
    kept = b"\n".join(to_json(repr(one.event)) + one.state for one in recorded).decode()
    assert [text for text in told if str(text) in kept or str(text) in caplog.text] == []
    state = await lotte.state(path)
    assert state.choices is not None
    assert state.choices.header is not None
    assert await lotte.vault.read(state.choices.header.value_ref) == {"value": HEADER["value"]}
    first = await lotte.vault.read(state.keys[0].secret_ref)
    assert first is not None
    assert first["secret"] == webhook.json()["secret"]
    assert first["key"].startswith("whsk_")
    assert mail.json()["address"] == MAILBOX["address"]


async def test_a_dry_run_stores_nothing_and_shows_no_secret(lotte: Subscriber) -> None:
    """Nothing that it showed could ever be used."""
    answer = await lotte.send("POST", f"{PATH}?dryRun=true", {**ENDPOINT, "header": HEADER})
    assert answer.status_code == 200
    assert answer.json()["dryRun"] is True
    assert answer.json()["events"] == ["SubscriptionCounted", "SubscriptionCreated"]
    assert (answer.json()["secret"], answer.json()["publicKey"], answer.json()["keys"]) == (None, None, [])
    assert (await lotte.read(PATH))["items"] == []
    path = await lotte.created()
    before = await lotte.read(path)
    dry = await lotte.send("POST", f"{path}/rotate-secret?dryRun=true", {}, If_Match=await lotte.etag(path))
    assert dry.json()["secret"] is None
    gone = await lotte.send("DELETE", f"{path}?dryRun=true", If_Match=await lotte.etag(path))
    assert (gone.status_code, gone.json()["events"]) == (200, ["SubscriptionUncounted", "SubscriptionDeleted"])
    assert await lotte.read(path) == before


async def test_what_an_e_mail_needs_is_kept_and_shown_to_who_manages_it(lotte: Subscriber) -> None:
    """Address, person, digest, language and where its day begins; it has no secret and nothing to sign with."""
    body = {**MAILBOX, "digest": "DAILY", "language": "nl", "timeZone": "Europe/Paris"}
    answer = await lotte.create(body)
    made = answer.json()
    assert {name: made[name] for name in body} == body
    assert (made["state"], made["secret"], made["publicKey"], made["keys"]) == ("PENDING", None, None, [])
    assert made["readsAs"] == PERSON["role"]


async def test_what_get_answers_may_be_put_back(lotte: Subscriber) -> None:
    """Nothing changes, the value of the header least of all, though it is shown to nobody."""
    for body in ({**ENDPOINT, "header": HEADER}, MAILBOX):
        path = await lotte.created(body)
        before, shown = await lotte.state(path), await lotte.read(path)
        answer = await lotte.send("PUT", path, shown, If_Match=await lotte.etag(path))
        assert (answer.status_code, answer.json()) == (200, shown)
        assert await lotte.state(path) == before


async def test_the_value_of_a_header_goes_to_no_other_url(lotte: Subscriber) -> None:
    """Nobody reads it at an endpoint of their own: one who names another URL gives the value again."""
    path = await lotte.created({**ENDPOINT, "header": HEADER})
    before, etag = await lotte.state(path), await lotte.etag(path)
    elsewhere = {**ENDPOINT, "url": "https://elsewhere.example.org/hooks"}
    nameless = {**elsewhere, "header": {"name": HEADER["name"]}}
    assert_problem(await lotte.send("PUT", path, nameless, If_Match=etag), 422, "REQUIRED", at="/header/value")
    assert await lotte.state(path) == before
    given_again = await lotte.send("PUT", path, {**elsewhere, "header": HEADER}, If_Match=etag)
    assert (given_again.status_code, given_again.json()["url"]) == (200, elsewhere["url"])


async def test_a_change_names_the_version_that_it_is_of(lotte: Subscriber) -> None:
    """428 without one, 412 with one that has passed."""
    path = await lotte.created()
    etag = await lotte.etag(path)
    assert_problem(await lotte.send("PUT", path, ENDPOINT), 428, "IF_MATCH_REQUIRED")
    full = await lotte.send("PUT", path, {**ENDPOINT, "payload": "FULL"}, If_Match=etag)
    assert (full.status_code, full.json()["payload"]) == (200, "FULL")
    assert_problem(await lotte.send("PUT", path, ENDPOINT, If_Match=etag), 412, "STALE_VERSION")


async def test_another_url_is_pending_again_and_another_payload_is_not(lotte: Subscriber) -> None:
    """The endpoint of the new one has to prove itself."""
    path = await lotte.proven()
    full = await lotte.send("PUT", path, {**ENDPOINT, "payload": "FULL"}, If_Match=await lotte.etag(path))
    assert full.json()["state"] == "ACTIVE"
    other = {**ENDPOINT, "url": "https://hooks.example.org/other"}
    moved = await lotte.send("PUT", path, other, If_Match=await lotte.etag(path))
    assert (moved.json()["state"], moved.json()["url"]) == ("PENDING", other["url"])
    fixed = await lotte.send("PUT", path, MAILBOX, If_Match=await lotte.etag(path))
    assert_problem(fixed, 422, "CHANNEL_FIXED", at="/channel")


async def test_another_address_is_pending_again_and_the_same_one_is_not(lotte: Subscriber) -> None:
    """The address is compared with the vault's."""
    path = await lotte.proven(MAILBOX)
    same = await lotte.send("PUT", path, {**MAILBOX, "digest": "DAILY"}, If_Match=await lotte.etag(path))
    assert same.json()["state"] == "ACTIVE"
    other = {**MAILBOX, "address": "lotte@brugwerk.example.org"}
    moved = await lotte.send("PUT", path, other, If_Match=await lotte.etag(path))
    assert (moved.json()["state"], moved.json()["address"]) == ("PENDING", other["address"])


async def test_a_coordinator_names_themselves_and_a_lead_anybody(system: Running, lotte: Subscriber) -> None:
    """403 that names the field and whom they may name; nothing is made, and the same body of a lead is taken."""
    colleague = {**MAILBOX, "person": {"sub": "an.peeters", "role": "NGO_COORDINATOR"}}
    problem = assert_problem(await lotte.create(colleague), 403, "NOT_YOUR_MAILBOX", at="/person", says="somebody")
    assert problem["whoCanUnblock"] == "NGO_LEAD of the organisation, by making the change"
    assert (await lotte.read(PATH))["items"] == []
    path = await Subscriber(system, role="NGO_LEAD").created(colleague)
    moved = {**colleague, "address": "lotte@brugwerk.example.org"}
    taken = await lotte.send("PUT", path, moved, If_Match=await lotte.etag(path))
    assert_problem(taken, 403, "NOT_YOUR_MAILBOX", at="/person")
    assert (await lotte.read(path))["address"] == MAILBOX["address"]
    ended = await lotte.send("DELETE", path, If_Match=await lotte.etag(path))
    assert "NGO_LEAD" in assert_problem(ended, 403, "NOT_YOUR_MAILBOX")["whoCanUnblock"]
    taken = await lotte.send("PUT", path, MAILBOX, If_Match=await lotte.etag(path))
    assert_problem(taken, 403, "NOT_YOUR_MAILBOX", at="/person")


FAULTY: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "no URL": ({"channel": "WEBHOOK"}, "REQUIRED", "/url"),
    "a password": ({**ENDPOINT, "url": "https://a:b@hooks.example.org/"}, "URL_NOT_ALLOWED", "/url"),
    "a fragment": ({**ENDPOINT, "url": "https://hooks.example.org/#a"}, "URL_NOT_ALLOWED", "/url"),
    "a port": ({**ENDPOINT, "url": "https://hooks.example.org:22/"}, "URL_NOT_ALLOWED", "/url"),
    "the inside": ({**ENDPOINT, "url": "https://10.1.2.3/"}, "URL_NOT_ALLOWED", "/url"),
    "an unknown type": ({**ENDPOINT, "types": ["org.caserelay.no.such.v1"]}, "UNKNOWN_TYPE", "/types/0"),
    "no type": ({**ENDPOINT, "types": []}, "INVALID_VALUE", "/types"),
    "an address": ({**ENDPOINT, "address": MAILBOX["address"]}, "NOT_EXPECTED", "/address"),
    "hours": ({**ENDPOINT, "hours": "ANY"}, "NOT_EXPECTED", "/hours"),
    "a person": ({**ENDPOINT, "person": PERSON}, "NOT_EXPECTED", "/person"),
    "a digest": ({**ENDPOINT, "digest": "DAILY"}, "NOT_EXPECTED", "/digest"),
    "a header of ours": ({**ENDPOINT, "header": {**HEADER, "name": "webhook-id"}}, "HEADER_NOT_ALLOWED", "/header"),
    "a header without value": ({**ENDPOINT, "header": {"name": "X-Api-Key"}}, "REQUIRED", "/header/value"),
    "a national number": (
        {**ENDPOINT, "header": {"name": "85073003328", "value": "x"}},
        "NATIONAL_NUMBER",
        "/header/name",
    ),
    "no address": ({"channel": "EMAIL", "person": PERSON}, "REQUIRED", "/address"),
    "no person": ({"channel": "EMAIL", "address": MAILBOX["address"]}, "REQUIRED", "/person"),
    "no such address": ({**MAILBOX, "address": "lotte at home"}, "INVALID_VALUE", "/address"),
    "all data": ({**MAILBOX, "payload": "FULL"}, "NOT_EXPECTED", "/payload"),
    "a URL": ({**MAILBOX, "url": ENDPOINT["url"]}, "NOT_EXPECTED", "/url"),
    "an officer": (
        {**MAILBOX, "person": {**PERSON, "role": "AGENCY_TEAM_LEAD"}},
        "ROLE_READS_NOTHING",
        "/person/role",
    ),
    "a mentor": ({**MAILBOX, "person": {**PERSON, "role": "VOLUNTEER_MENTOR"}}, "ROLE_READS_NOTHING", "/person/role"),
    "a language": ({**MAILBOX, "language": "es"}, "INVALID_VALUE", "/language"),
    "a channel": ({**ENDPOINT, "channel": "FAX"}, "INVALID_VALUE", "/channel"),
}
"""Bodies with one thing wrong in them: the code of the problem, and where."""


@pytest.mark.parametrize(("body", "code", "pointer"), FAULTY.values(), ids=FAULTY)
async def test_what_is_wrong_is_named_and_changes_nothing(
    lotte: Subscriber, body: dict[str, Any], code: str, pointer: str
) -> None:
    """For a new subscription, and for another choice of one that is there."""
    assert_problem(await lotte.create(body), 422, code, at=pointer)
    assert (await lotte.read(PATH))["items"] == []
    channel = MAILBOX if body["channel"] == "EMAIL" else ENDPOINT
    path = await lotte.created(channel)
    before = await lotte.read(path)
    assert_problem(await lotte.send("PUT", path, body, If_Match=await lotte.etag(path)), 422, code, at=pointer)
    assert await lotte.read(path) == before


async def test_where_no_mail_server_is_set_there_is_no_e_mail(tmp_path: Path) -> None:
    """The reason names the setting, and a webhook is made all the same."""
    async with running(tmp_path, stores=MemoryStores()) as system:
        lotte = Subscriber(system)
        problem = assert_problem(await lotte.create(MAILBOX), 422, "EMAIL_NOT_SET_UP", at="/channel")
        assert "CASERELAY_SMTP_URL" in problem["detail"]
        assert (await lotte.create()).status_code == 201


async def test_http_is_for_the_networks_that_are_allowed(lotte: Subscriber, tmp_path: Path) -> None:
    """Loopback here, and nowhere without the setting."""
    loopback = {**ENDPOINT, "url": "http://127.0.0.1:9000/hook"}
    assert (await lotte.create(loopback)).status_code == 201
    async with running(tmp_path / "strict", stores=MemoryStores()) as strict:
        for url in (loopback["url"], "http://hooks.example.org/x"):
            answer = await Subscriber(strict).create({**ENDPOINT, "url": url})
            assert_problem(answer, 422, "URL_NOT_ALLOWED", at="/url")


async def test_what_became_of_the_challenge_is_told_in_words(lotte: Subscriber) -> None:
    """With the status of the endpoint's answer, and until when it may be tried again: for ever."""
    path = await lotte.created()
    assert (await lotte.read(path))["lastChallenge"] is None
    await lotte.happens(path, challenged(ChallengeOutcome.STATUS, status=503))
    last = (await lotte.read(path))["lastChallenge"]
    assert (last["outcome"], last["status"]) == ("STATUS", 503)
    assert "another status than 200" in last["detail"]
    assert (await lotte.act(path, "verify")).json()["state"] == "PENDING"
    await lotte.happens(path, challenged(ChallengeOutcome.PROVEN, 2))
    shown = await lotte.read(path)
    assert (shown["state"], shown["lastChallenge"]["outcome"]) == ("ACTIVE", "PROVEN")


async def test_an_answer_offers_what_is_possible_now(lotte: Subscriber) -> None:
    """By the last segment of its route, and says what is not, with its reason."""
    path = await lotte.created()
    offered = {action["action"] for action in (await lotte.read(path))["allowedActions"]}
    assert offered == {"verify", "rotate-secret"}
    path = await lotte.proven()
    shown = await lotte.read(path)
    assert {action["action"] for action in shown["allowedActions"]} == ROUTES - {"resume"}
    assert [blocked["code"] for blocked in shown["blockedActions"]] == ["STATE_DOES_NOT_ALLOW"]
    for action in shown["allowedActions"]:
        assert action["href"] == f"{path}/{action['action']}"
    paused = (await lotte.act(path, "pause")).json()
    assert paused["state"] == "PAUSED"
    assert (await lotte.act(path, "resume")).json()["state"] == "ACTIVE"


async def forgotten(lotte: Subscriber, path: str) -> None:
    """Returns once the vault has forgotten what it held of a subscription."""
    refs = [keys.secret_ref for keys in (await lotte.state(path)).keys]
    for _ in range(500):
        if not [ref for ref in refs if await lotte.vault.read(ref) is not None]:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the vault still has it")


async def test_what_is_deleted_is_nowhere_any_more(lotte: Subscriber) -> None:
    """204; then 404, no row in lists, nothing in the vault; the same request again gets the same answer."""
    path = await lotte.created({**ENDPOINT, "header": HEADER})
    etag = await lotte.etag(path)
    answer = await lotte.delete(path, Idempotency_Key='"the-end"')
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Position" in answer.headers
    assert_problem(await lotte.send("GET", path), 404, "NOT_FOUND")
    assert (await lotte.read(PATH))["items"] == []
    again = await lotte.send("DELETE", path, If_Match=etag, Idempotency_Key='"the-end"')
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (204, "true")
    assert_problem(await lotte.send("DELETE", path, If_Match=etag), 404, "NOT_FOUND")
    await forgotten(lotte, path)


async def test_who_leads_after_a_crash_forgets_what_was_deleted(lotte: Subscriber) -> None:
    """Although the one before ended between the end of the subscription and the vault."""
    path = await lotte.created()
    await lotte.delete(path)
    await forgotten(lotte, path)
    await lotte.vault.keep("left-behind", stream_of(path), {"secret": "whsec_left"})
    service = lotte.system.service
    successor = Forgetting(lotte.vault, service.index)
    await successor.round()
    assert await lotte.vault.read("left-behind") is None
