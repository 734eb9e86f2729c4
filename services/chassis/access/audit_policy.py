"""Who reads the transparency log of a service: the same table in all of them."""

from __future__ import annotations

from typing import Final

from contracts.barred_roles import BARRED
from contracts.staff import LEADS, OVERSEERS, STAFF
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Policy, Rule

READ_SIGNED: Final = "read-signed"
"""Checkpoints, keys, and hashes, from which nothing follows about any event."""
READ_ENTRIES: Final = "read-entries"
READ_PROOF: Final = "read-proof"
ANY_ORGANISATION: Final = "ANY_ORGANISATION"
READER_OF_EVENT: Final = "READER_OF_EVENT"

AUDIT_POLICY: Final = Policy(
    [
        Rule(READ_SIGNED, OVERSEERS | LEADS, ANY_ORGANISATION),
        Rule(READ_ENTRIES, OVERSEERS, ANY_ORGANISATION),
        Rule(READ_PROOF, OVERSEERS, ANY_ORGANISATION),
        Rule(READ_PROOF, STAFF, READER_OF_EVENT),
    ],
    bars=BARRED,
    unconcealed=(ANY_ORGANISATION,),
    words={ANY_ORGANISATION: "of any organisation", READER_OF_EVENT: "of an organisation that reads the event"},
    acts={
        READ_SIGNED: "reading checkpoints and hashes",
        READ_ENTRIES: "reading the entries of a transparency log",
        READ_PROOF: "reading the proof of an event",
    },
)


def reads_all(caller: Caller) -> bool:
    """Whether the caller reads the proof of any event."""
    return AUDIT_POLICY.permits(caller, READ_PROOF, (ANY_ORGANISATION,))
