"""The codes of changes that one side of a case proposes and the other decides on."""

from __future__ import annotations

from enum import StrEnum


class ChangeKind(StrEnum):
    """What an organisation proposes to the agency once it has accepted a referral."""

    END = "END"
    EXTEND = "EXTEND"
    COORDINATOR = "COORDINATOR"
    NOT_RELEVANT = "NOT_RELEVANT"


class ProposalState(StrEnum):
    """What became of a proposal. EXPIRED: nobody decided in time, or the case went on without it."""

    OPEN = "OPEN"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"
