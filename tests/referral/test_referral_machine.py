"""Whatever its users and the clock do, in whatever order: what always holds of referrals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from contracts.codes import DeclineReason, Question, ReferralState, WaitlistReason, WithdrawReason
from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Metadata
from services.chassis.modelling.decider import Actor, Because, Command, Refused
from services.referral.actions import RULES, decide
from services.referral.domain import (
    answering,
    consent_withdrawal,
    deadlines,
    drafting,
    ending,
    entered_in_error,
    information,
    submission,
    waiting_list,
)
from services.referral.domain.case_key import CASE_KEY, CloseCase, ReopenCase
from services.referral.domain.consent_withdrawal import WithdrawLegalBasis
from services.referral.domain.context import Context
from services.referral.domain.legal_basis import legal_basis_stream
from services.referral.domain.offer import referral_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import TERMINAL, Referral
from services.referral.events import EVENTS
from tests.referral.office import SAMIRA, Office, to
from tests.support.actors import CLOCK, INES, LOTTE, TOM
from tests.support.dates import MONDAY

IDS = ("R-1", "R-2", "R-3", "R-4", "R-5")
PACKETS = (
    SAMIRA,
    to("samenstap"),
    replace(SAMIRA, client_ref="CL-19C0"),
    to("samenstap", replace(SAMIRA, client_ref="CL-2B11")),
    replace(SAMIRA, client_ref="CL-2B11", goals=()),
)
ENDS = ("edit", "decline", "withdraw", "complete", "mark-error", "confirm-error")
TYPES = EventTypes(EVENTS)
META = Metadata(event_id="e", actor=INES, occurred_at=MONDAY, recorded_at=MONDAY, correlation_id="e")

ids, packets = st.sampled_from(IDS), st.sampled_from(PACKETS)
agents = st.sampled_from((INES, TOM))

ACTION_OF: dict[type[Command], str] = {
    drafting.EditDraft: "edit",
    submission.SubmitDraft: "submit",
    answering.Receive: "receive",
    information.RequestInformation: "request-information",
    information.ProvideInformation: "provide-information",
    waiting_list.Waitlist: "waitlist",
    answering.Accept: "accept",
    answering.Decline: "decline",
    ending.Withdraw: "withdraw",
    entered_in_error.MarkError: "mark-error",
    entered_in_error.ConfirmError: "confirm-error",
}


class Referrals(RuleBasedStateMachine):
    """Three people, two organisations with a place each, five referrals, any commands in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Office()
        self.now: datetime = MONDAY
        self.then: dict[tuple[str, int], Referral] = {}
        """The state of a referral stream when it had so many events."""

    @initialize()
    def limited_places(self) -> None:
        """So that capacity matters."""
        for name in ("brugwerk", "samenstap"):
            self.office.describe(name, capacity=1)

    def send(self, command: Any, stream: str | None = None) -> None:
        """Decides a command and stores what follows, watching what must hold of every command."""
        referral_id: str = getattr(command, "referral_id", "") or command.legal_basis_id.removeprefix("LB-")
        own = stream or referral_stream(referral_id)
        before = self.office.referral(referral_id)
        context = self.office.context(referral_id, command.at, command)
        action = ACTION_OF.get(type(command))
        blocked = self.office.blocked(action, referral_id, command.by, command.at) if action is not None else None
        decided, refusal = self.decided(command, context)
        if refusal is not None:
            told_possible = action is not None and before.state is not None and blocked is None
            by_content = refusal.because is Because.INPUT or refusal.code == "REFERRAL_LIVE"
            assert by_content or not told_possible, f"{action} is told to be possible and refused: {refusal}"
            return
        assert blocked is None or decided == [], f"{action} is told to be blocked and was done"
        self.office.store(own, decided)
        self.remember(referral_id)
        if before.state in TERMINAL and not isinstance(
            command, entered_in_error.MarkError | entered_in_error.ConfirmError
        ):
            assert self.office.referral(referral_id) == before, "a terminal state accepts nothing but correction"
        if before.state is ReferralState.ENTERED_IN_ERROR:
            assert self.office.referral(referral_id) == before, "nothing follows on a confirmed error"
        again, _ = self.decided(command, self.office.context(referral_id, command.at, command))
        assert again == [], "the same command twice changes nothing"

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

    def remember(self, referral_id: str) -> None:
        """Keeps the state for the comparison with a replay."""
        stream = referral_stream(referral_id)
        self.then[stream, len(self.office.streams.get(stream, ()))] = self.office.referral(referral_id)

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

    @rule(data=st.data())
    def a_referral_moves_on(self, data: st.DataObject) -> None:
        """A command that the state allows on a referral that is live, so that every state is reached often."""
        referral_id = data.draw(st.sampled_from([i for i in IDS if self.office.referral(i).live] or IDS), label="which")
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

    @rule(referral_id=ids, first=st.sampled_from(("create", "submit")), data=st.data())
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
        by: Actor = data.draw(agents) if action.endswith("-error") else INES
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
                lambda packet: drafting.CreateDraft(**who, packet=packet, new_case_id=ids_made["new_case_id"])
            ),
            "edit": packets.map(lambda packet: drafting.EditDraft(**who, packet=packet)),
            "submit": packets.map(lambda packet: submission.SubmitReferral(**who, **ids_made, packet=packet))
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
    def casefile_tells_of_the_case(self, packet: Any, kind: Callable[..., Any]) -> None:
        """The latest case is closed or opened again."""
        case_id = self.office.key(packet).case_id
        if case_id is not None:
            self.office.case_told(kind(at=self.now, by=CLOCK, case_id=case_id), packet)

    @invariant()
    def a_person_has_at_most_one_live_referral_and_the_key_knows_it(self) -> None:
        """Uniqueness is held by the key's own stream."""
        live: dict[str, list[str]] = {}
        for referral_id in IDS:
            referral = self.office.referral(referral_id)
            if referral.live and referral.offer is not None:
                live.setdefault(referral.offer.case_key, []).append(referral_id)
        for stream in self.office.streams:
            if stream.startswith("case-key-"):
                held = self.office.fold(stream, CASE_KEY).live
                assert live.get(stream.removeprefix("case-key-"), []) == ([held] if held is not None else [])

    @invariant()
    def places_are_taken_by_accepted_referrals_and_by_no_others(self) -> None:
        """Nobody's place is lost, and nobody takes two."""
        for name in ("brugwerk", "samenstap"):
            accepted = {
                referral_id
                for referral_id in IDS
                if (referral := self.office.referral(referral_id)).state is ReferralState.ACCEPTED
                and referral.offer is not None
                and referral.offer.organisation == name
            }
            assert self.office.organisation(name).taken_by == accepted
            assert len(accepted) <= 1

    @invariant()
    def clocks_run_exactly_while_somebody_is_awaited(self) -> None:
        """Every waiting state ends by itself; no other state has a deadline."""
        for referral_id in IDS:
            referral = self.office.referral(referral_id)
            names = {deadline.name for deadline in referral.running}
            assert len(names) == len(referral.running)
            match referral.state:
                case ReferralState.DRAFT:
                    assert names == {"DRAFT_LAPSE"}
                case ReferralState.SUBMITTED:
                    assert names == {"RECEIPT", "DECISION", "EXPIRY"}
                case ReferralState.RECEIVED:
                    assert names == {"DECISION", "EXPIRY"}
                case ReferralState.INFO_REQUESTED:
                    assert names == {"INFORMATION", "EXPIRY"}
                case ReferralState.WAITLISTED:
                    assert names in ({"WAITLIST_REVIEW", "EXPIRY"}, {"EXPIRY"})
                case _:
                    assert names == set()

    def teardown(self) -> None:
        """Replays every referral from the bytes that the log would hold: after N events it is what it was then."""
        for (stream, length), state in self.then.items():
            replayed = Referral()
            for event in self.office.streams.get(stream, ())[:length]:
                stored, _ = TYPES.decode(*TYPES.encode(event, META))
                replayed = REFERRAL.evolve(replayed, stored)
            assert replayed == state


TestReferrals = Referrals.TestCase
TestReferrals.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
