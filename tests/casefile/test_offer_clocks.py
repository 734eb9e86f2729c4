"""The clocks of offers, as they run when a case is told again."""

from __future__ import annotations

from services.casefile.domain.broadcast import CaseOffered, OfferedTo
from services.casefile.offer_clocks import OfferClocks
from tests.casefile.casebook import RULES, TERMS
from tests.support.dates import end_of, on


def test_offers_without_their_entry_run_from_when_they_were_recorded() -> None:
    """Recorded on Monday 12 January: the receipt is due in two working days, so it is missed at the end of the 14th."""
    clocks = OfferClocks()
    offered = CaseOffered(
        broadcast="B-1",
        agency="vdab-gent",
        previous_referral=None,
        programme_version=1,
        recommended_mentor_kind=None,
        offers=(OfferedTo(referral="R-1", organisation="brugwerk", legal_basis="L-1"),),
        kind="CONSENT",
        deadlines=(),
    )
    clocks.take([offered], on(12, 1), TERMS, RULES)
    fired = [(each.referral, each.at) for each in clocks.fire_until(on(15, 1), on(12, 1), TERMS, RULES)]
    assert ("R-1", end_of(14, 1)) in fired
