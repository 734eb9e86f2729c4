"""What may be done to a subscription, and what becomes of it as somebody delivers: issue and api.md, by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from msgspec.structs import replace

from contracts.subscription_codes import ChallengeOutcome, SubscriptionState
from services.chassis.modelling.decider import Because, Command, Fault, To
from services.notifications.actions import decide
from services.notifications.context import SubscriptionContexts
from services.notifications.domain import subscribing, subscription_course
from services.notifications.domain.subscription import (
    OF_ORGANISATION,
    SUBSCRIPTION,
    OfOrganisation,
    Positions,
    Subscription,
    SubscriptionContext,
    organisation_stream,
)
from services.notifications.domain.subscription_events import (
    ChallengeFailed,
    OwnershipProven,
    Person,
    SubscriptionChanged,
    SubscriptionCounted,
    SubscriptionCreated,
    SubscriptionDeleted,
    SubscriptionPaused,
    SubscriptionUncounted,
)
from tests.notifications.subscriptions import (
    AT,
    ENDPOINT,
    FIRST_KEYS,
    MAIL,
    MAILBOX,
    PROVEN,
    WEBHOOK,
    challenged,
    created,
    of_caller,
    of_engine,
    rotated,
)
from tests.support.actors import HANNE, LOTTE
from tests.support.domain_page import SUBSCRIPTION_COMMANDS, table
from tests.support.given_when_then import Decisions, Given

_HOUR: Final = timedelta(hours=1)


def _decided(command: Command, subscription: Subscription) -> list[object]:
    context = SubscriptionContexts.of(subscription, {"positions": Positions(after=3, through=9)})
    return [*decide(command, context)]


SUBSCRIPTIONS: Final[Decisions[Subscription, Command]] = Decisions(SUBSCRIPTION, _decided)
PAUSE: Final = of_caller(subscribing.PauseSubscription)
RESUME: Final = of_caller(subscribing.ResumeSubscription)
VERIFY: Final = of_caller(subscribing.VerifySubscription)
TEST: Final = of_caller(subscribing.RequestDeliveryTest, test="t-1")
REPLAY: Final = of_caller(subscribing.ReplaySubscription, since=AT)
DELETE: Final = of_caller(subscribing.DeleteSubscription)
GONE: Final = of_engine(subscription_course.DisableSubscription, reason="GONE", status=410)
ELSEWHERE: Final = of_caller(
    subscribing.ChangeSubscription, choices=replace(ENDPOINT, url="https://hooks.example.org/other")
)
FULL: Final = of_caller(subscribing.ChangeSubscription, choices=replace(ENDPOINT, payload="FULL"))

IN_STATE: Final[dict[SubscriptionState, tuple[Command, ...]]] = {
    SubscriptionState.PENDING: (created(),),
    SubscriptionState.ACTIVE: (created(), PROVEN),
    SubscriptionState.PAUSED: (created(), PROVEN, PAUSE),
    SubscriptionState.DISABLED: (created(), PROVEN, GONE),
}
"""How a subscription comes to stand so."""


def given(state: SubscriptionState) -> Given[Subscription, Command]:
    """A webhook in a state."""
    return SUBSCRIPTIONS.after(*IN_STATE[state])


def test_a_new_subscription_is_pending_and_counts_for_its_organisation() -> None:
    """It is read as the role of who made it, and its first challenge has to be sent."""
    when = SUBSCRIPTIONS.given().when(created())
    when.then(
        To(organisation_stream("brugwerk"), SubscriptionCounted(subscription=WEBHOOK)),
        SubscriptionCreated(
            subscription=WEBHOOK,
            organisation="brugwerk",
            reads_as="NGO_COORDINATOR",
            choices=ENDPOINT,
            keys=FIRST_KEYS,
            created_by=Person(sub=LOTTE.sub, role="NGO_COORDINATOR"),
            created_at=AT,
        ),
    )
    assert (when.state.state, when.state.challenge_due) == (SubscriptionState.PENDING, 1)


def test_an_e_mail_is_read_as_the_person_who_gets_it() -> None:
    """Not as the lead who made it: what that person may not read, they are not told."""
    mailbox = replace(MAILBOX, person=Person(sub="an.peeters", role="NGO_LEAD"))
    assert SUBSCRIPTIONS.given().when(created(mailbox, HANNE)).state.reads_as == "NGO_LEAD"
    change = replace(of_caller(subscribing.ChangeSubscription, choices=MAILBOX), by=HANNE)
    changed = SUBSCRIPTIONS.after(created(mailbox, HANNE), PROVEN).when(change).state
    assert (changed.reads_as, changed.state) == ("NGO_COORDINATOR", SubscriptionState.PENDING)


def test_an_organisation_has_at_most_so_many_subscriptions() -> None:
    """500; one that was deleted makes room."""
    held = OF_ORGANISATION.initial
    for number in range(500):
        held = OF_ORGANISATION.evolve(held, SubscriptionCounted(subscription=str(number)))

    def among(held: OfOrganisation) -> Decisions[Subscription, Command]:
        return Decisions(SUBSCRIPTION, lambda command, own: decide(command, _with(own, held)))

    among(held).given().when(created()).is_refused("TOO_MANY_SUBSCRIPTIONS", because=Because.STATE)
    held = OF_ORGANISATION.evolve(held, SubscriptionUncounted(subscription="17"))
    assert among(held).given().when(created()).events


def _with(own: Subscription, held: OfOrganisation) -> SubscriptionContext:
    return SubscriptionContext(subscription=own, held=held)


def test_what_is_wrong_with_the_choices_is_told_at_once() -> None:
    """All of it, and nothing is made."""
    faults = (Fault("/url", "URL_NOT_ALLOWED", "…"), Fault("/types/0", "UNKNOWN_TYPE", "…"))
    when = SUBSCRIPTIONS.given().when(created(faults=faults))
    when.is_refused("URL_NOT_ALLOWED", faults=[("/url", "URL_NOT_ALLOWED"), ("/types/0", "UNKNOWN_TYPE")])


GIVEN: Final[dict[str, tuple[Command, ...]]] = {
    "create": (created(),),
    "change": (FULL, ELSEWHERE),
    "verify": (VERIFY,),
    "pause": (PAUSE,),
    "resume": (RESUME,),
    "test": (TEST,),
    "rotate-secret": (rotated(2),),
    "replay": (REPLAY,),
    "delete": (DELETE,),
}
"""Each command of the page; of several, one for each of its rows, in their order."""
REPEATS: Final = {("verify", "ACTIVE"), ("verify", "PAUSED"), ("pause", "PAUSED"), ("resume", "ACTIVE")}
"""What is answered as done and changes nothing, as the page says beneath its table."""


@pytest.mark.parametrize("state", SubscriptionState)
@pytest.mark.parametrize("command", GIVEN)
def test_each_command_does_what_the_page_says_in_every_state(command: str, state: SubscriptionState) -> None:
    """docs/domain.md: from which states, to which one, by which event; refused in all others."""
    rows = [row for row in table(SUBSCRIPTION_COMMANDS) if row.command == command]
    assert len(rows) == len(GIVEN[command])
    if command == "create":
        assert (rows[0].states, rows[0].to) == ((None,), "PENDING")
        return
    for row, given_command in zip(rows, GIVEN[command], strict=True):
        when = given(state).when(given_command)
        if (command, state) in REPEATS:
            when.then()
        elif state not in row.states:
            refusal = when.is_refused("STATE_DOES_NOT_ALLOW", because=Because.STATE)
            assert f"is {state}" in refusal.detail
        else:
            own = [type(event).__name__ for event in when.events if not isinstance(event, To)]
            assert own == [name for name, _ in row.events]
            after = when.state
            assert after.deleted is (command == "delete")
            assert after.deleted or after.state == (row.to or state)


def test_a_challenge_that_was_answered_makes_it_active() -> None:
    """And nothing of the challenge is open any more."""
    when = given(SubscriptionState.PENDING).when(PROVEN)
    when.then(OwnershipProven(challenge=1, proven_at=AT + _HOUR))
    assert (when.state.state, when.state.challenge) == (SubscriptionState.ACTIVE, None)


def test_a_challenge_that_was_not_answered_is_not_sent_again_by_itself() -> None:
    """The reason stands in the resource, until verify asks for another one."""
    pending = given(SubscriptionState.PENDING)
    when = pending.when(challenged(ChallengeOutcome.STATUS, status=503))
    when.then(ChallengeFailed(challenge=1, outcome="STATUS", status=503, failed_at=AT + _HOUR))
    failed = when.state
    assert (failed.state, failed.challenge_due) == (SubscriptionState.PENDING, None)
    assert failed.last_challenge is not None
    assert (failed.last_challenge.outcome, failed.last_challenge.status) == ("STATUS", 503)
    again = Given(SUBSCRIPTIONS, failed).when(VERIFY).state
    assert again.challenge_due == 2


@pytest.mark.parametrize("outcome", [ChallengeOutcome.PROVEN, ChallengeOutcome.TIMEOUT])
def test_the_answer_to_an_earlier_challenge_proves_nothing(outcome: ChallengeOutcome) -> None:
    """It may have come from the URL of before: only the challenge that is open counts, and counts once."""
    SUBSCRIPTIONS.after(created(), ELSEWHERE).when(challenged(outcome, 1)).then()
    SUBSCRIPTIONS.after(created(), PROVEN).when(challenged(outcome, 1)).then()
    assert SUBSCRIPTIONS.after(created(), ELSEWHERE).when(challenged(outcome, 2)).events


def test_an_e_mail_that_asks_for_confirmation_is_sent_once() -> None:
    """And the address is proven by the answer to that one, however late."""
    sent = SUBSCRIPTIONS.after(created(MAILBOX), challenged(ChallengeOutcome.SENT))
    assert (sent.state.subscription, sent.state.challenge_due, sent.state.challenge) == (MAIL, None, 1)
    sent.when(challenged(ChallengeOutcome.SENT)).then()
    assert sent.when(PROVEN).state.state is SubscriptionState.ACTIVE


@pytest.mark.parametrize("state", SubscriptionState)
def test_another_url_has_to_be_proven_first(state: SubscriptionState) -> None:
    """From whatever state: an endpoint that nobody proved gets nothing."""
    changed = given(state).when(ELSEWHERE).state
    assert changed.state is SubscriptionState.PENDING
    assert changed.challenge_due == changed.challenges == 2
    assert changed.disabled is None


@pytest.mark.parametrize("state", SubscriptionState)
def test_other_choices_leave_the_state_as_it_is(state: SubscriptionState) -> None:
    """The same choices change nothing at all."""
    when = given(state).when(FULL)
    choices = replace(ENDPOINT, payload="FULL")
    when.then(SubscriptionChanged(choices=choices, elsewhere=False, changed_at=AT + _HOUR))
    assert when.state.state is state
    given(state).when(of_caller(subscribing.ChangeSubscription, choices=ENDPOINT)).then()


def test_the_channel_stays() -> None:
    """A mailbox does not become an endpoint."""
    change = of_caller(subscribing.ChangeSubscription, choices=MAILBOX)
    given(SubscriptionState.ACTIVE).when(change).is_refused("CHANNEL_FIXED", faults=[("/channel", "CHANNEL_FIXED")])


def test_pausing_twice_pauses_once() -> None:
    """And resuming goes back to ACTIVE."""
    given(SubscriptionState.ACTIVE).when(PAUSE).then(SubscriptionPaused(paused_at=AT + _HOUR))
    given(SubscriptionState.PAUSED).when(PAUSE).then()
    assert given(SubscriptionState.PAUSED).when(RESUME).state.state is SubscriptionState.ACTIVE
    given(SubscriptionState.ACTIVE).when(RESUME).then()


def test_verify_brings_back_what_was_disabled_and_asks_nothing_of_what_is_proven() -> None:
    """A disabled one is PENDING until it is proven."""
    again = given(SubscriptionState.DISABLED).when(VERIFY).state
    assert (again.state, again.challenge_due, again.disabled) == (SubscriptionState.PENDING, 2, None)
    given(SubscriptionState.ACTIVE).when(VERIFY).then()
    given(SubscriptionState.PAUSED).when(VERIFY).then()


def test_what_is_disabled_says_why() -> None:
    """Once, with the status of the answer."""
    disabled = given(SubscriptionState.PAUSED).when(GONE).state
    assert disabled.disabled is not None
    assert (disabled.disabled.reason, disabled.disabled.status) == ("GONE", 410)
    given(SubscriptionState.DISABLED).when(GONE).then()


def test_what_was_sent_to_another_url_says_nothing_of_this_one() -> None:
    """An answer that was on its way when the URL changed is of the challenge before."""
    moved = SUBSCRIPTIONS.after(created(), PROVEN, ELSEWHERE, challenged(ChallengeOutcome.PROVEN, 2))
    for command in (GONE, of_engine(subscription_course.WarnAboutSubscription, warning="FAILING", since=AT)):
        moved.when(replace(command, challenges=1)).then()
        assert len(moved.when(replace(command, challenges=2)).events) == 1


def test_old_and_new_keys_sign_until_the_old_ones_end() -> None:
    """At that instant the old ones do not any more, and the newest comes first."""
    after = given(SubscriptionState.ACTIVE).when(rotated(2, timedelta(hours=24))).state
    assert [keys.public_key for keys in after.signing(AT + timedelta(hours=23, minutes=59))] == [
        "whpk_2",
        "whpk_Zmlyc3Q=",
    ]
    assert [keys.public_key for keys in after.signing(AT + timedelta(hours=24))] == ["whpk_2"]


def test_a_later_rotation_does_not_lengthen_what_was_to_end() -> None:
    """What ends in an hour ends in an hour, and what a rotation ends at once is gone."""
    before = given(SubscriptionState.ACTIVE).when(rotated(2, _HOUR)).state
    later = Given(SUBSCRIPTIONS, before).when(rotated(3, timedelta(hours=48))).state
    assert [keys.public_key for keys in later.signing(AT + _HOUR)] == ["whpk_3", "whpk_2"]
    at_once = Given(SUBSCRIPTIONS, before).when(rotated(3, timedelta())).state
    assert [keys.public_key for keys in at_once.keys] == ["whpk_3"]


def test_no_more_than_four_secrets_sign_at_the_same_time() -> None:
    """A fifth waits for one of them to end, or ends all of them."""
    four = SUBSCRIPTIONS.after(created(), rotated(2), rotated(3), rotated(4))
    assert len(four.state.signing(AT)) == 4
    four.when(rotated(5)).is_refused("TOO_MANY_SECRETS", because=Because.STATE)
    assert len(four.when(rotated(5, timedelta())).state.keys) == 1
    assert len(four.when(rotated(5, now=AT + timedelta(hours=25))).state.keys) == 2


def test_a_mailbox_has_no_secret_and_no_replay() -> None:
    """E-mail is read by people."""
    mailbox = SUBSCRIPTIONS.after(created(MAILBOX), PROVEN)
    mailbox.when(rotated(2)).is_refused("WEBHOOK_ONLY")
    mailbox.when(REPLAY).is_refused("WEBHOOK_ONLY")
    assert mailbox.when(TEST).state.test is not None


def test_one_replay_runs_at_a_time() -> None:
    """The next begins when it is done; an empty range changes nothing."""
    running = SUBSCRIPTIONS.after(created(), PROVEN, REPLAY)
    assert running.state.replay is not None
    assert (running.state.replay.replay, running.state.replay.after_position) == (1, 3)
    running.when(REPLAY).is_refused("REPLAY_RUNNING", because=Because.STATE)
    running.when(of_engine(subscription_course.FinishReplay, replay=2)).then()
    done = Given(SUBSCRIPTIONS, running.when(of_engine(subscription_course.FinishReplay, replay=1)).state)
    assert done.when(REPLAY).state.replays == 2
    empty = SubscriptionContexts.of(done.state, {"positions": Positions(after=9, through=9)})
    assert decide(REPLAY, empty) == []


def test_a_warning_stands_until_deliveries_arrive_again() -> None:
    """And nothing is noted of a recovery from nothing."""
    warn = of_engine(subscription_course.WarnAboutSubscription, warning="FAILING", since=AT)
    recover = of_engine(subscription_course.RecordRecovery)
    warned = SUBSCRIPTIONS.after(created(), PROVEN, warn)
    assert warned.state.warned is not None
    assert warned.when(recover).state.warned is None
    warned.when(replace(warn, since=AT + _HOUR)).then()
    given(SubscriptionState.ACTIVE).when(recover).then()


def test_nothing_happens_to_what_was_deleted() -> None:
    """What still delivers, or asked for a challenge, notes nothing any more."""
    deleted = SUBSCRIPTIONS.after(created(), DELETE)
    assert deleted.state.state is None
    deleted.when(DELETE).then()
    for command in (
        PROVEN,
        GONE,
        of_engine(subscription_course.WarnAboutSubscription, warning="FAILING", since=AT),
        of_engine(subscription_course.RecordRecovery),
        of_engine(subscription_course.FinishReplay, replay=1),
    ):
        deleted.when(command).then()
    given(SubscriptionState.ACTIVE).when(DELETE).then(
        To(organisation_stream("brugwerk"), SubscriptionUncounted(subscription=WEBHOOK)),
        SubscriptionDeleted(deleted_at=AT + _HOUR),
    )
