"""Verifies receipts: the signature over all that they say, and that the log has the events that say so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import IO, Any, Final

from msgspec import Struct, ValidationError, convert

from services.chassis.audit.entries import commitment, read_entry
from services.chassis.audit.offline.findings import Findings, What
from services.chassis.audit.receipt_form import (
    KIND,
    NOTE,
    Json,
    NoReceipt,
    read_json,
    signed_text,
    statement_of,
    value_at,
)
from services.chassis.transparency.base64_text import decoded
from services.chassis.transparency.keys import VerifierKey
from services.chassis.transparency.merkle import leaf_hash
from services.chassis.transparency.notes import Note
from services.chassis.transparency.tlog_proofs import TlogProof
from services.chassis.transparency.trust_policy import Distrusted, TrustPolicy

LARGEST_FILE: Final = 10_000_000
"""Bytes: hundreds of receipts."""
PROVEN: Final = frozenset({"event", "from", "to", "at"})
"""What a receipt says that has to stand in the stored bytes of its events, and not only above its signature."""
_LOG: Final = re.compile(r"[a-z]{1,40}")
_MEMBER: Final = re.compile(r"[A-Za-z0-9]{1,40}")
_PAGE: Final = frozenset({"items", "next"})
"""The members of a list of receipts, as it is answered."""
_EXTRA: Final = frozenset({"receipt", "where", "log", "origin", "keys", "stream", "events", NOTE})


class _Event(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    event: str
    entry: str
    proof_sha256: str
    salt: str
    stored: str
    proof: str


class _Receipt(Struct, frozen=True):
    """The members that every receipt has; `where` are places in the stored bytes of its events."""

    receipt: str
    where: dict[str, str]
    log: str
    origin: str
    keys: list[str]
    stream: str
    events: list[_Event]
    note: str


def verify(file: IO[bytes], policy: TrustPolicy | None) -> Findings:
    """See `services.chassis.audit.offline.files.Verify`. A list of receipts, as it is answered, is verified whole."""
    findings = Findings()
    try:
        if len(content := file.read(LARGEST_FILE + 1)) > LARGEST_FILE:
            raise NoReceipt(f"a file of receipts has at most {LARGEST_FILE:,} bytes")
        document = read_json(content)
        if not isinstance(document, dict):
            raise NoReceipt("a receipt is an object of JSON")
        # Nothing beside them, which somebody would take for one that was verified.
        is_page = document.keys() <= _PAGE and isinstance(document.get("items"), list)
        listed = document["items"] if is_page else [document]
        if not listed:
            raise NoReceipt("there is no receipt in it")
        for each in listed:
            _verify(each, policy, findings)
    except NoReceipt as failure:
        findings.found(What.MALFORMED, str(failure))
    except RecursionError:
        findings.found(What.MALFORMED, "it is nested more deeply than receipts are")
    return findings


def _verify(document: Any, policy: TrustPolicy | None, findings: Findings) -> None:
    try:
        receipt = convert(document, _Receipt)
    except ValidationError:
        raise NoReceipt("it is written otherwise than receipts are") from None
    if receipt.receipt != KIND:
        raise NoReceipt(f"the receipt is of another kind than {KIND}")
    findings.subject = findings.subject or receipt.stream
    _Checked(receipt, document, policy, findings).check()


class _Checked:
    """One receipt."""

    def __init__(self, receipt: _Receipt, document: Json, policy: TrustPolicy | None, findings: Findings) -> None:
        self._receipt = receipt
        self._document = document
        self._policy = policy
        self._findings = findings
        self._log = receipt.log if _LOG.fullmatch(receipt.log) else ""

    def check(self) -> None:
        """Notes what does not hold: first what is signed, then what the log has."""
        from_file = self._policy is None or not self._policy.logs
        self._findings.keys_from_file = from_file
        try:
            keys = self._keys(from_file=from_file)
        except Distrusted as failure:
            self._found(What.DISTRUSTED, str(failure))
            return
        except ValueError as failure:
            self._found(What.MALFORMED, f"keys: {failure}")
            return
        unsigned = What.NOT_SIGNED if from_file else What.DISTRUSTED
        try:
            note = Note.read(self._receipt.note.encode())
            note.verified(keys)
        except ValueError:
            self._found(unsigned, "no trusted key of the log has signed what the receipt says")
            return
        if self._is_what_was_signed(note):
            stored = [self._event(event, keys, unsigned) for event in self._receipt.events]
            self._holds(stored)

    def _keys(self, *, from_file: bool) -> list[VerifierKey]:
        own = [VerifierKey.read(key) for key in self._receipt.keys]
        known = own if self._policy is None or from_file else [each.key for each in self._policy.logs]
        if not (keys := [key for key in known if key.name == self._receipt.origin]):
            raise Distrusted("no trusted key is of the log that the receipt names")
        return keys

    def _is_what_was_signed(self, note: Note) -> bool:
        """Whether the receipt says what its note says, member by member."""
        statement = statement_of(self._document)
        try:
            if note.text == signed_text(statement):
                return True
        except (ValueError, OverflowError):
            # A number or a text that no receipt has.
            self._found(What.MALFORMED, "it is written otherwise than receipts are")
            return False
        kind, _, line = note.text.partition("\n")
        signed = read_json(line.encode()) if kind == KIND else None
        if not isinstance(signed, dict):
            self._found(What.MALFORMED, "the log has signed no receipt in it")
            return False
        names = {*statement, *signed}
        other = sorted(name for name in names if statement.get(name, note) != signed.get(name, note))
        for name in other:
            shown = name if _MEMBER.fullmatch(name) else "a member"
            self._found(What.CHANGED, f"{shown} is another than was signed for")
        if not other:
            self._found(What.MALFORMED, "what was signed is spelt otherwise than receipts are")
        return False

    def _event(self, event: _Event, keys: Sequence[VerifierKey], unsigned: What) -> Any:
        """What an event's stored bytes say, if the log has it; None where something is wrong with it."""
        self._findings.checked[self._log] = self._findings.checked.get(self._log, 0) + 1
        position = 0
        try:
            entry, state, proof = event.entry.encode(), decoded(event.stored), event.proof.encode()
            logged = read_entry(entry)
            position, salt = logged.position, decoded(event.salt)
            if sha256(state).hexdigest() != logged.sha256:
                self._found(What.CHANGED, "the stored bytes are others than those of the entry", position)
            elif commitment(salt, self._receipt.stream) != logged.stream:
                self._found(What.MOVED, "the event is of another stream than the receipt names", position)
            elif sha256(proof).hexdigest() != event.proof_sha256:
                self._found(What.CHANGED, "the proof is another than was signed for", position)
            else:
                return self._included(entry, state, TlogProof.read(proof), keys, unsigned, position)
        except ValueError as failure:
            self._found(What.MALFORMED if not position else What.NOT_INCLUDED, f"an event: {failure}", position)
        return None

    def _included(
        self,
        entry: bytes,
        state: bytes,
        proof: TlogProof,
        keys: Sequence[VerifierKey],
        unsigned: What,
        position: int,
    ) -> Any:
        checkpoint = proof.check(leaf_hash(entry))
        if checkpoint.origin != self._receipt.origin:
            self._found(What.NOT_SIGNED, "the proof is of another log", position)
            return None
        try:
            proof.checkpoint.verified(keys)
            if self._policy is not None:
                self._policy.cosigned(proof.checkpoint)
        except Distrusted as failure:
            self._found(What.DISTRUSTED, f"the checkpoint of the proof: {failure}", position)
            return None
        except ValueError:
            self._found(unsigned, "no trusted key of the log has signed the checkpoint of the proof", position)
            return None
        return read_json(state)

    def _holds(self, stored: Sequence[Any]) -> None:
        """What the receipt says against what its events say."""
        if any(each is None for each in stored):
            return
        where = self._receipt.where
        for name in sorted(PROVEN - where.keys()):
            self._found(What.MALFORMED, f"the receipt does not say where {name} stands in its events")
        for name, place in where.items():
            if name in _EXTRA or self._document.get(name) != value_at(stored, place):
                shown = name if _MEMBER.fullmatch(name) else "a member"
                self._found(What.CHANGED, f"{shown} is not what the events say")
        for event, content in zip(self._receipt.events, stored, strict=True):
            if value_at([content], "/0/meta/event_id") != event.event:
                self._found(What.CHANGED, "an event has another id than the receipt gives it")

    def _found(self, what: What, detail: str, position: int = 0) -> None:
        self._findings.found(what, detail, self._log, position)
