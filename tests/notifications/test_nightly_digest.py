"""The digest of a night: kept where it changed."""

from __future__ import annotations

from datetime import UTC, datetime

from services.chassis.modelling.decider import Actor
from services.notifications.domain.nightly_digest import PAIR, DigestMade, MakeDigest, decide, pair_stream

AT = datetime(2026, 1, 12, 23, 0, tzinfo=UTC)
NOTHING = "0" * 64


def made(digest: str, cases: int) -> MakeDigest:
    """The command of a night."""
    by = Actor(sub="notifications", role="SYSTEM", org="caserelay")
    return MakeDigest(at=AT, by=by, agency="vdab-gent", organisation="brugwerk", cases=cases, digest=digest)


def test_a_digest_is_kept_once() -> None:
    """The same again is nothing new, and another one is."""
    (first,) = decide(made("a" * 64, 1), PAIR.initial)
    assert first == DigestMade(agency="vdab-gent", organisation="brugwerk", cases=1, digest="a" * 64, made_at=AT)
    pair = PAIR.evolve(PAIR.initial, first)
    assert decide(made("a" * 64, 1), pair) == []
    assert [event.digest for event in decide(made("b" * 64, 1), pair)] == ["b" * 64]


def test_a_pair_without_open_cases_begins_with_none_and_ends_with_one() -> None:
    """A case that came and went within a day leaves no digest; the last one that is closed does."""
    assert decide(made(NOTHING, 0), PAIR.initial) == []
    (first,) = decide(made("a" * 64, 1), PAIR.initial)
    assert [event.cases for event in decide(made(NOTHING, 0), PAIR.evolve(PAIR.initial, first))] == [0]


def test_pairs_whose_names_run_into_each_other_have_streams_of_their_own() -> None:
    """Ids have dashes in them."""
    assert pair_stream("a-b", "c") != pair_stream("a", "b-c")
