"""Referrals as they were recorded once: their stored bytes still tell how each of them went."""

from __future__ import annotations

from typing import TypeVar

import pytest

from contracts.codes import ReferralState
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Entity
from services.referral.domain.case_key import CASE_KEY
from services.referral.domain.legal_basis import LEGAL_BASIS
from services.referral.domain.organisation import ORGANISATION
from services.referral.domain.referral import REFERRAL
from services.referral.events import EVENT_TYPES
from services.referral.publishing import publish
from tests.support.golden import corpus

S = TypeVar("S")

TYPES = EVENT_TYPES
SAMIRA = corpus("referral").story("story-9.1", TYPES)
YONAS = corpus("referral").story("story-9.2", TYPES)


def replay(entity: Entity[S], records: list[Recorded], stream: str) -> S:
    """The state that a stream leads to."""
    state = entity.initial
    for recorded in records:
        if recorded.stream == stream:
            state = entity.evolve(state, recorded.event)
    return state


def streams(records: list[Recorded], kind: str) -> list[str]:
    """The streams of a kind, in the order in which they began."""
    return list(dict.fromkeys(recorded.stream for recorded in records if recorded.stream.startswith(kind)))


@pytest.mark.parametrize("story", [SAMIRA, YONAS], ids=["9.1", "9.2"])
def test_a_story_is_whole(story: list[Recorded]) -> None:
    """Positions rise, and no stream has a gap."""
    positions = [recorded.position for recorded in story]
    assert positions == sorted(set(positions))
    for stream in streams(story, ""):
        versions = [recorded.version for recorded in story if recorded.stream == stream]
        assert versions == list(range(1, len(versions) + 1)), stream


def test_the_accepted_referral_is_completed() -> None:
    """Story 9.1: submitted, received, accepted by Lotte Claes, completed by the handback that the agency accepted."""
    (stream,) = streams(SAMIRA, "referral-")
    referral = replay(REFERRAL, SAMIRA, stream)
    assert referral.state is ReferralState.COMPLETED
    assert referral.coordinator == "lotte.claes"
    assert referral.offer is not None
    assert (referral.offer.agency, referral.offer.organisation) == ("vdab-gent", "brugwerk")
    assert referral.running == ()
    assert not referral.live


def test_its_case_ended_and_the_person_may_be_referred_again() -> None:
    """The case key holds no live referral, and the next one opens a new case."""
    (stream,) = streams(SAMIRA, "case-key-")
    key = replay(CASE_KEY, SAMIRA, stream)
    assert key.live is None
    assert not key.case_open
    assert key.case_for("a-new-case") == "a-new-case"


def test_the_declined_and_the_made_again_referral_ended_each_in_its_own_way() -> None:
    """Story 9.2: declined for the language, made again elsewhere, and over with the person's consent."""
    first, second = (replay(REFERRAL, YONAS, stream) for stream in streams(YONAS, "referral-"))
    assert first.state is ReferralState.DECLINED
    assert first.ended_with is not None
    assert first.ended_with.reason == "LANGUAGE_INSUFFICIENT"
    assert second.state is ReferralState.COMPLETED
    assert second.ended_with is not None
    assert second.ended_with.reason == "CONSENT_WITHDRAWN"
    assert first.offer is not None
    assert second.offer is not None
    assert first.offer.case_id == second.offer.case_id
    assert second.packet is not None
    assert second.packet.previous_referral == first.offer.referral_id


def test_only_the_withdrawn_legal_basis_is_withdrawn() -> None:
    """Each referral had a basis of its own, for its own recipient."""
    first, second = (replay(LEGAL_BASIS, YONAS, stream) for stream in streams(YONAS, "legal-basis-"))
    assert first.withdrawn_at is None
    assert second.withdrawn_at is not None
    assert second.withdrawn_at.isoformat() == "2026-04-22T10:05:00+00:00"


def test_the_stored_story_is_still_told_in_the_same_messages() -> None:
    """What is published of it today is what was published of it then."""
    told = [published[1].NAME for recorded in SAMIRA if (published := publish(recorded)) is not None]
    assert told == ["ReferralSubmitted", "ReferralReceived", "ReferralAccepted", "ReferralCompleted"]


def test_an_organisation_was_suspended_for_a_while() -> None:
    """Its descriptions say so one after the other, and the place that a referral took stays taken meanwhile."""
    state, told = ORGANISATION.initial, []
    for recorded in corpus("referral").story("a-suspension", TYPES):
        state = ORGANISATION.evolve(state, recorded.event)
        assert state.description is not None
        told.append((state.description.suspended, len(state.taken_by)))
    assert told == [(False, 0), (False, 1), (True, 1), (False, 1)]


def test_an_organisation_of_before_there_was_suspension_is_not_suspended() -> None:
    """Its stored description has no such field."""
    event, _ = TYPES.decode("organisation.described.v1", corpus("referral").samples()["organisation.described.v1"])
    assert event.description.suspended is False


def test_a_corrected_wait_is_answered_as_it_was_corrected() -> None:
    """On the list until 1 March as it was said, until 1 April as it was corrected; its first day there stays."""
    story = corpus("referral").story("a-corrected-wait", TYPES)
    (stream,) = streams(story, "referral-")
    waiting = replay(REFERRAL, story, stream).waiting
    assert waiting is not None
    assert (waiting.expected_by.isoformat(), waiting.since.date().isoformat()) == ("2026-04-01", "2026-01-12")


def test_a_programme_with_a_region_and_closing_days_is_read_as_it_was_published() -> None:
    """What was published before there were any has none."""
    story = corpus("referral").story("a-region-and-closing-days", TYPES)
    (published,) = [one.event.parameters for one in story if one.stream == "programme-mtw-by-2026"]
    assert (published.region, len(published.closing_days)) == ("DE-BY", 2)
    topic = "programme.version_published.v1"
    before, _ = TYPES.decode(topic, corpus("referral").samples()[topic])
    assert (before.parameters.region, before.parameters.closing_days) == (None, ())
