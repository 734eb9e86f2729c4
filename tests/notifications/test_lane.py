"""What becomes of deliveries in a lane: the one that fails holds its case, and nothing that was told is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.chassis.modelling.decider import Actor
from services.notifications.delivering.ids import delivery_id
from services.notifications.domain.lane import (
    LANE,
    Delivered,
    DeliveryAttempted,
    DeliveryFailed,
    DeliveryRetryRequested,
    DeliveryState,
    DeliveryWithheld,
    RecordAttempt,
    RequestRetry,
    Withhold,
    decide,
    lane_stream,
)
from tests.support.given_when_then import Decisions

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
SYSTEM = Actor(sub="notifications", role="SYSTEM", org="caserelay")
LANES = Decisions(LANE, decide)


def message(number: int, replay: str | None = None) -> Delivered:
    """The delivery of the message with this number in the inbox of the case."""
    return Delivered(
        id=f"D{number}",
        event=f"E{number}",
        type="org.caserelay.referral.received.v1",
        position=100 + number,
        number=number,
        subscription="S1",
        organisation="brugwerk",
        key="C1",
        case="C1",
        replay=replay,
    )


def answered(number: int, *, known: int = 0, more: bool = False) -> RecordAttempt:
    """The receiver took it."""
    return RecordAttempt(
        at=AT,
        by=SYSTEM,
        delivery=message(number),
        known=known,
        acknowledged=True,
        started_at=AT,
        latency_ms=12,
        status=204,
        more=more,
    )


def refused(
    number: int, *, known: int = 0, next_at: datetime | None = LATER, probe_at: datetime | None = None
) -> RecordAttempt:
    """The receiver did not take it, and a pause follows, or none."""
    return RecordAttempt(
        at=AT,
        by=SYSTEM,
        delivery=message(number),
        known=known,
        acknowledged=False,
        started_at=AT,
        latency_ms=15_000,
        error="TIMEOUT",
        next_at=next_at,
        probe_at=probe_at,
    )


def withheld(number: int) -> Withhold:
    """The organisation may not get it any more."""
    return Withhold(at=AT, by=SYSTEM, delivery=message(number), rule="CONSENT_WITHDRAWN")


def asked_for(number: int) -> RequestRetry:
    """Somebody wants it again."""
    return RequestRetry(at=AT, by=SYSTEM, delivery=f"D{number}", now=AT)


def test_what_was_acknowledged_lets_the_lane_go_on() -> None:
    """Nothing is held, and the lane stands behind it."""
    lane = LANES.after(answered(3)).state
    assert (lane.through, lane.held) == (3, None)
    assert lane.known["D3"].state is DeliveryState.DELIVERED


def test_what_fails_holds_its_lane_until_it_has_ended() -> None:
    """It is known when it is tried again; after the third attempt it is through."""
    lane = LANES.after(refused(3)).state
    assert lane.through == 0
    assert lane.holds is not None
    assert (lane.holds.delivery.id, lane.holds.attempts, lane.holds.due_at) == ("D3", 1, LATER)
    lane = LANES.after(refused(3), refused(3, known=1), answered(3, known=2)).state
    assert (lane.through, lane.holds, lane.known["D3"].attempts) == (3, None, 3)


def test_what_used_up_its_pauses_is_visible_and_holds_nothing() -> None:
    """One event says that it failed, and the lane stands behind it."""
    events = LANES.given().when(refused(3, next_at=None)).events
    assert [type(event) for event in events] == [DeliveryAttempted, DeliveryFailed]
    lane = LANES.after(refused(3, next_at=None)).state
    assert (lane.through, lane.held, lane.known["D3"].state) == (3, None, DeliveryState.FAILED)
    assert lane.requested == []


def test_an_endpoint_that_is_away_is_probed_with_what_failed() -> None:
    """The probe holds nothing, and failing does not make it fail a second time; once it arrives, all is well."""
    probe = AT + timedelta(days=1)
    failed = refused(3, next_at=None, probe_at=probe)
    lane = LANES.after(failed).state
    assert (lane.through, lane.held) == (3, None)
    assert [(known.delivery.id, known.due_at) for known in lane.requested] == [("D3", probe)]
    again = refused(3, known=1, next_at=LATER, probe_at=probe + timedelta(days=1))
    events = LANES.after(failed).when(again).events
    assert [type(event) for event in events] == [DeliveryAttempted]
    assert events[0].outcome is DeliveryState.FAILED
    lane = LANES.after(failed, again, answered(3, known=2)).state
    assert (lane.requested, lane.known["D3"].state) == ([], DeliveryState.DELIVERED)


def test_what_is_withheld_names_the_rule_and_holds_nothing() -> None:
    """Also what was tried before."""
    LANES.given().when(withheld(3)).then(DeliveryWithheld(delivery=message(3), rule="CONSENT_WITHDRAWN", more=False))
    lane = LANES.after(refused(3), withheld(3)).state
    assert (lane.through, lane.held, lane.known["D3"].state) == (3, None, DeliveryState.WITHHELD)


def test_what_has_ended_is_not_withheld_afterwards() -> None:
    """Another process was first: the record stands."""
    LANES.after(answered(3)).when(withheld(3)).then()


def test_anything_may_be_asked_for_again_for_ever_and_holds_nothing() -> None:
    """It begins with its first pause, and the lane goes on beside it."""
    for first in (answered(3), refused(3, next_at=None), withheld(3)):
        LANES.after(first).when(asked_for(3)).then(DeliveryRetryRequested(delivery=message(3), due_at=AT))
        lane = LANES.after(first, asked_for(3)).state
        assert [known.due_at for known in lane.requested] == [AT]
        tried = refused(3, known=lane.attempts("D3"))
        lane = LANES.after(first, asked_for(3), tried).state
        assert (lane.through, lane.held, lane.known["D3"].state) == (3, None, DeliveryState.RETRYING)
        assert lane.known["D3"].since_request == 1
        lane = LANES.after(first, asked_for(3), tried, answered(4)).state
        assert (lane.through, lane.held) == (4, None)


def test_what_holds_its_lane_is_tried_at_once_when_somebody_asks() -> None:
    """It goes on holding it."""
    lane = LANES.after(refused(3), asked_for(3)).state
    assert lane.holds is not None
    assert (lane.holds.due_at, lane.requested) == (AT, [])


def test_what_is_under_way_is_not_asked_for_twice() -> None:
    """Its attempt is due already."""
    LANES.after(refused(3), asked_for(3)).when(asked_for(3)).is_refused("DELIVERY_UNDER_WAY")


def test_of_two_owners_each_acknowledged_attempt_is_recorded() -> None:
    """The one that was stopped records what was acknowledged, and not what failed: the other one tried it too."""
    LANES.after(refused(3)).when(refused(3)).then()
    lane = LANES.after(refused(3), answered(3)).state
    assert (lane.through, lane.known["D3"].state) == (3, DeliveryState.DELIVERED)
    LANES.after(answered(3)).when(answered(3)).then()
    late = LANES.after(refused(3, next_at=None), answered(4), answered(3)).state
    assert (late.through, late.known["D3"].state) == (4, DeliveryState.DELIVERED)


def test_what_was_passed_by_is_known_until_the_lane_has_caught_up() -> None:
    """What is sent again beside says nothing about it."""
    lane = LANES.after(refused(3), answered(3, known=1, more=True)).state
    assert lane.more
    assert LANES.after(refused(3), answered(3, known=1, more=True), asked_for(3), answered(3, known=2)).state.more
    assert not LANES.after(refused(3), answered(3, known=1, more=True), answered(4)).state.more


def test_a_replay_is_a_lane_of_its_own() -> None:
    """So it holds nothing of what comes, and each of its deliveries has an id of its own."""
    assert lane_stream("S1", "C1") != lane_stream("S1", "C1", "1")
    assert len({delivery_id("S1", "E1"), delivery_id("S2", "E1"), delivery_id("S1", "E1", replay="1")}) == 3
