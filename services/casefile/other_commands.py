"""A row for each command on a case that no caller gives: which message or clock brings it, what decides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from contracts.codes import CaseState
from services.casefile.action_rows import Decide
from services.casefile.domain import (
    broadcast,
    charter_change,
    consent_withdrawal,
    deadlines,
    escalation,
    ladder,
    opening,
    referral_answers,
)
from services.casefile.domain.state import WITH_ORGANISATION
from services.chassis.modelling.decider import Command
from services.chassis.modelling.moves import Move

C = TypeVar("C", bound=Command)

_S = CaseState
_OFFERED: Final = WITH_ORGANISATION | {_S.REFERRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCommand(Generic[C]):
    """A command on a case that is no action of its own: who sends it, what decides it, and where it leads."""

    command: type[C]
    decide: Decide[C]
    sender: str
    leads_to: tuple[Move, ...] = ()


_OF_TELLING: Final = "a reaction to a message of the notifications service"
_MESSAGE: Final = "a reaction to a message of the referral service"
OTHER_COMMANDS: Final[tuple[OtherCommand[Any], ...]] = (
    OtherCommand(
        command=opening.TakeSubmission,
        decide=opening.take_submission,
        sender=_MESSAGE,
        leads_to=(Move(_S.REFERRED, opening.REFERS_FROM, "ReferralSubmitted"),),
    ),
    OtherCommand(
        command=broadcast.TakeBroadcast,
        decide=broadcast.take_broadcast,
        sender=_MESSAGE,
        leads_to=(Move(_S.REFERRED, opening.REFERS_FROM, "BroadcastOpened"),),
    ),
    OtherCommand(command=broadcast.TakeOfferAnswer, decide=broadcast.take_offer_answer, sender=_MESSAGE),
    OtherCommand(command=broadcast.TakeOfferWon, decide=broadcast.take_offer_won, sender=_MESSAGE),
    OtherCommand(
        command=broadcast.TakeBroadcastEnd,
        decide=broadcast.take_broadcast_end,
        sender=_MESSAGE,
        leads_to=(Move(_S.OPENED, {_S.REFERRED}, "BroadcastEnded"),),
    ),
    OtherCommand(command=referral_answers.TakeProgress, decide=referral_answers.take_progress, sender=_MESSAGE),
    OtherCommand(
        command=referral_answers.TakeAcceptance,
        decide=referral_answers.take_acceptance,
        sender=_MESSAGE,
        leads_to=(Move(_S.INTAKE, {_S.REFERRED}, "ReferralAccepted"),),
    ),
    OtherCommand(
        command=referral_answers.TakeReturn,
        decide=referral_answers.take_return,
        sender=_MESSAGE,
        leads_to=(
            *(Move(_S.OPENED, {_S.REFERRED}, answer) for answer in ("ReferralDeclined", "ReferralWithdrawn")),
            Move(_S.OPENED, {_S.REFERRED}, "ReferralExpired"),
            Move(_S.OPENED, _OFFERED, "ReferralEnteredInError"),
        ),
    ),
    OtherCommand(command=referral_answers.TakeNote, decide=referral_answers.take_note, sender=_MESSAGE),
    OtherCommand(command=referral_answers.TakeReminder, decide=referral_answers.take_reminder, sender=_MESSAGE),
    OtherCommand(
        command=consent_withdrawal.TakeWithdrawal,
        decide=consent_withdrawal.take_withdrawal,
        sender=_MESSAGE,
        leads_to=(Move(_S.OPENED, _OFFERED, "LegalBasisWithdrawn"),),
    ),
    OtherCommand(command=escalation.RaiseUnreached, decide=escalation.raise_unreached, sender=_OF_TELLING),
    OtherCommand(command=escalation.SettleUnreached, decide=escalation.settle_unreached, sender=_OF_TELLING),
    OtherCommand(command=deadlines.RemindDeadline, decide=deadlines.remind_deadline, sender="the scheduler"),
    OtherCommand(
        command=deadlines.PassDeadline,
        decide=deadlines.pass_deadline,
        sender="the scheduler",
        leads_to=(Move(_S.FINALISED, {_S.CLOSED}, "FINALISE"), Move(_S.OPENED, {_S.FINALISED}, "STRANDED")),
    ),
    OtherCommand(command=ladder.EscalateDeadline, decide=ladder.escalate_deadline, sender="the scheduler"),
    OtherCommand(command=charter_change.NoticeCharter, decide=charter_change.notice_charter, sender="the scheduler"),
)
"""The commands on a case that no caller gives. That a mentor is described is a command on the mentor."""
