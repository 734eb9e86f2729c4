"""What happens in stories of referrals: commands of both sides, offers to several, the clock, and casefile's news."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from contracts.codes import DeclineReason, Question, WaitlistReason, WithdrawReason
from services.chassis.modelling.decider import Actor, Refused
from services.referral.actions import RULES, decide
from services.referral.domain import (
    answering,
    broadcasting,
    consent_withdrawal,
    corrected_wait,
    deadlines,
    disclosure,
    drafting,
    ending,
    entered_in_error,
    information,
    ladder,
    submission,
    waiting_list,
)
from services.referral.domain.broadcast import BROADCAST, Broadcast, Consent, OfferTo, broadcast_stream
from services.referral.domain.broadcasting import BroadcastCommand, BroadcastContext, OpenBroadcast, WithdrawBroadcast
from services.referral.domain.case_key import CloseCase, ReopenCase
from services.referral.domain.consent_withdrawal import WithdrawLegalBasis
from services.referral.domain.context import Context
from services.referral.domain.legal_basis import legal_basis_stream
from services.referral.domain.offer import referral_stream
from services.referral.domain.referral_state import TERMINAL
from tests.referral.office import SAMIRA, Office, to
from tests.support.actors import AUDITOR, CLOCK, INES, KARIM, LOTTE, TOM
from tests.support.dates import MONDAY
from tests.support.machines import Seen

OFFERS = {"brugwerk": "R-6", "samenstap": "R-7"}
"""The offers to several, each by a referral of its own."""
IDS = ("R-1", "R-2", "R-3", "R-4", "R-5", "R-6", "R-7")
PACKETS = {
    "samira to brugwerk": SAMIRA,
    "samira to samenstap": to("samenstap"),
    "yonas to brugwerk": replace(SAMIRA, client_ref="CL-19C0"),
    "amal to samenstap": to("samenstap", replace(SAMIRA, client_ref="CL-2B11")),
    "amal, without a goal": replace(SAMIRA, client_ref="CL-2B11", goals=()),
}
"""Whom a referral is about, in the words of a story."""
ENDS = ("edit", "decline", "withdraw", "complete", "mark-error", "confirm-error")
ids, packets = st.sampled_from(IDS), st.sampled_from(tuple(PACKETS))
new_ids = st.sampled_from(IDS[:5])
STAFF = {"brugwerk": LOTTE, "samenstap": KARIM}
agents = st.sampled_from((INES, TOM))
BY_ORGANISATION = ("receive", "request-information", "waitlist", "accept", "decline")
BROADCAST_ID = "B-1"


class ReferralSteps(RuleBasedStateMachine):
    """Three people, two organisations with a place each, five referrals, any commands in any order."""

    seen: ClassVar[Seen] = Seen()

    def __init__(self) -> None:
        super().__init__()
        self.office = Office()
        self.now: datetime = MONDAY

    @initialize()
    def limited_places(self) -> None:
        """So that capacity matters."""
        for name in ("brugwerk", "samenstap"):
            self.office.describe(name, capacity=1)

    @abstractmethod
    def send(self, command: Any, stream: str | None = None) -> None:
        """Decides a command on a referral or a legal basis, and watches what must hold of every command."""

    @abstractmethod
    def store(self, own: str, decided: list[Any]) -> None:
        """Keeps what was decided."""

    @abstractmethod
    def i2_nothing_is_done_by_an_organisation_without_a_basis(
        self, command: Any, referral_id: str, decided: list[Any]
    ) -> None:
        """Watches it where a command goes by another way than `send`."""

    def broadcast(self) -> Broadcast:
        """The offers to several."""
        return self.office.fold(broadcast_stream(BROADCAST_ID), BROADCAST)

    def context(self, command: Any) -> Context:
        """What a command rests on, as the service would load it."""
        referral_id = getattr(command, "referral_id", "") or command.legal_basis_id.removeprefix("LB-")
        context = self.office.context(referral_id, command.at, command)
        if isinstance(command, corrected_wait.CorrectWaiting):
            return replace(context, waitlisted_by="the-entry")
        broadcast = self.broadcast()
        if isinstance(command, WithdrawLegalBasis) and referral_id in OFFERS.values() and broadcast.whose is not None:
            # The one yes of the person was for all of them: the referral that goes on by it ends with it.
            own = OFFERS[broadcast.winner] if broadcast.winner is not None else referral_id
            return replace(self.office.context(own, command.at, command), broadcast=broadcast)
        return context

    @staticmethod
    def decided(command: Any, context: Context) -> tuple[list[Any], Refused | None]:
        """What follows from the command, and the refusal that it meets."""
        try:
            decided = (
                consent_withdrawal.withdraw_legal_basis(command, context)
                if isinstance(command, WithdrawLegalBasis)
                else decide(command, context)
            )
            return list(decided), None
        except Refused as refusal:
            return [], refusal

    @rule(hours=st.sampled_from((1, 30, 80, 130, 400, 800)))
    def time_passes(self, hours: int) -> None:
        """Hours or weeks go by, and the scheduler says of every deadline that it is time."""
        self.now += timedelta(hours=hours)
        for referral_id in IDS:
            for kind in (deadlines.RemindDeadline, deadlines.PassDeadline):
                for running in self.office.referral(referral_id).running:
                    self.send(
                        kind(at=self.now, by=CLOCK, referral_id=referral_id, name=running.name, due_at=running.due_at)
                    )
            for late in self.office.referral(referral_id).late:
                for level in late.to_come[:1]:
                    self.send(
                        ladder.EscalateDeadline(
                            at=self.now,
                            by=CLOCK,
                            referral_id=referral_id,
                            name=late.deadline,
                            due_at=late.due_at,
                            level=level.level,
                        )
                    )

    @precondition(lambda self: self.broadcast().state is None)
    @rule(packet=packets)
    def somebody_is_offered_to_several(self, packet: str) -> None:
        """A person who has no live referral, to both organisations."""
        told = PACKETS[packet]
        basis = told.legal_basis
        assert basis is not None
        consent = Consent(kind=basis.kind, text_version="v3", language="ar", given_at=basis.given_at)
        offers = tuple(
            OfferTo(organisation=name, referral_id=one, legal_basis_id=f"LB-{one}") for name, one in OFFERS.items()
        )
        self.of_several(
            OpenBroadcast(
                at=self.now,
                by=INES,
                broadcast_id=BROADCAST_ID,
                packet=replace(told, to=None, legal_basis=None),
                offers=offers,
                recipients=tuple(OFFERS),
                consent=consent,
                new_case_id="C-B-1",
            ),
            packet,
        )

    @rule(reason=st.sampled_from(WithdrawReason))
    def all_offers_are_taken_back(self, reason: WithdrawReason) -> None:
        """Of the broadcast, where it is open."""
        self.of_several(
            WithdrawBroadcast(at=self.now, by=INES, broadcast_id=BROADCAST_ID, reason=reason), "samira to brugwerk"
        )

    def of_several(self, command: BroadcastCommand, packet: str) -> None:
        """Sends a command on the broadcast."""
        stream = broadcast_stream(BROADCAST_ID)
        new = submission.SubmitReferral(
            at=self.now,
            by=INES,
            referral_id="R-new",
            packet=PACKETS[packet],
            legal_basis_id="LB-new",
            new_case_id="C-new",
        )

        def around() -> BroadcastContext:
            return BroadcastContext(
                broadcast=self.broadcast(),
                context=self.office.context("R-new", self.now, new),
                organisations={name: self.office.organisation(name) for name in OFFERS},
            )

        try:
            decided = list(broadcasting.decide(command, around()))
        except Refused:
            return
        self.store(stream, decided)
        if decided:
            self.seen.commands[type(command).__name__] += 1
        assert list(broadcasting.decide(command, around())) == [], "the same command twice changes nothing"

    @rule(referral_id=ids, by=st.sampled_from((LOTTE, KARIM, INES)))
    def somebody_reads_the_contact_data(self, referral_id: str, by: Actor) -> None:
        """As far as they may; the reading is recorded."""
        self.tell(disclosure.DiscloseContact(at=self.now, by=by, referral_id=referral_id))

    @rule(referral_id=ids)
    def an_auditor_has_the_identity_revealed(self, referral_id: str) -> None:
        """Of any referral; that it was is recorded, and told to the agency."""
        why = f"vault-reveal-{referral_id}"
        self.tell(
            disclosure.RevealIdentity(at=self.now, by=AUDITOR, referral_id=referral_id, reason_ref=why, kept=True)
        )

    @rule(referral_id=ids, days=st.integers(1, 60))
    def an_entry_on_the_waiting_list_is_corrected(self, referral_id: str, days: int) -> None:
        """By the organisation, in the case."""
        day = (self.now + timedelta(days=days)).date()
        corrected: dict[str, Any] = {"corrects": "the-entry", "reason": "CAPACITY_FULL", "expected_by": day}
        self.tell(corrected_wait.CorrectWaiting(at=self.now, by=CLOCK, referral_id=referral_id, **corrected))

    @rule(referral_id=ids)
    def casefile_tells_that_the_access_has_ended(self, referral_id: str) -> None:
        """Weeks after the organisation's part."""
        if self.office.referral(referral_id).state in TERMINAL:
            self.tell(ending.EndAccess(at=self.now, by=CLOCK, referral_id=referral_id))

    def tell(self, command: Any) -> None:
        """A command that is no action, on a referral that there is; read twice, contact data were read twice."""
        if self.office.referral(command.referral_id).offer is None:
            return
        if isinstance(command, disclosure.DiscloseContact | disclosure.RevealIdentity):
            decided, _ = self.decided(command, self.context(command))
            organisation = self.office.referral(command.referral_id).offer
            may = organisation is not None and command.by.org in (organisation.organisation, organisation.agency)
            may = may or command.by is AUDITOR
            if may and decided:
                self.i2_nothing_is_done_by_an_organisation_without_a_basis(command, command.referral_id, decided)
                self.store(referral_stream(command.referral_id), decided)
                self.seen.commands[type(command).__name__] += 1
            return
        self.send(command)

    @rule(data=st.data())
    def a_referral_moves_on(self, data: st.DataObject) -> None:
        """A command that the state allows on a referral that is live, so that every state is reached often."""
        referral_id = data.draw(
            st.sampled_from([i for i in IDS if self.office.referral(i).live] or IDS[:5]), label="which"
        )
        state = self.office.referral(referral_id).state
        possible = ["submit"] if state is None else [action for action, rule in RULES.items() if state in rule.states]
        # Ends are possible nearly everywhere: drawn as often as the rest, they would come too soon.
        forward = [one for one in possible if one not in ENDS]
        if possible:
            self.act(data.draw(st.sampled_from(forward * 4 + possible), label="action"), referral_id, data)

    @rule(data=st.data())
    def a_referral_moves_on_again(self, data: st.DataObject) -> None:
        """Twice as often as anything else."""
        self.a_referral_moves_on(data)

    @rule(referral_id=new_ids, first=st.sampled_from(("create", "submit")), data=st.data())
    def somebody_is_referred(self, referral_id: str, first: str, data: st.DataObject) -> None:
        """A draft, or a referral at once, where the id is still free."""
        if self.office.referral(referral_id).state is None:
            self.act(first, referral_id, data)

    @rule(referral_id=ids, action=st.sampled_from(("create", *RULES)), data=st.data())
    def somebody_tries_anything(self, referral_id: str, action: str, data: st.DataObject) -> None:
        """Any command in any state."""
        self.act(action, referral_id, data)

    def act(self, action: str, referral_id: str, data: st.DataObject) -> None:
        """Sends a command of that kind with a drawn body."""
        if referral_id in OFFERS.values() and self.office.referral(referral_id).state is None:
            return
        by: Actor = data.draw(agents) if action.endswith("-error") else INES
        offer = self.office.referral(referral_id).offer
        if action in BY_ORGANISATION and offer is not None:
            by = STAFF[offer.organisation or "brugwerk"]
        who: Any = {"at": self.now, "by": by, "referral_id": referral_id}
        self.send(data.draw(self.command(action, who), label="command"))

    def command(self, action: str, who: Any) -> st.SearchStrategy[Any]:
        """Commands of that kind, with any body."""
        referral_id = who["referral_id"]
        ids_made: Any = {"legal_basis_id": f"LB-{referral_id}", "new_case_id": f"C-{referral_id}"}
        question = self.office.referral(referral_id).question
        answers = tuple(
            information.InformationAnswer(code=code, answer_ref=f"vault-{code}")
            for code in (question.codes if question is not None else ("OCCUPATION",))
        )
        codes = st.lists(st.sampled_from(Question), max_size=2).map(tuple)
        agreed = st.sampled_from((True, True, True, False))
        days = st.integers(-1, 60).map(lambda days: (self.now + timedelta(days=days)).date())
        started = self.office.referral(referral_id).state is None
        kinds: dict[str, st.SearchStrategy[Any]] = {
            "create": packets.map(
                lambda packet: drafting.CreateDraft(**who, packet=PACKETS[packet], new_case_id=ids_made["new_case_id"])
            ),
            "edit": packets.map(lambda packet: drafting.EditDraft(**who, packet=PACKETS[packet])),
            "submit": packets.map(lambda packet: submission.SubmitReferral(**who, **ids_made, packet=PACKETS[packet]))
            if started
            else st.just(submission.SubmitDraft(**who, **ids_made)),
            "receive": st.just(answering.Receive(**who)),
            "request-information": codes.map(lambda codes: information.RequestInformation(**who, codes=codes)),
            "provide-information": st.just(information.ProvideInformation(**who, answers=answers)),
            "waitlist": st.builds(
                lambda reason, day, yes: waiting_list.Waitlist(
                    **who, reason=reason, expected_by=day, client_agreed=yes
                ),
                st.sampled_from(WaitlistReason),
                days,
                agreed,
            ),
            "accept": st.sampled_from(("lotte.claes", "someone.else")).map(
                lambda coordinator: answering.Accept(**who, coordinator=coordinator)
            ),
            "decline": st.sampled_from(DeclineReason).map(lambda reason: answering.Decline(**who, reason=reason)),
            "withdraw": st.sampled_from(WithdrawReason).map(lambda reason: ending.Withdraw(**who, reason=reason)),
            "complete": st.just(ending.CompleteReferral(**who, closed_at=self.now)),
            "mark-error": st.just(entered_in_error.MarkError(**who, justification_ref="vault-1")),
            "confirm-error": st.just(entered_in_error.ConfirmError(**who)),
        }
        return kinds[action]

    @rule(referral_id=ids)
    def the_person_withdraws_the_basis(self, referral_id: str) -> None:
        """Through the organisation, say."""
        basis = f"LB-{referral_id}"
        self.send(WithdrawLegalBasis(at=self.now, by=LOTTE, legal_basis_id=basis), legal_basis_stream(basis))

    @rule(packet=packets, kind=st.sampled_from((CloseCase, ReopenCase)))
    def casefile_tells_of_the_case(self, packet: str, kind: Callable[..., Any]) -> None:
        """The latest case is closed or opened again."""
        case_id = self.office.key(PACKETS[packet]).case_id
        if case_id is not None:
            self.office.case_told(kind(at=self.now, by=CLOCK, case_id=case_id), PACKETS[packet])
