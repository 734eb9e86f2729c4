"""One row for each action on a referral: its route, request and command, what decides it, and when it is possible.

Routes, OpenAPI, the table of access, the actions that an answer offers, and the choice of the decision derive from the
rows. Commands without a row, and who sends them, are in OTHER_COMMANDS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from contracts.codes import ReferralState, Role
from contracts.fields import Body, NothingBody
from contracts.staff import COORDINATORS, COUNSELLORS, StaffSide
from contracts.waitlist_body import WaitlistBody
from services.chassis.http.request.stamp import same_fields
from services.chassis.modelling.decider import To
from services.chassis.modelling.moves import Move
from services.referral import stamping
from services.referral.domain import (
    answering,
    corrected_wait,
    deadlines,
    disclosure,
    drafting,
    ending,
    entered_in_error,
    information,
    ladder,
    late_terms,
    offer_moves,
    submission,
    waiting_list,
)
from services.referral.domain.context import Context, ReferralCommand, Rule
from services.referral.domain.offer import acts_for
from services.referral.domain.referral import ReferralEvent
from services.referral.domain.referral_state import UNANSWERED
from services.referral.routes import requests
from services.referral.stamping import Stamp

B = TypeVar("B", bound=Body)
C = TypeVar("C", bound=ReferralCommand)

Decide = Callable[[C, Context], Sequence[ReferralEvent | To]]
"""A decision of the domain: what follows from the command; nothing where it is so already. Raises Refused."""

LEADS: Final = frozenset({Role.AGENCY_TEAM_LEAD})
_S = ReferralState
_NOT_IN_ERROR: Final = frozenset(ReferralState) - {_S.ENTERED_IN_ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Generic[B, C]):
    """One action: `POST /v1/referrals/{referral_id}/{name}` with a body `request`, or a PATCH of the referral itself.

    `build` makes the command of a body; without it, the command takes the fields of its own names from the body.
    `decide` is the domain's decision. `roles` of the `side` may send it, in `states`; `awaited_in` is the state that
    waits for this action alone. `uses_data`: it uses or discloses the person's data, and so needs a valid legal basis.
    `refuses` are the codes of its decision, beside those that any action may meet (`contracts/refusals.json`).
    `leads_to` are its ways to another state; without one the referral stays in its own.
    """

    name: str
    summary: str
    request: type[B]
    command: type[C]
    decide: Decide[C]
    side: StaffSide
    states: AbstractSet[ReferralState]
    roles: frozenset[Role]
    awaited_in: ReferralState | None = None
    uses_data: bool = False
    refuses: AbstractSet[str] = frozenset()
    build: Callable[[B, Stamp], C] | None = None
    method: Literal["POST", "PATCH"] = "POST"
    leads_to: tuple[Move, ...] = ()

    @property
    def rule(self) -> Rule:
        """When it is possible, for the domain."""
        states = tuple(state for state in ReferralState if state in self.states)
        return Rule(states=states, side=self.side, awaited_in=self.awaited_in, uses_data=self.uses_data)

    def command_of(self, body: B, stamp: Stamp) -> C:
        """The command that the body asks for. Raises Refused."""
        return (self.build or same_fields(self.command))(body, stamp)


_PACKET: Final = frozenset(
    {
        "ORGANISATION_KIND",
        "ORGANISATION_UNKNOWN",
        "PREVIOUS_REFERRAL_UNKNOWN",
        "PROGRAMME_KIND",
        "PROGRAMME_NOT_OFFERED",
        "PROGRAMME_UNKNOWN",
        "TOO_MANY",
    }
)
"""What is refused of a packet, be it a draft's."""

# fmt: off
_ROWS: Final[tuple[Action[Any, Any], ...]] = (
    Action(name="edit", summary="Edit a draft (JSON merge patch, RFC 7396).", method="PATCH",
           request=requests.ReferralBody, command=drafting.EditDraft, decide=drafting.edit,
           side=StaffSide.AGENCY, states={_S.DRAFT}, roles=COUNSELLORS,
           refuses=_PACKET | {"FIXED_BY_DRAFT"}),
    Action(name="submit", summary="Submit a draft.",
           request=NothingBody, command=submission.SubmitDraft, decide=submission.submit_draft,
           build=stamping.submit,
           leads_to=(Move(_S.SUBMITTED, {_S.DRAFT}),),
           side=StaffSide.AGENCY, states={_S.DRAFT}, roles=COUNSELLORS, awaited_in=_S.DRAFT,
           refuses=_PACKET | {"CONCURRENT_PROGRAMME", "CRITERION_MISSING", "CRITERION_UNKNOWN", "GOAL_REQUIRED",
                    "INELIGIBLE", "IN_THE_FUTURE", "LEGAL_BASIS_RECIPIENT", "ORGANISATION_SUSPENDED",
                    "PARTY_NOT_ALLOWED", "REFERRAL_LIVE"}),
    Action(name="receive", summary="Acknowledge receipt.",
           request=NothingBody, command=answering.Receive, decide=answering.receive,
           leads_to=(Move(_S.RECEIVED, {_S.SUBMITTED}),),
           side=StaffSide.ORGANISATION, states={_S.SUBMITTED}, roles=COORDINATORS, awaited_in=_S.SUBMITTED,
           uses_data=True),
    Action(name="request-information", summary="Ask the agency something.",
           request=requests.RequestInformationBody, command=information.RequestInformation,
           decide=information.request_information,
           leads_to=(Move(_S.INFO_REQUESTED, {_S.RECEIVED, _S.WAITLISTED}),),
           side=StaffSide.ORGANISATION, states={_S.RECEIVED, _S.WAITLISTED}, roles=COORDINATORS, uses_data=True,
           refuses={"INFORMATION_REQUESTS_USED_UP", "REQUIRED"}),
    Action(name="provide-information", summary="Answer what was asked.",
           request=requests.ProvideInformationBody, command=information.ProvideInformation,
           decide=information.provide_information, build=stamping.provide_information,
           leads_to=(Move(_S.RECEIVED, {_S.INFO_REQUESTED}),),
           side=StaffSide.AGENCY, states={_S.INFO_REQUESTED}, roles=COUNSELLORS, awaited_in=_S.INFO_REQUESTED,
           uses_data=True,
           refuses={"ANSWERED_TWICE", "ANSWER_MISSING", "NOT_ASKED"}),
    Action(name="waitlist", summary="Put the person on the waiting list.",
           request=WaitlistBody, command=waiting_list.Waitlist, decide=waiting_list.waitlist,
           leads_to=(Move(_S.WAITLISTED, {_S.RECEIVED}),),
           side=StaffSide.ORGANISATION, states={_S.RECEIVED}, roles=COORDINATORS, uses_data=True,
           refuses={"CLIENT_MUST_AGREE", "IN_THE_PAST"}),
    Action(name="accept", summary="Accept: responsibility moves to the coordinator.",
           request=requests.AcceptBody, command=answering.Accept, decide=answering.accept,
           leads_to=(Move(_S.ACCEPTED, {_S.RECEIVED, _S.WAITLISTED}),),
           side=StaffSide.ORGANISATION, states={_S.RECEIVED, _S.WAITLISTED}, roles=COORDINATORS, uses_data=True,
           refuses={"CAPACITY_FULL", "OFFER_TAKEN", "REQUIRED"}),
    Action(name="decline", summary="Decline, with a reason.",
           request=requests.DeclineBody, command=answering.Decline, decide=answering.decline, build=stamping.decline,
           leads_to=(Move(_S.DECLINED, {*UNANSWERED}),),
           side=StaffSide.ORGANISATION, states={*UNANSWERED}, roles=COORDINATORS, uses_data=True,
           refuses={"TEXT_ONLY_WITH_OTHER"}),
    Action(name="withdraw", summary="Take the referral back.",
           request=requests.WithdrawBody, command=ending.Withdraw, decide=ending.withdraw, build=stamping.withdraw,
           leads_to=(Move(_S.WITHDRAWN, {_S.DRAFT, *UNANSWERED}),),
           side=StaffSide.AGENCY, states={_S.DRAFT, *UNANSWERED}, roles=COUNSELLORS,
           refuses={"SYSTEM_REASON", "TEXT_ONLY_WITH_OTHER"}),
    Action(name="mark-error", summary="Report that the referral was entered in error.",
           request=requests.MarkErrorBody, command=entered_in_error.MarkError, decide=entered_in_error.mark,
           build=stamping.mark_error,
           side=StaffSide.AGENCY, states=_NOT_IN_ERROR, roles=COUNSELLORS,
           refuses={"ERROR_ALREADY_REPORTED"}),
    Action(name="confirm-error", summary="Confirm, as a second person, that it was entered in error.",
           request=NothingBody, command=entered_in_error.ConfirmError, decide=entered_in_error.confirm,
           leads_to=(Move(_S.ENTERED_IN_ERROR, _NOT_IN_ERROR),),
           side=StaffSide.AGENCY, states=_NOT_IN_ERROR, roles=LEADS,
           refuses={"ERROR_NOT_REPORTED", "SECOND_PERSON_REQUIRED"}),
)
# fmt: on
ACTIONS: Final[Mapping[str, Action[Any, Any]]] = {row.name: row for row in _ROWS}
"""The actions on a referral, each by its name, in the order in which an answer offers them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCommand(Generic[C]):
    """A command on a referral that is no action of its own: who sends it, what decides it.

    `name` and `rule`, where its decision asks from which states it is possible; `leads_to` as an action has it.
    """

    command: type[C]
    decide: Decide[C]
    sender: str
    name: str = ""
    rule: Rule | None = None
    leads_to: tuple[Move, ...] = ()


OTHER_COMMANDS: Final[tuple[OtherCommand[Any], ...]] = (
    OtherCommand(
        command=drafting.CreateDraft,
        decide=drafting.create,
        sender="POST /v1/referrals with draft: true",
        leads_to=(Move(_S.DRAFT, {None}, "create"),),
    ),
    OtherCommand(
        command=submission.SubmitReferral,
        decide=submission.submit,
        sender="POST /v1/referrals",
        leads_to=(Move(_S.SUBMITTED, {None}, "create"),),
    ),
    OtherCommand(
        command=disclosure.DiscloseContact,
        decide=disclosure.disclose,
        sender="GET /v1/referrals/{referral_id}/contact",
    ),
    OtherCommand(
        command=disclosure.RevealIdentity,
        decide=disclosure.reveal,
        sender="POST /v1/cases/{case_id}/reveal",
    ),
    OtherCommand(command=deadlines.RemindDeadline, decide=deadlines.remind, sender="the scheduler"),
    OtherCommand(
        command=deadlines.PassDeadline,
        decide=deadlines.let_pass,
        sender="the scheduler",
        leads_to=(Move(_S.WITHDRAWN, {_S.DRAFT}, "DRAFT_LAPSE"), Move(_S.EXPIRED, {*UNANSWERED}, "EXPIRY")),
    ),
    OtherCommand(command=ladder.EscalateDeadline, decide=ladder.escalate, sender="the scheduler"),
    OtherCommand(
        command=ending.CompleteReferral,
        decide=ending.complete,
        sender="a reaction to HandbackAccepted",
        name="complete",
        rule=Rule(states=(_S.ACCEPTED,), side=StaffSide.AGENCY),
        leads_to=(Move(_S.COMPLETED, {_S.ACCEPTED}, "HandbackAccepted"),),
    ),
    OtherCommand(command=ending.EndAccess, decide=ending.end_access, sender="a reaction to NgoAccessExpired"),
    OtherCommand(
        command=corrected_wait.CorrectWaiting,
        decide=corrected_wait.correct_waiting,
        sender="a reaction to CorrectionRecorded",
    ),
)
"""The commands on a referral that are no actions. The withdrawal of a legal basis is a command on the basis:
`consent_withdrawal.withdraw_legal_basis`, by `POST /v1/legal-bases/{basis_id}/withdraw`."""

BY_OTHERS: Final = (
    Move(_S.WITHDRAWN, {*UNANSWERED}, "LegalBasisWithdrawn"),
    Move(_S.COMPLETED, {_S.ACCEPTED}, "LegalBasisWithdrawn"),
    Move(_S.WITHDRAWN, {*UNANSWERED}, "OfferWon"),
    Move(_S.WITHDRAWN, {*UNANSWERED}, "BroadcastEnded"),
)
"""Where commands on something else lead a referral: on its legal basis, on another offer of the same broadcast, and on
the broadcast."""

OFFERED: Final = tuple(action.name for action in ACTIONS.values() if action.method == "POST")
"""The actions that an answer offers, or says to be blocked: those with a route of their own."""
RULES: Final[Mapping[str, Rule]] = {
    **{action.name: action.rule for action in ACTIONS.values()},
    **{other.name: other.rule for other in OTHER_COMMANDS if other.rule is not None},
}
"""From which states each is possible, for the domain's context."""
_DECISIONS: Final[Mapping[type[ReferralCommand], Decide[Any]]] = {
    **{action.command: action.decide for action in ACTIONS.values()},
    **{other.command: other.decide for other in OTHER_COMMANDS},
}


def decide(command: ReferralCommand, context: Context) -> Sequence[ReferralEvent | To]:
    """What follows from a command on a referral; nothing where it is so already. Raises Refused."""
    decided = late_terms.carried(context, _DECISIONS[type(command)](command, context))
    return offer_moves.followed(context, command.at, acts_for(command.by), decided)
