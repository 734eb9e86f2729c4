"""A receipt proves to somebody who asks nobody what events say; whatever is changed in it is found."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from services.chassis.audit.beginning import new_key
from services.chassis.audit.offline.files import verify_file
from services.chassis.audit.offline.findings import Findings, What
from services.chassis.audit.offline.receipts import verify
from services.chassis.audit.receipt_form import signed_text, statement_of
from services.chassis.audit.receipts import Receipts, Statement
from services.chassis.audit.refusals import Contradicted
from services.chassis.log.metadata import Recorded
from services.chassis.transparency.keys import SignatureType, SignerKey
from services.chassis.transparency.notes import Note
from services.chassis.transparency.trust_policy import TrustPolicy
from tests.chassis.audit.auditing import ORIGIN, Auditing
from tests.chassis.audit.tampering import tamper
from tests.chassis.conftest import needs_processes

Json = dict[str, Any]
WHERE: Final = {
    "from": "/0/meta/actor/org",
    "to": "/1/meta/actor/sub",
    "at": "/0/meta/occurred_at",
    "steps": "/1/data/by",
}


async def recorded(auditing: Auditing) -> list[Recorded]:
    """Two events of a stream, signed, with others around them."""
    await auditing.count("counter-a", 1, 2)
    await auditing.count("counter-b", 5, 7)
    await auditing.count("counter-a", 3)
    await auditing.builder().grow()
    return await auditing.log.read("counter-b")


async def issued(auditing: Auditing, events: list[Recorded]) -> Json:
    """The receipt for them, which is there."""
    receipts = Receipts(auditing.log, auditing.store, auditing.reader)
    standing = await receipts.standing()
    assert standing is not None
    receipt = await receipts.issue(standing, Statement(events, WHERE, {"text": "b went up."}))
    assert receipt is not None
    return receipt


def verified(document: Any, policy: TrustPolicy | None = None) -> Findings:
    """What comes of a document as a file."""
    return verify(io.BytesIO(json.dumps(document, ensure_ascii=False).encode()), policy)


def trusting(*keys: str, more: str = "quorum none\n") -> TrustPolicy:
    """Somebody who trusts these keys of logs."""
    return TrustPolicy.read(("".join(f"log {key}\n" for key in keys) + more).encode())


async def test_a_receipt_holds_and_says_what_its_events_say(auditing: Auditing, tmp_path: Path) -> None:
    """Without a policy the key is the receipt's own; a list of them is verified as a whole."""
    receipt = await issued(auditing, await recorded(auditing))
    assert (receipt["from"], receipt["to"], receipt["steps"]) == ("north", "ann", 7)
    assert (receipt["at"], receipt["event"], receipt["text"]) == ("2026-03-02T09:30:00Z", "counter-b-1", "b went up.")
    assert (receipt["log"], receipt["origin"]) == ("counters", f"{ORIGIN}/counters")
    found = verified(receipt)
    assert (found.mismatches, found.checked) == ([], {"counters": 2})
    assert (found.subject, found.keys_from_file) == ("counter-b", True)
    found = verified({"items": [receipt, receipt], "next": None})
    assert (found.mismatches, found.checked) == ([], {"counters": 4})
    (tmp_path / "receipt.json").write_text(json.dumps(receipt), encoding="utf-8")
    assert verify_file(tmp_path / "receipt.json", None).ok


async def test_a_policy_takes_the_keys_that_it_names_and_no_other(auditing: Auditing) -> None:
    """Nor one of the same name; and where it asks for witnesses, they have to have cosigned."""
    receipt = await issued(auditing, await recorded(auditing))
    (own,) = await auditing.reader.keys()
    found = verified(receipt, trusting(own))
    assert (found.mismatches, found.keys_from_file) == ([], False)
    foreign = SignerKey.read(new_key(f"{ORIGIN}/counters")).verifier.text
    elsewhere = SignerKey.read(new_key("audit.example/elsewhere")).verifier.text
    for key in (foreign, elsewhere):
        assert {found.what for found in verified(receipt, trusting(key)).mismatches} == {What.DISTRUSTED}
    witness = SignerKey("witness.example/a", bytes(32), SignatureType.COSIGNATURE_V1).verifier.text
    asking = f"witness a {witness}\nquorum a\n"
    found = verified(receipt, trusting(own, more=asking))
    assert [(each.what, each.position) for each in found.mismatches] == [(What.DISTRUSTED, 3), (What.DISTRUSTED, 4)]


async def test_a_receipt_that_somebody_else_has_signed_is_found_by_a_policy(auditing: Auditing) -> None:
    """Who has no key of the log can have a receipt agree with itself, and with nothing that others trust."""
    receipt = await issued(auditing, await recorded(auditing))
    (own,) = await auditing.reader.keys()
    other = SignerKey.read(new_key(receipt["origin"]))
    forged = {**receipt, "text": "b went down.", "keys": [other.verifier.text]}
    forged["note"] = Note(signed_text(statement_of(forged)), ()).signed_by(other).content.decode()
    assert {found.what for found in verified(forged, trusting(own)).mismatches} == {What.DISTRUSTED}
    # Without one, the checkpoints of its proofs still are of another key.
    assert {found.what for found in verified(forged).mismatches} == {What.NOT_SIGNED}


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value of a document stands that has no others in it."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, (*at, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*at, number))
    else:
        yield at


def changed(document: Json, at: tuple[Any, ...], change: Any) -> Json:
    """A copy in which one value is another."""
    copy: Json = json.loads(json.dumps(document))
    holder: Any = copy
    for step in at[:-1]:
        holder = holder[step]
    holder[at[-1]] = change(holder[at[-1]])
    return copy


def letters_apart(text: str) -> Iterator[str]:
    """The text with one letter changed, here and there."""
    for place in {*range(0, len(text), max(1, len(text) // 40)), len(text) - 1}:
        yield f"{text[:place]}{'a' if text[place] != 'a' else 'b'}{text[place + 1 :]}"


async def test_whatever_is_changed_in_a_receipt_is_found(auditing: Auditing) -> None:
    """Every value of it, also in the middle of a long one."""
    receipt = await issued(auditing, await recorded(auditing))
    looked = 0
    for at in places(receipt):
        value: Any = receipt
        for step in at:
            value = value[step]
        others: Any = letters_apart(value) if isinstance(value, str) else iter([value + 1])
        for other in others:
            assert not verified(changed(receipt, at, lambda _, other=other: other)).ok, (at, other)
            looked += 1
    assert looked > 300


async def test_whatever_is_taken_away_added_or_exchanged_is_found(auditing: Auditing) -> None:
    """Members, events, and their order; the empty list too."""
    receipt = await issued(auditing, await recorded(auditing))
    tampered: list[Any] = [{name: value for name, value in receipt.items() if name != left} for left in receipt]
    tampered += [{**receipt, "more": 1}, {**receipt, "events": receipt["events"][:1]}, {**receipt, "events": []}]
    tampered += [{**receipt, "events": receipt["events"][::-1]}, {**receipt, "steps": None}, {**receipt, "steps": 7.0}]
    tampered += [{**receipt, "steps": 10**30}, {**receipt, "text": "\ud800"}, {"items": []}, {"items": [1]}, {}]
    first, *others = receipt["events"]
    tampered += [{**receipt, "events": [{**first, "more": 1}, *others]}]
    # One that says something else, around one that holds.
    tampered += [{**receipt, "text": "b went down.", "items": [receipt]}, {"text": "b went down.", "items": [receipt]}]
    for each in tampered:
        found = verify(io.BytesIO(json.dumps(each).encode()), None)
        assert not found.ok, each


async def test_a_member_that_stands_there_twice_is_refused(auditing: Auditing) -> None:
    """One program would read the first, and another the last."""
    receipt = json.dumps(await issued(auditing, await recorded(auditing)))
    twice = receipt.replace('"text":', '"text": "b went down.", "text":', 1)
    (found,) = verify(io.BytesIO(twice.encode()), None).mismatches
    assert found.what == What.MALFORMED
    for odd in (b"", b"{", b'{"items": NaN}', b"\xff", b"[" * 100_000, b'{"a":' * 100_000):
        assert [each.what for each in verify(io.BytesIO(odd), None).mismatches] == [What.MALFORMED]


async def test_what_the_signature_alone_vouches_for_is_held_against_the_events(auditing: Auditing) -> None:
    """A log that signs what its own events do not say is found out, also where it does not say where they say it."""
    receipt = await issued(auditing, await recorded(auditing))
    signer = SignerKey.read((await auditing.store.keys())[0])
    for change in ({"to": "bob"}, {"where": {name: at for name, at in receipt["where"].items() if name != "to"}}):
        other = {**receipt, **change}
        other["note"] = Note(signed_text(statement_of(other)), ()).signed_by(signer).content.decode()
        assert [found.what for found in verified(other).mismatches] == [
            What.CHANGED if "to" in change else What.MALFORMED
        ]


async def test_a_receipt_of_before_a_rotation_still_holds(auditing: Auditing) -> None:
    """Also for somebody who trusts the keys of both times; one that is issued later is signed with the new key."""
    events = await recorded(auditing)
    before = await issued(auditing, events)
    await auditing.store.add_key(new_key(f"{ORIGIN}/counters"))
    await auditing.count("counter-c", 1)
    await auditing.builder().grow()
    new, old = await auditing.reader.keys()
    assert verified(before).ok
    assert verified(before, trusting(new, old)).ok
    assert not verified(before, trusting(new)).ok
    after = await issued(auditing, events)
    assert after["keys"] == [new, old]
    assert verified(after, trusting(new)).ok
    assert not verified(after, trusting(old)).ok


async def test_there_is_no_receipt_before_the_log_has_signed(auditing: Auditing) -> None:
    """Nothing is promised of what is not in the tree yet."""
    receipts = Receipts(auditing.log, auditing.store, auditing.reader)
    await auditing.count("counter-a", 1)
    assert await receipts.standing() is None
    await auditing.builder().grow()
    await auditing.count("counter-b", 5, 7)
    events = await auditing.log.read("counter-b")
    assert await receipts.issue(await auditing.standing(), Statement(events, WHERE, {})) is None


@needs_processes
async def test_nothing_is_signed_of_what_is_not_what_was_signed(auditing: Auditing, tmp_path: Path) -> None:
    """An event that was changed since gets no receipt."""
    events = await recorded(auditing)
    tampered = events[1].state.replace(b'"by":7', b'"by":8')
    tamper(tmp_path, [("UPDATE {events} SET state = ? WHERE {position} = 4", (tampered,))])
    (row,) = await auditing.log.stored(4, 1)
    assert row[4] == tampered
    with pytest.raises(Contradicted):
        await issued(auditing, [events[0], replace(events[1], state=row[4])])
