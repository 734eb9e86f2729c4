"""The actions about tasks and exceptions, as `acts.py` has the others."""

from __future__ import annotations

from typing import Final

from tests.casefile.act import LATER, Act
from tests.support.people import HANNE, LOTTE

# fmt: off
TASK_ACTS: Final[dict[str, Act]] = {
    "record-task": Act(
        "MENTORING", LOTTE, "TaskRecorded", "MENTORING",
        {"task": "CV_FEEDBACK", "minutes": 45},
        (
            ("/task", {"minutes": 45}),
            ("/task", {"task": "GOSSIP"}),
            ("/minutes", {"task": "CV_FEEDBACK", "minutes": 0}),
            ("/by/role", {"task": "CV_FEEDBACK", "by": {"role": "MENTEE"}}),
            ("/occurredAt", {"task": "CV_FEEDBACK", "occurredAt": LATER}),
            ("/occurredAt", {"task": "CV_FEEDBACK", "occurredAt": "2026-01-01T00:00:00Z"}),
            ("/occurredAt", {"task": "CV_FEEDBACK", "occurredAt": "2020-01-01T00:00:00Z"}),  # before every programme
        ),
        elsewhere="SUSPENDED",
    ),
    "approve-task": Act(
        "MENTORING", LOTTE, "ApprovalGiven", "MENTORING",
        {"task": "ACCOMPANY_TO_AUTHORITY"},
        (("/task", {}), ("/task", {"task": "GOSSIP"}), ("/task", {"task": "cv"})),
        elsewhere="SUSPENDED",
    ),
    "claim-task": Act(
        "MENTORING", LOTTE, "TaskClaimed", "MENTORING",
        {"task": "CV_FEEDBACK"},
        (("/task", {}), ("/task", {"task": "GOSSIP"}), ("/by/role", {"task": "CV_FEEDBACK", "by": {"role": "ALL"}})),
        elsewhere="SUSPENDED",
    ),
    "release-task": Act(
        "TASK_LED", LOTTE, "TaskReleased", "MENTORING",
        {"task": "CV_FEEDBACK"},
        (("/task", {}),),
        elsewhere="SUSPENDED",
    ),
    "acknowledge-charter": Act(
        "CHARTER_CHANGED", LOTTE, "CharterAcknowledged", "MENTORING",
        {"charterVersion": "v2"},
        (
            ("/charterVersion", {"charterVersion": "v1"}),
            ("/by", {"by": "MENTEE"}),
            ("/onBehalfReason", {"by": "MENTOR"}),
            ("/onBehalfReason", {"onBehalfReason": "BY_PHONE"}),
            ("/onBehalfReason", {"by": "MENTOR", "onBehalfReason": "TIRED"}),
            ("/occurredAt", {"occurredAt": LATER}),
        ),
        elsewhere="INTAKE",
        tried=({}, {"by": "MENTOR", "onBehalfReason": "ON_PAPER"}),
    ),
    "request-exception": Act(
        "MATCHING", LOTTE, "RoleExceptionRequested", "MATCHING",
        {"task": "CHILDCARE_SEARCH", "justification": "no place before June"},
        (
            ("/justification", {"task": "CHILDCARE_SEARCH"}),
            ("/task", {"justification": "no place before June"}),
            ("/task", {"task": "GOSSIP", "justification": "no place before June"}),
            ("/rule", {"rule": "ANY", "justification": "no place before June"}),
            ("/rule", {"task": "MONEY", "rule": "MENTOR_KIND", "justification": "no place before June"}),
        ),
        elsewhere="INTAKE",
    ),
    "decide-exception": Act(
        "EXCEPTION_REQUESTED", HANNE, "RoleExceptionGranted", "MENTORING",
        {"exception": "X1", "granted": True, "reason": "this once"},
        (
            ("/exception", {"granted": True, "reason": "this once"}),
            ("/exception", {"exception": "X9", "granted": True, "reason": "this once"}),
            ("/granted", {"exception": "X1", "reason": "this once"}),
            ("/granted", {"exception": "X1", "granted": "yes", "reason": "this once"}),
            ("/reason", {"exception": "X1", "granted": True}),
        ),
        elsewhere="INTAKE",
        tried=tuple({"exception": "X1", "granted": granted, "reason": "this once"} for granted in (True, False)),
    ),
}
# fmt: on
