"""Every action on a case as somebody sends it: from which state, by whom, with which body, and with which faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.casefile.act import LATER, NAIVE, Act
from tests.casefile.cases import ANSWER, PROPOSAL, REPORT
from tests.casefile.change_stories import COORDINATOR, DECISIONS, EVERY_CHANGE
from tests.casefile.gap_stories import FIRST, GAP, OTHER_GAP, PROMISE, REFUSAL
from tests.casefile.messages import CASE_ID, TOM
from tests.casefile.stories import ANSWERS, OUTCOME, SECOND_MENTOR, UNMET, Body
from tests.casefile.task_acts import TASK_ACTS
from tests.support.actors import AN
from tests.support.people import INES, LOTTE
from tests.support.requests import AGREEMENT, INTAKE

END: Final = {"reason": "MISMATCH", "closureTalk": True}

# fmt: off
ACTS: Final[dict[str, Act]] = {
    **TASK_ACTS,
    "log-contact-attempt": Act(
        "INTAKE", LOTTE, "ContactAttempted", "INTAKE",
        {"channel": "PHONE", "reached": True},
        (
            ("/channel", {"channel": "PIGEON"}),
            ("/reached", {"reached": "yes"}),
            ("/occurredAt", {"occurredAt": LATER}),
            ("/occurredAt", {"occurredAt": NAIVE}),
        ),
    ),
    "report-no-show": Act(
        "INTAKE", LOTTE, "NoShowReported", "INTAKE", faulty=(("/occurredAt", {"occurredAt": "2020-01-01T00:00:00Z"}),)
    ),
    "conclude-intake": Act(
        "INTAKE", LOTTE, "IntakeConcluded", "MATCHING",
        INTAKE,
        (
            ("/suitable", {}),
            ("/goals", {**INTAKE, "goals": []}),
            ("/goals/0", {**INTAKE, "goals": ["FINANCIAL"]}),
            ("/expectations", {**INTAKE, "expectations": []}),
            ("/reason", {"suitable": False}),
            ("/cefr/SPEAKING", {**INTAKE, "cefr": {"SPEAKING": "B3"}}),
        ),
        elsewhere="MATCHING",
        tried=(INTAKE, {"suitable": False, "reason": "NEEDS_OTHER_SUPPORT"}),
    ),
    "propose-match": Act(
        "MATCHING", LOTTE, "MatchProposed", "MATCH_PROPOSED",
        PROPOSAL,
        (
            ("/mentorRef", {"criteria": ["SECTOR"]}),
            ("/mentorRef", {**PROPOSAL, "mentorRef": "M-unknown"}),
            ("/criteria", {**PROPOSAL, "criteria": ["LANGUAGE"]}),
            ("/criteria/0", {**PROPOSAL, "criteria": ["STAR_SIGN"]}),
            ("/kind", {**PROPOSAL, "kind": "PROFESSIONAL"}),
            ("/conflictOfInterest", {**PROPOSAL, "conflictOfInterest": True}),
        ),
        tried=({**PROPOSAL, "mentorRef": SECOND_MENTOR},),
    ),
    "confirm-match": Act(
        "MATCH_PROPOSED", LOTTE, "MatchConfirmed", "MATCH_PROPOSED",
        {"by": "MENTEE", "onBehalfReason": "BY_PHONE"},
        (
            ("/by", {"onBehalfReason": "BY_PHONE"}),
            ("/by", {"by": "COORDINATOR", "onBehalfReason": "BY_PHONE"}),
            ("/onBehalfReason", {"by": "MENTEE"}),
            ("/onBehalfReason", {"by": "MENTEE", "onBehalfReason": "BY_PIGEON"}),
        ),
        tried=({"by": "MENTOR", "onBehalfReason": "ON_PAPER"}, {"by": "MENTEE", "onBehalfReason": "NO_ACCOUNT"}),
    ),
    "reject-match": Act(
        "MATCH_PROPOSED", LOTTE, "MatchRejected", "MATCHING",
        {"by": "MENTEE", "reason": "NO_CLICK", "onBehalfReason": "INTERPRETER"},
        (
            ("/reason", {"by": "MENTEE", "onBehalfReason": "INTERPRETER"}),
            ("/reason", {"by": "MENTEE", "reason": "UGLY", "onBehalfReason": "INTERPRETER"}),
            ("/onBehalfReason", {"by": "MENTEE", "reason": "NO_CLICK"}),
        ),
    ),
    "sign-agreement": Act(
        "CONFIRMED", LOTTE, "AgreementSigned", "MENTORING",
        AGREEMENT,
        (
            ("/coordinatorAttendsFirstMeeting", {**AGREEMENT, "coordinatorAttendsFirstMeeting": False}),
            ("/expectations/mentor", {**AGREEMENT, "expectations": {"mentee": "to be heard"}}),
            ("/end", {**AGREEMENT, "start": "2026-01-12", "end": "2026-07-12"}),
            ("/start", {**AGREEMENT, "start": "2026-01-11"}),
            ("/norm", {**AGREEMENT, "norm": 1}),
            ("/charterVersion", {**AGREEMENT, "charterVersion": "v9"}),
        ),
        elsewhere="MATCH_PROPOSED",
    ),
    "record-meeting": Act(
        "MENTORING", LOTTE, "MeetingRecorded", "MENTORING",
        {"minutes": 90, "mode": "IN_PERSON", "topics": ["WORK_CULTURE"]},
        (
            ("/minutes", {"minutes": 0}),
            ("/minutes", {"minutes": 1441}),
            ("/mode", {"mode": "TELEPATHY"}),
            ("/topics/0", {"topics": ["GOSSIP"]}),
            ("/occurredAt", {"occurredAt": LATER}),
            ("/occurredAt", {"occurredAt": "2026-01-01T00:00:00Z"}),
        ),
        elsewhere="SUSPENDED",
    ),
    "record-check-in": Act(
        "MENTORING", LOTTE, "CheckInRecorded", "MENTORING",
        {"mode": "PHONE", "sides": ["MENTEE"]},
        (("/sides", {"sides": []}), ("/sides/0", {"sides": ["AGENCY"]}), ("/occurredAt", {"occurredAt": LATER})),
    ),
    "record-pulse": Act(
        "MENTORING", LOTTE, "PulseRecorded", "MENTORING",
        {"by": "MENTOR", "score": 4, "reasons": ["PROGRESS_SEEN"]},
        (
            ("/score", {"by": "MENTOR"}),
            ("/score", {"by": "MENTOR", "score": 6}),
            ("/reasons/0", {"by": "MENTOR", "score": 2, "reasons": ["NO_CLICK"]}),
            ("/by", {"score": 3}),
        ),
        tried=({"by": "MENTOR", "score": 4}, {"by": "MENTOR", "score": 2}),
    ),
    "report-progress": Act(
        "MENTORING", LOTTE, "ProgressReported", "MENTORING",
        {"progress": {"SOCIAL": "+"}, "nextStep": "CONTINUE"},
        (("/progress/LINGUISTIC", {"progress": {"LINGUISTIC": "+"}}), ("/nextStep", {"nextStep": "HOPE"})),
    ),
    "extend-agreement": Act(
        "MENTORING", LOTTE, "ExtensionProposed", "MENTORING",
        {"months": 2},
        (
            ("/months", {"months": 4}),
            ("/months", {"months": 1, "end": "2026-09-01"}),
            ("/end", {"end": "2026-01-12"}),
            ("/end", {"end": "tomorrow"}),
        ),
    ),
    "decide-extension": Act(
        "EXTENSION_PROPOSED", INES, "AgreementExtended", "MENTORING",
        {"approved": True},
        (("/approved", {}), ("/approved", {"approved": "perhaps"})),
        elsewhere="MENTORING",
        tried=({"approved": True}, {"approved": False}),
    ),
    "propose-change": Act(
        "MENTORING", LOTTE, "ChangeProposed", "MENTORING",
        COORDINATOR,
        (
            ("/change", {"reason": "GOAL_REACHED"}),
            ("/change", {"change": "PAY_RISE"}),
            ("/reason", {"change": "END"}),
            ("/reason", {"change": "END", "reason": "BORED"}),
            ("/reason", {"change": "NOT_RELEVANT"}),
            ("/coordinator", {"change": "COORDINATOR"}),
            ("/reason", {**COORDINATOR, "reason": "GOAL_REACHED"}),
            ("/end", {**COORDINATOR, "end": "2026-09-01"}),
            ("/months", {"change": "EXTEND", "months": 4}),
            ("/months", {"change": "EXTEND", "months": 1, "end": "2026-09-01"}),
        ),
        tried=EVERY_CHANGE,
    ),
    "suspend": Act(
        "MENTORING", LOTTE, "TrajectorySuspended", "SUSPENDED",
        {"reason": "HOLIDAY"},
        (("/reason", {}), ("/reason", {"reason": "ILLNESS"})),
    ),
    "review-suspension": Act(
        "SUSPENDED", LOTTE, "SuspensionReviewed", "SUSPENDED",
        faulty=(("/occurredAt", {"occurredAt": LATER}), ("/occurredAt", {"occurredAt": "2026-01-01T00:00:00Z"})),
        elsewhere="MENTORING",
    ),
    "resume": Act("SUSPENDED", LOTTE, "TrajectoryResumed", "MENTORING", elsewhere="MENTORING"),
    "end-match": Act(
        "MENTORING", LOTTE, "MatchEnded", "MATCHING",
        {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True},
        (
            ("/closureTalk", {"reason": "MISMATCH", "next": "REMATCH"}),
            ("/next", {"reason": "MISMATCH", "closureTalk": True}),
            ("/reason", {"reason": "BORED", "next": "HANDBACK", "closureTalk": True}),
        ),
        tried=({**END, "next": "REMATCH"}, {**END, "next": "HANDBACK"}),
    ),
    "complete-trajectory": Act(
        "MENTORING", LOTTE, "TrajectoryCompleted", "HANDBACK_DUE",
        {"reason": "GOAL_REACHED", "closureTalk": True},
        (("/reason", {"closureTalk": True}), ("/closureTalk", {"reason": "GOAL_REACHED"})),
        elsewhere="MATCHING",
    ),
    "request-handback": Act(
        "HANDBACK_DUE", LOTTE, "HandbackRequested", "HANDBACK_REQUESTED",
        REPORT,
        (
            ("/outcomes/CULTURAL", {**REPORT, "outcomes": {"SOCIAL": "+"}}),
            ("/outcomes/LINGUISTIC", {**REPORT, "outcomes": {**REPORT["outcomes"], "LINGUISTIC": "+"}}),
            ("/openNeeds/0", {**REPORT, "openNeeds": ["A_HOUSE"]}),
        ),
        elsewhere="HANDBACK_REQUESTED",
        # The first where no goals are known yet: a report before the intake was concluded.
        tried=({"closureReason": "MENTEE_UNREACHABLE"}, UNMET),
    ),
    "accept-handback": Act(
        "HANDBACK_REQUESTED", INES, "HandbackAccepted", "CLOSED",
        ANSWER,
        (
            ("/decision", {}),
            ("/answers/DIPLOMA_EQUIVALENCE", {"decision": "CLOSE"}),
            ("/answers/CHILDCARE", {**ANSWER, "answers": {**ANSWER["answers"], "CHILDCARE": "OTHER"}}),
            ("/closeReason", {**ANSWER, "decision": "RE_REFER", "closeReason": "EMPLOYMENT"}),
        ),
        elsewhere="HANDBACK_DUE",
        # The second where there is no report, and no need to be answered.
        tried=tuple(
            {"decision": decision, **answers}
            for decision in ("CLOSE", "RE_REFER", "OTHER_SERVICE")
            for answers in ({"answers": ANSWERS}, {})
        ),
    ),
    "return-handback": Act(
        "HANDBACK_REQUESTED", INES, "HandbackReturned", "HANDBACK_REQUESTED",
        {"missing": ["OPEN_NEEDS"]},
        (("/missing", {"missing": []}), ("/missing/0", {"missing": ["STYLE"]})),
    ),
    "close": Act(
        "OPENED", INES, "CaseClosed", "CLOSED",
        {"reason": "NO_ORGANISATION_FOUND"},
        (("/reason", {}), ("/reason", {"reason": "TIRED"})),
        elsewhere="REFERRED",
    ),
    "reopen": Act("CLOSED", INES, "CaseReopened", "OPENED", elsewhere="OPENED"),
    "record-outcome": Act(
        "CLOSED", INES, "OutcomeRecorded", "CLOSED",
        {"point": "EXIT", "code": "EMPLOYED_STABLE", "source": "DECLARED", "levelMatch": True},
        (
            ("/point", {"code": "NO_CHANGE", "source": "REGISTER"}),
            ("/point", {"point": "M24", "code": "NO_CHANGE", "source": "REGISTER"}),
            ("/code", {"point": "W4", "code": "HAPPY", "source": "REGISTER"}),
            ("/source", {"point": "W4", "code": "NO_CHANGE", "source": "RUMOUR"}),
        ),
        tried=({"point": "EXIT", **OUTCOME}, {"point": "M12", **OUTCOME}),
    ),
    "waive-outcome": Act(
        "CLOSED", INES, "OutcomeWaived", "CLOSED",
        {"point": "M12", "reason": "MOVED"},
        (
            ("/reason", {"point": "M12"}),
            ("/reason", {"point": "M12", "reason": "LOST_CONTACT"}),
            ("/point", {"point": "M1", "reason": "MOVED"}),
        ),
        tried=tuple(
            {"point": point, "reason": reason} for point in ("EXIT", "M12") for reason in ("MOVED", "LOST_CONTACT")
        ),
    ),
    "report-gap": Act(
        "MENTORING", LOTTE, "ServiceGapReported", "MENTORING",
        {**GAP, "provider": "the crèche in the station quarter", "task": "CHILDCARE_SEARCH"},
        (
            ("/serviceKind", {"gapType": "ABSENT"}),
            ("/serviceKind", {**GAP, "serviceKind": "PIZZA"}),
            ("/gapType", {"serviceKind": "CHILDCARE"}),
            ("/gapType", {**GAP, "gapType": "UGLY"}),
            ("/provider", {**GAP, "provider": ""}),
            ("/task", {**GAP, "task": "a task"}),
            ("/task", {**GAP, "task": "GOSSIP"}),
            ("/occurredAt", {**GAP, "occurredAt": LATER}),
        ),
        tried=(OTHER_GAP,),
    ),
    "reassign-counsellor": Act(
        "INTAKE", INES, "CounsellorProposed", "INTAKE",
        {"counsellor": "tom.maes"},
        (("/counsellor", {"counsellor": ""}), ("/counsellor", {"counsellor": "x" * 201})),
        elsewhere="FINALISED",
        tried=({}, {"counsellor": TOM.sub}),
    ),
    "reassign-coordinator": Act(
        "INTAKE", LOTTE, "CoordinatorProposed", "INTAKE",
        {"coordinator": "hanne.wouters"},
        (("/coordinator", {"coordinator": " "}),),
        tried=({}, {"coordinator": AN.sub}),
    ),
}
# fmt: on
"""All but those of either side: `correct`, which is possible in every state, and those about escalations; and all that
names a gap or a proposal."""
BODIES: Final[Mapping[str, tuple[Body, ...]]] = {
    **{name: act.tried or (act.body,) for name, act in ACTS.items()},
    "correct": ({"event": "event-3", "reason": "it was another day"},),
    "resolve-escalation": ({"resolution": "TALK"},),
    "decide-change": DECISIONS,
    "withdraw-change": ({"proposal": f"{CASE_ID}.p1"},),
    "answer-gap": (PROMISE, REFUSAL),
    "complete-gap-action": ({"gap": FIRST},),
    "raise-escalation": ({"reason": "OTHER"}, {"reason": "SAFETY"}),
}
"""Each command of docs/domain.md with the bodies that are tried in every situation."""
