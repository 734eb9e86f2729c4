"""Codes in messages: a text on the wire, of which the schema says which list it is from.

A message is read whatever code it has, so that a reader lives with a list that has grown since; who makes a client of
the schemas gets the list as it is now.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from contracts import (
    broadcast_codes,
    casefile_codes,
    change_codes,
    codes,
    escalation_codes,
    gap_codes,
    letter_codes,
    pause_codes,
    task_codes,
    telling_codes,
    terms,
)


def one_of(*lists: type[StrEnum]) -> Meta:
    """Says in the schema of a text that it is a code of these lists."""
    return Meta(extra_json_schema={"enum": list(dict.fromkeys(str(code) for codelist in lists for code in codelist))})


AllocationCode = Annotated[str, one_of(broadcast_codes.AllocationRule)]
BroadcastCode = Annotated[str, one_of(broadcast_codes.BroadcastState)]
CapitalCode = Annotated[str, one_of(codes.CapitalType)]
CefrCode = Annotated[str, one_of(codes.CefrLevel)]
ChangeCode = Annotated[str, one_of(change_codes.ChangeKind)]
ChangeReasonCode = Annotated[str, one_of(casefile_codes.EndReason, casefile_codes.CloseReason)]
CharterRoleCode = Annotated[str, one_of(casefile_codes.CharterRole)]
ChannelCode = Annotated[str, one_of(casefile_codes.ContactChannel)]
CloseCode = Annotated[str, one_of(casefile_codes.CloseReason)]
ClosureCode = Annotated[str, one_of(codes.Closure)]
DeclineCode = Annotated[str, one_of(codes.DeclineReason)]
AgencyActionCode = Annotated[str, one_of(codes.AgencyAction)]
AlternativeCode = Annotated[str, one_of(codes.Alternative)]
DecisionCode = Annotated[str, one_of(casefile_codes.HandbackDecision)]
EndCode = Annotated[str, one_of(casefile_codes.EndReason)]
ExceptionRuleCode = Annotated[str, one_of(task_codes.ExceptionRule)]
LadderLevelCode = Annotated[str, one_of(terms.LadderLevel)]
EscalationCode = Annotated[str, one_of(escalation_codes.EscalationReason)]
AfterMatchCode = Annotated[str, one_of(casefile_codes.AfterMatch)]
GapTypeCode = Annotated[str, one_of(gap_codes.GapType)]
LegalBasisCode = Annotated[str, one_of(codes.LegalBasisKind)]
LetterResultCode = Annotated[str, one_of(letter_codes.LetterResult)]
MatchCriterionCode = Annotated[str, one_of(casefile_codes.MatchCriterion)]
MentorKindCode = Annotated[str, one_of(codes.MentorKind)]
MissingCode = Annotated[str, one_of(casefile_codes.MissingItem)]
ModeCode = Annotated[str, one_of(casefile_codes.MeetingMode)]
NeedCode = Annotated[str, one_of(casefile_codes.OpenNeed)]
NextStepCode = Annotated[str, one_of(casefile_codes.NextStep)]
OccasionCode = Annotated[str, one_of(casefile_codes.ReportOccasion)]
OrganisationKindCode = Annotated[str, one_of(codes.OrganisationKind)]
OutcomeCode = Annotated[str, one_of(casefile_codes.Outcome)]
PauseCode = Annotated[str, one_of(pause_codes.PauseReason)]
PointCode = Annotated[str, one_of(casefile_codes.OutcomePoint)]
ProgrammeKindCode = Annotated[str, one_of(codes.ProgrammeKind)]
ProgressCode = Annotated[str, one_of(casefile_codes.Progress)]
PulseCode = Annotated[str, one_of(casefile_codes.MentorPulseReason, casefile_codes.MenteePulseReason)]
QuestionCode = Annotated[str, one_of(codes.Question)]
ReferralCode = Annotated[str, one_of(codes.ReferralState)]
RejectCode = Annotated[str, one_of(casefile_codes.RejectReason)]
ResolutionCode = Annotated[str, one_of(escalation_codes.HowResolved)]
ServiceKindCode = Annotated[str, one_of(gap_codes.ServiceKind)]
SignalScopeCode = Annotated[str, one_of(task_codes.SignalScope)]
SideCode = Annotated[str, one_of(casefile_codes.Side)]
AcknowledgingSideCode = Annotated[str, one_of(casefile_codes.AcknowledgingSide)]
SourceCode = Annotated[str, one_of(casefile_codes.OutcomeSource)]
StepCode = Annotated[str, one_of(codes.Step)]
SupportNeedCode = Annotated[str, one_of(codes.SupportNeed)]
SuspendCode = Annotated[str, one_of(casefile_codes.SuspendReason)]
TermUnitCode = Annotated[str, one_of(codes.TermUnit)]
NotifiedCode = Annotated[str, one_of(terms.Notified)]
TopicCode = Annotated[str, one_of(casefile_codes.MeetingTopic)]
VerdictCode = Annotated[str, one_of(casefile_codes.Verdict)]
WaitlistCode = Annotated[str, one_of(codes.WaitlistReason)]
WaiveCode = Annotated[str, one_of(casefile_codes.WaiveReason)]
WhyCode = Annotated[str, one_of(codes.WhyMentoring)]
WithdrawCode = Annotated[str, one_of(codes.WithdrawReason)]
RoleCode = Annotated[str, one_of(codes.Role)]
NotToldCode = Annotated[str, one_of(telling_codes.NotToldReason)]
TellingStateCode = Annotated[str, one_of(telling_codes.TellingState)]
ToldByCode = Annotated[str, one_of(telling_codes.ToldBy)]
