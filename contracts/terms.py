"""Every term that a programme may set, and who is told when one passes, where the programme says nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from contracts.codes import TermUnit

SAME_REFUSAL: Final = timedelta(hours=1)
"""For so long the same refusal to the same person is one, with a count."""


class LadderLevel(StrEnum):
    """How far a term has come: reminded, missed, missed for a while, and for longer."""

    L0 = "L0"
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"


class Notified(StrEnum):
    """People who hear of a term at a level: its owner, a person of each side, their leads, the programme's board."""

    OWNER = "OWNER"
    CASE_CONTACTS = "CASE_CONTACTS"
    LEADS = "LEADS"
    BOARD = "BOARD"


class DefaultTerm(NamedTuple):
    """A length of time: `n` calendar days or working days."""

    n: int
    unit: str


def _days(n: int) -> DefaultTerm:
    return DefaultTerm(n, TermUnit.DAYS.value)


def _working_days(n: int) -> DefaultTerm:
    return DefaultTerm(n, TermUnit.WORKING_DAYS.value)


DEFAULT_TERMS: Final[Mapping[str, DefaultTerm]] = MappingProxyType(
    {
        "RECEIPT": _working_days(2),
        "DECISION": _working_days(10),
        "EXPIRY": _days(30),
        "INFORMATION": _working_days(5),
        "WAITLIST_REVIEW": _days(30),
        "WAITLIST_EXPIRY": _days(90),
        "WAITLIST_ALERT": _days(30),
        "DRAFT_LAPSE": _days(30),
        "NEXT_SERVICE": _working_days(5),
        "FIRST_CONTACT": _days(10),
        "INTAKE": _working_days(15),
        "MATCHING": _days(30),
        "MATCH_CONFIRMATION": _working_days(5),
        "CHECK_IN_FIRST": _days(14),
        "CHECK_IN_SECOND": _days(28),
        "SILENCE": _days(21),
        "SILENCE_CHECK_IN": _working_days(3),
        "PROGRESS_REPORT": _days(89),
        "CHARTER_ACKNOWLEDGEMENT": _working_days(10),
        "ESCALATION_CONTACT": _working_days(3),
        "ESCALATION_CONTACT_SAFETY": _working_days(1),
        "ESCALATION_RESOLUTION": _working_days(10),
        "CHANGE_DECISION": _working_days(10),
        "SERVICE_GAP": _working_days(20),
        "LEADS_TOLD": _working_days(5),
        "BOARD_TOLD": _working_days(10),
        "SUSPENSION_REVIEW": _days(30),
        "SUSPENSION_MAX": _days(60),
        "HANDBACK_REPORT": _working_days(5),
        "HANDBACK_ACKNOWLEDGEMENT": _working_days(5),
        "OUTCOME_EXIT": _days(28),
        "NGO_ACCESS": _days(84),
        "MENTOR_ACCESS": _days(84),
        "REOPEN": _days(183),
    }
)
"""By the name of the term. A version of a programme that was published before a term existed has the default of it."""

DEFAULT_LADDER: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"L0": ("OWNER",), "L1": ("OWNER", "CASE_CONTACTS"), "L2": ("LEADS",), "L3": ("BOARD",)}
)
"""Who is told of a term at each level: L0 by the reminder, L1 at the breach, L2 LEADS_TOLD and L3 BOARD_TOLD later."""


def whole_ladder(own: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The ladder of a programme version: its own levels, and of every other one the default."""
    return {**DEFAULT_LADDER, **own}


LEVEL_AFTER: Final[Mapping[str, str]] = MappingProxyType(
    {LadderLevel.L2.value: "LEADS_TOLD", LadderLevel.L3.value: "BOARD_TOLD"}
)
"""The term after which a missed term comes to a level, from the instant at which it was due."""
