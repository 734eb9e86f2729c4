"""Receipts that a bundle holds are checked with it: each by itself, and against the events of the bundle."""

from __future__ import annotations

import io
import json
from typing import Final

from services.chassis.audit.beginning import new_key
from services.chassis.audit.offline import receipts
from services.chassis.audit.receipts import Statement
from services.chassis.transparency.keys import SignerKey
from tests.chassis.audit.auditing import ORIGIN, Auditing
from tests.chassis.audit.bundling import (
    OF_A_PARTY,
    STREAM,
    a_bundle,
    bundled,
    found,
    key_of,
    members_of,
    policy_of,
    put_together,
    signed_again,
    verified,
)

RECEIPT: Final = "counters/receipts/0000000000000000001.json"


async def with_receipt(auditing: Auditing) -> bytes:
    """A bundle with the receipt for two events of its stream."""
    await a_bundle(auditing)
    first, second, _ = await auditing.log.read(STREAM)
    where = {"from": "/0/meta/actor/org", "to": "/1/meta/actor/sub", "at": "/0/meta/occurred_at"}
    return await bundled(auditing, {STREAM: None}, receipts=[Statement([first, second], where, {})])


async def test_a_receipt_in_it_holds_by_itself_and_is_checked_with_it(auditing: Auditing) -> None:
    """It is signed by the key of the checkpoint, and the same each time."""
    bundle = await with_receipt(auditing)
    assert verified(bundle).mismatches == []
    assert verified(bundle).checked == {"counters": 3}
    receipt = members_of(bundle)[RECEIPT]
    came = receipts.verify(io.BytesIO(receipt), None)
    assert (came.mismatches, came.checked) == ([], {"counters": 2})
    assert (
        json.loads(receipt)["events"][0]["proof"].encode()
        == members_of(bundle)["counters/events/0000000000000000001.tlog-proof"]
    )
    await auditing.store.add_key(new_key(f"{ORIGIN}/counters"))
    first, second, _ = await auditing.log.read(STREAM)
    where = json.loads(receipt)["where"]
    del where["event"]
    same = bundle == await bundled(auditing, {STREAM: None}, receipts=[Statement([first, second], where, {})])
    assert same, "another one after a key was drawn"


async def test_a_receipt_that_is_not_of_the_bundle_is_found(auditing: Auditing) -> None:
    """Changed, also by who has the key; for another event, in the place of another, and a list of receipts."""
    members, key = members_of(await with_receipt(auditing)), await key_of(auditing)
    receipt = members[RECEIPT]
    assert found(put_together({**members, RECEIPT: receipt + b" "})) == {("counters", 1, "CHANGED")}
    without = {name: content for name, content in members.items() if name != RECEIPT}
    assert found(put_together(without)) == {("counters", 1, "MISSING")}
    changed = receipt.replace(b'"from":"north"', b'"from":"south"')
    assert changed != receipt
    assert found(signed_again({**members, RECEIPT: changed}, key)) == {("counters", 1, "CHANGED")}
    for content in (b"", b"[]", b'{"receipt":1}', b"[" * 100_000):
        assert found(signed_again({**members, RECEIPT: content}, key)) == {("counters", 1, "MALFORMED")}, content
    fifth = "counters/receipts/0000000000000000005.json"
    assert found(signed_again({**members, fifth: receipt}, key)) == {("counters", 5, "MOVED")}
    listed = b'{"items":[' + receipt + b"]}"
    assert found(signed_again({**members, RECEIPT: listed}, key)) == {("counters", 1, "MOVED")}
    # One of an event that the log has, and the bundle has not.
    fewer = members_of(await bundled(auditing, {STREAM: frozenset({1, 3})}, OF_A_PARTY))
    assert found(signed_again({**fewer, RECEIPT: receipt}, key)) == {("counters", 1, "MOVED")}
    policy = policy_of(f"log {SignerKey.read(new_key(f'{ORIGIN}/counters')).verifier.text}")
    assert found(put_together(members), policy) == {("counters", 0, "DISTRUSTED")}
