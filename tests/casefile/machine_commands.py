"""What the machine of cases tries: every command, as a maker of it for a time and a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from services.casefile.domain.agreement import SignAgreement
from services.casefile.domain.charter_change import AcknowledgeCharter, NoticeCharter
from services.casefile.domain.closing import Close, Reopen
from services.casefile.domain.escalation import RaiseEscalation, ResolveEscalation
from services.casefile.domain.exceptions import DecideException, RequestException
from services.casefile.domain.extension import DecideExtension, ExtendAgreement
from services.casefile.domain.gaps import AnswerGap, CompleteGapAction, ReportGap
from services.casefile.domain.handback import AcceptHandback, RequestHandback, ReturnHandback
from services.casefile.domain.intake import ConcludeIntake, LogContactAttempt, ReportNoShow
from services.casefile.domain.matching import ConfirmMatch, ProposeMatch, RejectMatch
from services.casefile.domain.mentoring import RecordCheckIn, RecordMeeting, RecordPulse, ReportProgress
from services.casefile.domain.outcomes import RecordOutcome, WaiveOutcome
from services.casefile.domain.people import ReassignCoordinator, ReassignCounsellor
from services.casefile.domain.proposals import DecideChange, ProposeChange, WithdrawChange
from services.casefile.domain.suspension import Resume, Suspend
from services.casefile.domain.tasks import (
    ApproveTask,
    ClaimTask,
    RecordTask,
    ReleaseTask,
)
from services.casefile.domain.trajectory_end import CompleteTrajectory, EndMatch
from services.chassis.modelling.decider import Actor, Command
from tests.casefile.casebook import MENTOR_REF
from tests.casefile.messages import CASE_ID
from tests.support.actors import AN

GOALS = {"SOCIAL": "+", "CULTURAL": "="}
GAPS = (f"{CASE_ID}.g1", f"{CASE_ID}.g2")

Make = Callable[[datetime, Actor], Command]

COMMANDS: list[Make] = [
    lambda at, by: LogContactAttempt(at=at, by=by, reached=False),
    lambda at, by: LogContactAttempt(at=at, by=by),
    lambda at, by: ReportNoShow(at=at, by=by),
    lambda at, by: ConcludeIntake(
        at=at, by=by, suitable=True, goals=("SOCIAL", "CULTURAL"), expectations_ref="vault-1"
    ),
    lambda at, by: ConcludeIntake(at=at, by=by, suitable=False, reason="NEEDS_OTHER_SUPPORT"),
    lambda at, by: ConcludeIntake(
        at=at, by=by, suitable=True, goals=("SOCIAL",), expectations_ref="vault-1", occurred_at=at - timedelta(days=3)
    ),
    lambda at, by: Suspend(at=at, by=by, reason="TRAINING", occurred_at=at - timedelta(days=1)),
    lambda at, by: CompleteTrajectory(
        at=at, by=by, reason="TRAINING", closure_talk=True, occurred_at=at - timedelta(days=4)
    ),
    lambda at, by: ProposeMatch(at=at, by=by, match=f"match-{at}", mentor=MENTOR_REF, criteria=("SECTOR",)),
    lambda at, by: ConfirmMatch(at=at, by=by, side="MENTOR", on_behalf_reason="ON_PAPER"),
    lambda at, by: ConfirmMatch(at=at, by=by, side="MENTEE", on_behalf_reason="ON_PAPER"),
    lambda at, by: RejectMatch(at=at, by=by, side="MENTEE", reason="NO_CLICK", on_behalf_reason="BY_PHONE"),
    lambda at, by: SignAgreement(
        at=at, by=by, coordinator_attends_first_meeting=True, expectations_mentor_ref="vault-2"
    ),
    lambda at, by: RecordMeeting(at=at, by=by),
    lambda at, by: RecordCheckIn(at=at, by=by, occurred_at=at - timedelta(days=2)),
    lambda at, by: RecordPulse(at=at, by=by, side="MENTOR", score=2, reasons=("ONE_SIDED",)),
    lambda at, by: ReportProgress(at=at, by=by, progress={"SOCIAL": "+"}),
    lambda at, by: ExtendAgreement(at=at, by=by),
    lambda at, by: DecideExtension(at=at, by=by, approved=True),
    lambda at, by: DecideExtension(at=at, by=by, approved=False),
    lambda at, by: ProposeChange(at=at, by=by, change="END", reason="GOAL_REACHED"),
    lambda at, by: ProposeChange(at=at, by=by, change="COORDINATOR", coordinator=AN.sub),
    lambda at, by: ProposeChange(at=at, by=by, change="NOT_RELEVANT", reason="MOVED"),
    *(
        lambda at, by, n=n, yes=yes: DecideChange(at=at, by=by, proposal=f"{CASE_ID}.p{n}", approved=yes)
        for n in (1, 2, 3)
        for yes in (True, False)
    ),
    lambda at, by: WithdrawChange(at=at, by=by, proposal=f"{CASE_ID}.p2"),
    lambda at, by: Suspend(at=at, by=by, reason="HOLIDAY"),
    lambda at, by: Resume(at=at, by=by),
    lambda at, by: EndMatch(at=at, by=by, reason="MISMATCH", next="REMATCH", closure_talk=True),
    lambda at, by: EndMatch(at=at, by=by, reason="MISMATCH", next="HANDBACK", closure_talk=True),
    lambda at, by: CompleteTrajectory(at=at, by=by, reason="EMPLOYMENT", closure_talk=True),
    lambda at, by: RequestHandback(at=at, by=by, closure_reason="EMPLOYMENT", outcomes=GOALS),
    lambda at, by: RequestHandback(at=at, by=by, closure_reason="MENTEE_UNREACHABLE"),
    lambda at, by: ReturnHandback(at=at, by=by, missing=("OPEN_NEEDS",)),
    lambda at, by: AcceptHandback(at=at, by=by, decision="CLOSE"),
    lambda at, by: AcceptHandback(at=at, by=by, decision="RE_REFER"),
    lambda at, by: Close(at=at, by=by, reason="OTHER"),
    lambda at, by: Reopen(at=at, by=by),
    lambda at, by: RecordOutcome(at=at, by=by, point="EXIT", code="EMPLOYED_STABLE", source="REGISTER"),
    lambda at, by: WaiveOutcome(at=at, by=by, point="W4", reason="PERSON_DECLINED"),
    lambda at, by: WaiveOutcome(at=at, by=by, point="M6", reason="PERSON_DECLINED"),
    lambda at, by: WaiveOutcome(at=at, by=by, point="M12", reason="PERSON_DECLINED"),
    lambda at, by: RecordTask(at=at, by=by, task="CV_FEEDBACK"),
    lambda at, by: RecordTask(at=at, by=by, task="MONEY"),
    lambda at, by: RecordTask(at=at, by=by, task="ACCOMPANY_TO_AUTHORITY"),
    lambda at, by: ApproveTask(at=at, by=by, task="ACCOMPANY_TO_AUTHORITY"),
    lambda at, by: ClaimTask(at=at, by=by, task="CV_FEEDBACK"),
    lambda at, by: ReleaseTask(at=at, by=by, task="CV_FEEDBACK"),
    lambda at, by: NoticeCharter(at=at, by=by),
    lambda at, by: AcknowledgeCharter(at=at, by=by, side="COORDINATOR"),
    lambda at, by: AcknowledgeCharter(at=at, by=by, side="MENTOR", on_behalf_reason="ON_PAPER"),
    lambda at, by: RequestException(at=at, by=by, task="MONEY", justification_ref=f"vault-{at}"),
    lambda at, by: DecideException(at=at, by=by, exception="X1", granted=True),
    lambda at, by: DecideException(at=at, by=by, exception="X2", granted=True),
    lambda at, by: ReportGap(at=at, by=by, service_kind="CHILDCARE", gap_type="TOO_SLOW"),
    lambda at, by: ReportGap(at=at, by=by, service_kind="TRAINING", gap_type="QUALITY", provider_ref="vault-5"),
    lambda at, by: AnswerGap(
        at=at, by=by, gaps=(GAPS[0],), accepted=True, action_ref="vault-6", due=at.date() + timedelta(days=60)
    ),
    lambda at, by: AnswerGap(at=at, by=by, gaps=(GAPS[1],), accepted=False, reason_ref="vault-7"),
    lambda at, by: CompleteGapAction(at=at, by=by, gap=GAPS[0]),
    lambda at, by: RaiseEscalation(at=at, by=by, reason="OTHER"),
    lambda at, by: RaiseEscalation(at=at, by=by, reason="SAFETY"),
    lambda at, by: ResolveEscalation(at=at, by=by, resolution="TALK"),
    lambda at, by: ResolveEscalation(at=at, by=by, escalation="E1", resolution="PAUSE"),
    lambda at, by: ReassignCounsellor(at=at, by=by),
    lambda at, by: ReassignCounsellor(at=at, by=by, counsellor="tom.maes"),
    lambda at, by: ReassignCoordinator(at=at, by=by),
]
