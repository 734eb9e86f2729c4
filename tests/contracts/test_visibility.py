"""Who may see a case."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import visibility as module
from contracts.visibility import (
    AccessExpired,
    Addressed,
    Ended,
    Fact,
    Item,
    Parties,
    Relation,
    Stopped,
    facts_of,
    item_of,
    message_place,
)

AGENCY, BRUGWERK, SAMENSTAP = "vdab-gent", "brugwerk", "samenstap"


def addressed(referral: str, organisation: str, place: int) -> Addressed:
    """A referral of the demo agency."""
    return Addressed(referral=referral, agency=AGENCY, organisation=organisation, place=(place,))


def folded(*facts: Fact) -> Parties:
    """The parties after these facts."""
    parties = Parties()
    for fact in facts:
        parties = parties.take(fact)
    return parties


def entry(place: int, organisation: str | None = None, referral: str | None = None, *, stop: bool = False) -> Item:
    """An entry of the case's own stream."""
    return Item(place=(place,), organisation=organisation, referral=referral, is_stop=stop)


DECLINED_THEN_REFERRED_AGAIN = (
    addressed("R-7", BRUGWERK, 1),
    Ended(referral="R-7", place=(5,)),
    addressed("R-8", SAMENSTAP, 9),
)


def test_the_agency_sees_everything_from_the_beginning() -> None:
    """Whatever an item names and wherever it stands, the agency that refers sees it."""
    parties = folded(*DECLINED_THEN_REFERRED_AGAIN)
    assert all(
        parties.sees(AGENCY, item)
        for item in (entry(0), entry(3, BRUGWERK, "R-7"), entry(7), entry(10, SAMENSTAP, "R-8"), entry(99))
    )
    assert parties.relation(AGENCY) is Relation.OWNER_AGENCY


def test_an_organisation_sees_from_its_own_addressing_on_and_not_what_went_before() -> None:
    """The second organisation sees neither the first one's referral nor what the agency did in between."""
    parties = folded(*DECLINED_THEN_REFERRED_AGAIN)
    assert [parties.sees(SAMENSTAP, entry(place)) for place in (1, 5, 8, 9, 10)] == [False, False, False, True, True]
    assert parties.sees(SAMENSTAP, entry(9, SAMENSTAP, "R-8"))
    assert not parties.sees(SAMENSTAP, entry(3, BRUGWERK, "R-7"))


def test_what_belongs_to_another_organisation_stays_hidden_whenever_it_comes() -> None:
    """The end of the former organisation's access is recorded later, and is still not for its successor."""
    parties = folded(*DECLINED_THEN_REFERRED_AGAIN)
    assert not parties.sees(SAMENSTAP, entry(20, BRUGWERK, "R-7"))
    assert not parties.sees(SAMENSTAP, entry(20, None, "R-7"))
    assert not parties.sees(SAMENSTAP, entry(20, BRUGWERK))


def test_a_former_organisation_keeps_its_own_referral_and_the_items_up_to_its_end() -> None:
    """What came after the end is for others, except what still concerns its own referral."""
    parties = folded(*DECLINED_THEN_REFERRED_AGAIN)
    assert parties.relation(BRUGWERK) is Relation.FORMER
    assert [parties.sees(BRUGWERK, entry(place)) for place in (0, 1, 5, 6, 10)] == [False, True, True, False, False]
    assert parties.sees(BRUGWERK, entry(12, BRUGWERK, "R-7"))
    assert not parties.sees(BRUGWERK, entry(12, SAMENSTAP, "R-8"))


def test_expired_access_shows_nothing_any_more() -> None:
    """When its access has ended with its term, not even its own referral is left."""
    parties = folded(*DECLINED_THEN_REFERRED_AGAIN, AccessExpired(referral="R-7"))
    assert parties.relation(BRUGWERK) is Relation.GONE
    assert not any(parties.sees(BRUGWERK, item) for item in (entry(1), entry(3, BRUGWERK, "R-7"), entry(5)))


def test_after_a_withdrawal_only_the_stop_remains() -> None:
    """A consent withdrawal takes effect at once: of all that the organisation could see, the stop is left."""
    parties = folded(addressed("R-8", SAMENSTAP, 1), Stopped(referral="R-8"))
    assert parties.relation(SAMENSTAP) is Relation.GONE
    assert parties.sees(SAMENSTAP, entry(7, SAMENSTAP, "R-8", stop=True))
    assert not any(parties.sees(SAMENSTAP, item) for item in (entry(1), entry(1, SAMENSTAP, "R-8"), entry(9)))


def test_a_stop_for_one_organisation_is_no_news_for_another() -> None:
    """The stop of a former organisation's referral is not shown to the present one."""
    parties = folded(*DECLINED_THEN_REFERRED_AGAIN, Stopped(referral="R-7"))
    assert not parties.sees(SAMENSTAP, entry(12, BRUGWERK, "R-7", stop=True))
    assert parties.sees(SAMENSTAP, entry(12))


def test_an_organisation_that_is_asked_again_has_a_part_of_its_own_for_each_referral() -> None:
    """The end of its access to the first part takes nothing from the second, and gives nothing of the first back."""
    parties = folded(
        addressed("R-1", BRUGWERK, 1),
        Ended(referral="R-1", place=(3,)),
        addressed("R-2", BRUGWERK, 6),
        AccessExpired(referral="R-1"),
    )
    assert parties.relation(BRUGWERK) is Relation.ADDRESSED
    assert [parties.sees(BRUGWERK, entry(place)) for place in (2, 4, 6, 8)] == [False, False, True, True]
    assert not parties.sees(BRUGWERK, entry(2, BRUGWERK, "R-1"))


def test_who_was_never_addressed_is_a_stranger() -> None:
    """Another organisation, another agency and nobody at all see nothing, also before anything is known."""
    for parties in (Parties(), folded(*DECLINED_THEN_REFERRED_AGAIN)):
        assert parties.relation("elsewhere") is Relation.STRANGER
        assert not parties.sees("elsewhere", entry(3))
        assert not parties.sees("", entry(3))


def test_the_end_of_a_referral_that_was_never_sent_shows_it_to_nobody() -> None:
    """A draft that lapses ends a referral, and the organisation that it would have gone to learns nothing of it."""
    parties = folded(*facts_of("ReferralWithdrawn", {"referral": "R-1", "organisation": BRUGWERK}, (1,)))
    assert parties.relation(BRUGWERK) is Relation.STRANGER
    assert not parties.sees(BRUGWERK, entry(1, BRUGWERK, "R-1"))


@pytest.mark.parametrize(
    ("name", "data", "relation"),
    [
        ("ReferralAccepted", {}, Relation.ADDRESSED),
        ("ReferralDeclined", {"reason": "CAPACITY_FULL"}, Relation.FORMER),
        ("ReferralWithdrawn", {"reason": "CLIENT_MOVED"}, Relation.FORMER),
        ("ReferralWithdrawn", {"reason": "CONSENT_WITHDRAWN"}, Relation.GONE),
        ("ReferralExpired", {}, Relation.FORMER),
        ("ReferralEnteredInError", {}, Relation.FORMER),
        ("ReferralCompleted", {"closure": "HANDBACK_ACCEPTED"}, Relation.FORMER),
        ("ReferralCompleted", {"closure": "CONSENT_WITHDRAWN"}, Relation.GONE),
        ("HandbackAccepted", {"decision": "CLOSE"}, Relation.FORMER),
        ("LegalBasisWithdrawn", {}, Relation.GONE),
        ("NgoAccessRevoked", {"reason": "CONSENT_WITHDRAWN"}, Relation.GONE),
        ("NgoAccessExpired", {}, Relation.GONE),
    ],
)
def test_each_message_makes_of_the_organisation_what_it_says(
    name: str, data: dict[str, str], relation: Relation
) -> None:
    """Every way in which a referral can end, and every end of access, by the names of docs/domain.md."""
    common = {"referral": "R-1", "agency": AGENCY, "organisation": BRUGWERK}
    parties = folded(*facts_of("ReferralSubmitted", common, (1,)), *facts_of(name, {**common, **data}, (2,)))
    assert parties.relation(BRUGWERK) is relation


def test_only_the_stop_counts_as_a_stop() -> None:
    """The message of the withdrawn referral names the reason too, and is not the stop."""
    data = {"referral": "R-1", "organisation": BRUGWERK, "reason": "CONSENT_WITHDRAWN"}
    assert item_of("LegalBasisWithdrawn", data, (1,)).is_stop
    assert item_of("NgoAccessRevoked", data, (1,)).is_stop
    assert not item_of("ReferralWithdrawn", data, (1,)).is_stop
    assert not item_of("DisclosureStopped", data, (1,)).is_stop


def test_what_happens_together_with_the_end_is_still_shown() -> None:
    """The agency closes the case as it accepts the handback, in whatever order both services tell it."""
    together, later = datetime(2026, 7, 6, 9, tzinfo=UTC), datetime(2026, 7, 28, 9, tzinfo=UTC)
    common = {"referral": "R-1", "agency": AGENCY, "organisation": BRUGWERK}
    parties = folded(
        *facts_of("ReferralSubmitted", common, message_place(together - timedelta(days=175), 1)),
        *facts_of("ReferralCompleted", {**common, "closure": "HANDBACK_ACCEPTED"}, message_place(together, 7)),
    )
    assert parties.sees(BRUGWERK, item_of("HandbackAccepted", {"referral": "R-1"}, message_place(together, 8)))
    assert parties.sees(BRUGWERK, item_of("CaseClosed", {}, message_place(together, 9)))
    assert not parties.sees(BRUGWERK, item_of("OutcomeRecorded", {}, message_place(later, 10)))


def test_of_two_organisations_at_one_instant_only_the_later_one_sees_what_follows() -> None:
    """While a clock stands still a referral can end and the next begin: the former organisation sees nothing new."""
    frozen = datetime(2026, 1, 5, 8, tzinfo=UTC)
    parties = folded(
        Addressed(referral="R-7", agency=AGENCY, organisation=BRUGWERK, place=message_place(frozen, 1)),
        Ended(referral="R-7", place=message_place(frozen, 2)),
        Addressed(referral="R-8", agency=AGENCY, organisation=SAMENSTAP, place=message_place(frozen, 3)),
    )
    concluded = item_of("IntakeConcluded", {}, message_place(frozen, 4))
    assert not parties.sees(BRUGWERK, concluded)
    assert parties.sees(SAMENSTAP, concluded)


@pytest.mark.parametrize("name", ["BroadcastOpened", "BroadcastEnded", "CaseOffered", "OffersEnded"])
def test_to_whom_else_a_person_is_offered_is_for_the_agency_alone(name: str) -> None:
    """Whenever it comes, also together with the end of a part, or while one runs."""
    data = {"broadcast": "B-1", "agency": AGENCY, "case": "C-1"}
    parties = folded(*DECLINED_THEN_REFERRED_AGAIN)
    for place in (5, 9, 10):
        item = item_of(name, data, (place,))
        assert parties.sees(AGENCY, item)
        assert not parties.sees(BRUGWERK, item)
        assert not parties.sees(SAMENSTAP, item)


def test_each_organisation_sees_its_own_offer_and_its_end() -> None:
    """Under the broadcast, of which the others have parts by theirs: what happened is named in the message."""
    made = [
        {"referral": referral, "agency": AGENCY, "organisation": organisation}
        for referral, organisation in (("R-1", BRUGWERK), ("R-2", SAMENSTAP))
    ]
    over = {**made[1], "event": "ReferralWithdrawn", "reason": "OTHER_ORGANISATION_CHOSEN"}
    stop = {**made[0], "event": "LegalBasisWithdrawn"}
    parties = folded(
        *facts_of("OfferMade", made[0], (1,)),
        *facts_of("OfferMade", made[1], (1,)),
        *facts_of("OfferMoved", over, (3,)),
    )
    assert (parties.relation(BRUGWERK), parties.relation(SAMENSTAP)) == (Relation.ADDRESSED, Relation.FORMER)
    for own, other, data in ((BRUGWERK, SAMENSTAP, made[0]), (SAMENSTAP, BRUGWERK, over)):
        assert parties.sees(own, item_of("OfferMoved", {"event": "ReferralReceived", **data}, (2,)))
        assert not parties.sees(other, item_of("OfferMoved", {"event": "ReferralReceived", **data}, (2,)))
    stopped = folded(*facts_of("OfferMade", made[0], (1,)), *facts_of("OfferMoved", stop, (4,)))
    assert stopped.sees(BRUGWERK, item_of("OfferMoved", stop, (4,)))
    assert not stopped.sees(BRUGWERK, item_of("OfferMade", made[0], (1,)))


def test_the_place_of_a_message_is_its_time_first_and_its_turn_second() -> None:
    """A message that comes late stands where it was recorded; of one instant, the first taken stands first."""
    at = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
    late = message_place(at, 40)
    assert late < message_place(at + timedelta(microseconds=1), 2)
    assert message_place(at, 3) < late


def test_the_rule_needs_nothing_but_the_standard_library() -> None:
    """Both services import it, and their domains may: it must not drag a framework in."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "collections.abc", "dataclasses", "datetime", "enum", "typing"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]


_referrals = st.sampled_from(["R-1", "R-2", "R-3"])
_places = st.integers(0, 12).map(lambda place: (place,))
_organisation_of = {"R-1": BRUGWERK, "R-2": SAMENSTAP, "R-3": BRUGWERK}
_facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(
        lambda referral, place: Addressed(
            referral=referral, agency=AGENCY, organisation=_organisation_of[referral], place=place
        ),
        _referrals,
        _places,
    ),
    st.builds(Ended, referral=_referrals, place=_places),
    st.builds(Stopped, referral=_referrals),
    st.builds(AccessExpired, referral=_referrals),
)
_items = st.builds(
    lambda place, referral, named: Item(
        place=place, referral=referral, organisation=_organisation_of[referral] if referral and named else None
    ),
    _places,
    st.one_of(st.none(), _referrals),
    st.booleans(),
)


@given(st.lists(_facts, max_size=4))
def test_the_order_in_which_facts_become_known_changes_nothing(facts: list[Fact]) -> None:
    """Readers of several topics get them in different orders, and must agree."""
    assert len({folded(*order) for order in permutations(facts)}) == 1


@given(st.lists(_facts, max_size=8))
def test_a_fact_known_already_changes_nothing(facts: list[Fact]) -> None:
    """Delivery is at least once."""
    assert folded(*facts, *facts) == folded(*facts)


@given(st.lists(_facts, max_size=8), _items, _referrals)
def test_an_end_of_any_kind_never_shows_more(facts: list[Fact], item: Item, referral: str) -> None:
    """Ends, stops and expiries only ever take away."""
    parties = folded(*facts)
    for fact in (Ended(referral=referral, place=(13,)), Stopped(referral=referral), AccessExpired(referral=referral)):
        after = parties.take(fact)
        for organisation in (BRUGWERK, SAMENSTAP):
            assert parties.sees(organisation, item) or not after.sees(organisation, item)


@given(st.lists(_facts, max_size=8), _items)
def test_who_sees_anything_is_no_stranger(facts: list[Fact], item: Item) -> None:
    """What is shown and what a reader is called go together."""
    parties = folded(*facts)
    for organisation in (AGENCY, BRUGWERK, SAMENSTAP, "elsewhere"):
        if parties.sees(organisation, item):
            assert organisation in parties.organisations
            assert parties.relation(organisation) is not Relation.STRANGER
