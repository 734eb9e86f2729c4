"""What the casefile service tells the others. Topic `caserelay.casefile.v1`, source `/services/casefile`.

A module per phase has its messages. Where a message has `deadlines`, they are those that run in the steps it begins or
renews. Codes are those of `contracts.codes` and `contracts.casefile_codes`; free text is never told.
"""

from contracts.casefile import (
    agreement,
    by_link,
    changes,
    charter,
    closing,
    consent_withdrawal,
    correction,
    deadlines,
    escalation,
    exceptions,
    gaps,
    handback,
    intake,
    matching,
    mentoring,
    opening,
    outcomes,
    people,
    suspension,
    tasks,
    trajectory_end,
)

SOURCE = "/services/casefile"
TOPIC = "caserelay.casefile.v1"

__all__ = [
    "SOURCE",
    "TOPIC",
    "agreement",
    "by_link",
    "changes",
    "charter",
    "closing",
    "consent_withdrawal",
    "correction",
    "deadlines",
    "escalation",
    "exceptions",
    "gaps",
    "handback",
    "intake",
    "matching",
    "mentoring",
    "opening",
    "outcomes",
    "people",
    "suspension",
    "tasks",
    "trajectory_end",
]
