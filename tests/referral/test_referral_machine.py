"""Whatever its users and the clock do, in whatever order: what always holds of referrals."""

from __future__ import annotations

from typing import Any, Final

import pytest
from msgspec import UNSET

from contracts.codes import ReferralState
from contracts.message import encode
from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Metadata, Recorded
from services.chassis.modelling.decider import Because, Command, To
from services.referral.actions import ACTIONS, OTHER_COMMANDS
from services.referral.domain import (
    answering,
    drafting,
    ending,
    entered_in_error,
    information,
    submission,
    waiting_list,
)
from services.referral.domain.case_key import CASE_KEY
from services.referral.domain.consent_withdrawal import WithdrawLegalBasis
from services.referral.domain.offer import referral_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import TERMINAL, Referral
from services.referral.events import EVENTS
from services.referral.publishing import publish
from tests.referral.referral_steps import IDS, OFFERS, ReferralSteps
from tests.support.actors import INES
from tests.support.dates import MONDAY
from tests.support.machines import tell
from tests.support.niss import valid_national_numbers

TYPES = EventTypes(EVENTS)
META = Metadata(event_id="e", actor=INES, occurred_at=MONDAY, recorded_at=MONDAY, correlation_id="e")

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


class Referrals(ReferralSteps):
    """The stories, watched: three people, two organisations with a place each, five referrals and a broadcast."""

    def __init__(self) -> None:
        super().__init__()
        self.then: dict[tuple[str, int], Referral] = {}
        """The state of a referral stream when it had so many events."""

    def send(self, command: Any, stream: str | None = None) -> None:
        """Decides a command and stores what follows, watching what must hold of every command."""
        referral_id: str = getattr(command, "referral_id", "") or command.legal_basis_id.removeprefix("LB-")
        own = stream or referral_stream(referral_id)
        before = self.office.referral(referral_id)
        context = self.context(command)
        action = ACTION_OF.get(type(command))
        blocked = self.office.blocked(action, referral_id, command.by, command.at) if action is not None else None
        decided, refusal = self.decided(command, context)
        if refusal is not None:
            told_possible = action is not None and before.state is not None and blocked is None
            by_content = refusal.because is Because.INPUT or refusal.code == "REFERRAL_LIVE"
            assert by_content or not told_possible, f"{action} is told to be possible and refused: {refusal}"
            return
        assert blocked is None or decided == [], f"{action} is told to be blocked and was done"
        self.i2_nothing_is_done_by_an_organisation_without_a_basis(command, referral_id, decided)
        self.i9_no_payload_has_a_text_or_a_national_number(own, decided)
        self.store(own, decided)
        if decided:
            self.seen.commands[type(command).__name__] += 1
        self.i5_a_final_referral_takes_nothing_but_correction(command, before)
        self.i8_an_accepted_referral_ends_with_a_handback_or_a_stop(command, before)
        again, _ = self.decided(command, self.context(command))
        assert again == [], "the same command twice changes nothing"

    def store(self, own: str, decided: list[Any]) -> None:
        """Keeps what was decided, and what each of the referrals is after it."""
        self.office.store(own, decided)
        for referral_id in IDS:
            self.remember(referral_id)
        self.a_person_has_at_most_one_live_referral_and_the_key_knows_it()
        self.places_are_taken_by_accepted_referrals_and_by_no_others()
        self.clocks_run_exactly_while_somebody_is_awaited()

    def i2_nothing_is_done_by_an_organisation_without_a_basis(
        self, command: Any, referral_id: str, decided: list[Any]
    ) -> None:
        """Once the person has withdrawn it, neither side uses or discloses anything on it."""
        by_organisation = command.by.org in ("brugwerk", "samenstap")
        if decided and by_organisation and not isinstance(command, WithdrawLegalBasis):
            assert self.office.legal_basis(f"LB-{referral_id}").withdrawn_at is None

    def i5_a_final_referral_takes_nothing_but_correction(self, command: Any, before: Referral) -> None:
        """And what was confirmed as an error takes nothing at all. That an access has ended moves nothing."""
        corrects = isinstance(command, entered_in_error.MarkError | entered_in_error.ConfirmError)
        now = self.office.referral(before.offer.referral_id) if before.offer is not None else before
        if before.state is ReferralState.ENTERED_IN_ERROR or (before.state in TERMINAL and not corrects):
            assert now.state is before.state, "a terminal state accepts nothing but correction"

    def i8_an_accepted_referral_ends_with_a_handback_or_a_stop(self, command: Any, before: Referral) -> None:
        """Or because it was entered in error; the organisation cannot decline any more, nor the agency withdraw."""
        now = self.office.referral(before.offer.referral_id) if before.offer is not None else before
        if before.state is ReferralState.ACCEPTED and now.state is not before.state:
            ends = ending.CompleteReferral | WithdrawLegalBasis | entered_in_error.ConfirmError
            assert isinstance(command, ends), type(command).__name__
            assert now.state in (ReferralState.COMPLETED, ReferralState.ENTERED_IN_ERROR)

    def i9_no_payload_has_a_text_or_a_national_number(self, own: str, decided: list[Any]) -> None:
        """What is stored has references to the vault, and what is published has not even these."""
        for decision in decided:
            stream, event = (decision.stream, decision.event) if isinstance(decision, To) else (own, decision)
            topic, stored = TYPES.encode(event, META)
            recorded = Recorded(1, stream, 1, topic, event, META, stored)
            published = publish(recorded)
            told = encode(published[1]) if published is not None else b""
            assert b"vault-" not in told
            assert not valid_national_numbers((stored + told).decode())

    def remember(self, referral_id: str) -> None:
        """Keeps the state for the comparison with a replay."""
        stream = referral_stream(referral_id)
        length = len(self.office.streams.get(stream, ()))
        if (stream, length) not in self.then:
            state = self.office.referral(referral_id)
            self.then[stream, length] = state
            self.seen.states[str(state.state)] += 1

    def a_person_has_at_most_one_live_referral_and_the_key_knows_it(self) -> None:
        """Uniqueness is held by the key's own stream."""
        live: dict[str, set[str]] = {}
        for referral_id in IDS:
            referral = self.office.referral(referral_id)
            if referral.live and referral.offer is not None:
                of_several = referral.offer.broadcast
                # Offers to several are one live referral, as long as nobody has won.
                held_by = referral_id if of_several is UNSET else of_several
                live.setdefault(referral.offer.case_key, set()).add(held_by)
        for stream in self.office.streams:
            if stream.startswith("case-key-"):
                held = self.office.fold(stream, CASE_KEY).live
                assert live.get(stream.removeprefix("case-key-"), set()) == ({held} if held is not None else set())

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
                case _ if referral_id in OFFERS.values():
                    # Casefile, which ends the access to cases, knows of none here.
                    assert names <= {"NGO_ACCESS"}
                case _:
                    assert names == set()

    def teardown(self) -> None:
        """I6, of the whole story."""
        self.i6_the_replay_of_n_events_is_the_state_after_n()

    def i6_the_replay_of_n_events_is_the_state_after_n(self) -> None:
        """Of every referral, from the bytes that the log would hold: after N events it is what it was then."""
        for (stream, length), state in self.then.items():
            replayed = Referral()
            for event in self.office.streams.get(stream, ())[:length]:
                stored, _ = TYPES.decode(*TYPES.encode(event, META))
                replayed = REFERRAL.evolve(replayed, stored)
            assert replayed == state


COMMANDS: Final = {
    *(row.command.__name__ for row in ACTIONS.values()),
    *(row.command.__name__ for row in OTHER_COMMANDS),
    *("OpenBroadcast", "WithdrawBroadcast", "WithdrawLegalBasis"),
}
DEEP: Final = {"ACCEPTED": 100, "WAITLISTED": 50, "COMPLETED": 40, "EXPIRED": 60, "ENTERED_IN_ERROR": 20}
"""How often 500 stories come to a state at the least."""


@pytest.mark.timeout(600)
def test_whatever_happens_to_referrals_their_invariants_hold() -> None:
    """I2, I5, I6, I8 and I9; every command was accepted in some story, and the late states were come to often."""
    tell(Referrals, steps=50)
    Referrals.seen.expect(COMMANDS, DEEP)
