"""What happens in stories of a case beside the commands of callers: offers and answers, terms, charters, and time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from msgspec.structs import replace

from contracts.codes import CaseState
from contracts.telling_codes import NotToldReason
from services.casefile.domain.charter_change import NoticeCharter
from services.casefile.domain.deadlines import PassDeadline, RemindDeadline, running
from services.casefile.domain.escalation import RaiseUnreached, SettleUnreached
from services.casefile.domain.ladder import EscalateDeadline, late_terms
from services.casefile.domain.open_escalations import open_escalations
from services.casefile.telling_reactor import SYSTEM
from tests.casefile.case_machine import AGREED, HOURS, TOGETHER, CaseStories, Did
from tests.casefile.casebook import MENTOR_REF, READY
from tests.casefile.machine_commands import EVERYBODY, PEOPLE, PROFESSIONAL, WAYS
from tests.casefile.machine_messages import (
    ACCEPTED,
    HANDED_BACK,
    NEWS,
    NO_OFFER,
    RECEIVED,
    SENT,
    WAITING,
    completed,
    noted,
    waitlisted,
    withdrawn,
)
from tests.support.actors import CLOCK

POINTS: Final = ("EXIT", "W4", "M6", "M12")


class CaseSteps(CaseStories):
    """The stories with all steps but those that give one command each."""

    @precondition(lambda self: self.on_the_way is None and self.standing == NO_OFFER and self.may_be_offered)
    @rule(hours=HOURS)
    def the_agency_refers_again(self, hours: int) -> None:
        """Mostly an open case; now and then one that is over, of which the referral service has not heard."""
        self.refer(hours)

    @precondition(lambda self: self.on_the_way is None and self.standing != HANDED_BACK)
    @rule(data=st.data())
    def the_referral_service_tells(self, data: st.DataObject) -> None:
        """What may become of the offer next."""
        possible = [news for news, one in NEWS.items() if self.standing in one.after and self._may_be(news)]
        if possible:
            self.hear(data.draw(st.sampled_from(possible), label="news"))

    @property
    def may_be_offered(self) -> bool:
        """Whether the agency may have made an offer before it heard what the case has come to."""
        return self.book.case.state in (CaseState.OPENED, CaseState.CLOSED, CaseState.FINALISED)

    def _may_be(self, news: str) -> bool:
        if news == "offered to several":
            return self.may_be_offered
        if news == "entered in error":
            return self.referral in self.reported_errors
        return news != "reported as an error" or self.referral not in self.reported_errors

    @precondition(lambda self: self.on_the_way is None and self.standing == RECEIVED)
    @rule(hours=HOURS)
    def the_person_waits_for_a_place(self, hours: int) -> None:
        """On the organisation's waiting list."""
        self.later(hours)
        self.standing = WAITING
        self.tell(waitlisted(self.now, self.referral))

    @precondition(lambda self: self.on_the_way is None and self.standing in (SENT, RECEIVED, WAITING))
    @rule(what=st.sampled_from(("reminded", "missed")), hours=HOURS)
    def a_term_of_the_offer(self, what: str, hours: int) -> None:
        """Somebody was reminded of it, or missed it."""
        self.later(hours)
        self.tell(noted(what, self.now, self.referral))

    @precondition(lambda self: self.standing == HANDED_BACK)
    @rule()
    def the_loop_is_closed(self) -> None:
        """The referral service heard of the handback, and says so."""
        self.later(1)
        self.standing = NO_OFFER
        self.tell(completed(self.now, self.referral))

    @precondition(lambda self: self.on_the_way is None and self.standing in (SENT, RECEIVED, WAITING, ACCEPTED))
    @rule(through=st.sampled_from(("ines", "lotte")), hours=HOURS)
    def the_person_withdraws_the_basis(self, through: str, hours: int) -> None:
        """Through either side. Casefile hears of it later."""
        self.later(hours)
        self.standing = NO_OFFER
        self.on_the_way = withdrawn(self.now, self.referral, PEOPLE[through])

    @precondition(lambda self: self.on_the_way is not None)
    @rule(hours=HOURS)
    def casefile_hears_of_the_withdrawal(self, hours: int) -> None:
        """What the organisation did in between stands, and is marked."""
        self.later(hours)
        news, self.on_the_way = self.on_the_way, None
        assert news is not None
        self.tell(news)

    @rule(organisation=st.sampled_from(("brugwerk", "vdab-gent")), hours=HOURS)
    def an_organisation_cannot_be_told(self, organisation: str, hours: int) -> None:
        """Nothing has reached it since then: the other side is asked to see to it."""
        self.later(hours)
        self.give(
            RaiseUnreached(
                at=self.now,
                by=SYSTEM,
                organisation=organisation,
                since=self.now,
                why=NotToldReason.DELIVERY_FAILED.value,
            )
        )

    @precondition(lambda self: any(held.unreached is not None for held in open_escalations(self.book.case)))
    @rule(hours=HOURS)
    def it_was_told_after_all(self, hours: int) -> None:
        """Nobody needs to see to it any more."""
        self.later(hours)
        about = next((held.unreached for held in open_escalations(self.book.case) if held.unreached), None)
        if about is not None:
            self.give(SettleUnreached(at=self.now, by=SYSTEM, organisation=about))

    # --- time, charters, and what brings a story on -------------------------------------------------------------------

    @rule(which=st.integers(0, 9), late=st.sampled_from((0, 5, 48)))
    def a_term_passes(self, which: int, late: int) -> None:
        """The scheduler reminds of one of the terms that run, and then says that it has passed, or some hours later."""
        if not (pending := running(self.book.case)):
            return
        one = pending[which % len(pending)]
        if one.remind_at is not None:
            self.now = max(self.now, one.remind_at)
            assert self.give(RemindDeadline(at=self.now, by=CLOCK, name=one.name, due_at=one.due_at)) != []
        self.now = max(self.now, one.due_at) + timedelta(hours=late)
        assert self.give(PassDeadline(at=self.now, by=CLOCK, name=one.name, due_at=one.due_at)) != []

    @precondition(lambda self: any(late_terms(self.book.case)))
    @rule(level=st.sampled_from(("L2", "L3")), days=st.sampled_from((1, 8)))
    def a_missed_term_comes_to_a_level(self, level: str, days: int) -> None:
        """What it waits for is still not done, and more people hear of it."""
        self.later(days * 24)
        late = next(late_terms(self.book.case))
        self.give(EscalateDeadline(at=self.now, by=CLOCK, name=late.name, due_at=late.due_at, level=level))

    @precondition(lambda self: "v2" not in self.book.charters)
    @rule()
    def the_operator_writes_another_charter(self) -> None:
        """Volunteers must not give feedback on a CV any more, and coordinators may deal with money."""
        self.book.write_charter("v2", CV_FEEDBACK="X L S L", MONEY="X X L X")
        self.seen.commands["WriteCharter"] += 1

    @precondition(lambda self: "v2" in self.book.charters and len(self.book.charters["v2"].signed_by) < 2)
    @rule(by=st.sampled_from(("vdab-gent", "brugwerk")))
    def a_lead_signs_the_other_charter(self, by: str) -> None:
        """For its organisation; once is enough."""
        self.book.sign_charter("v2", by)
        self.seen.commands["SignCharter"] += 1

    @precondition(lambda self: "v2" in self.book.charters and len(self.book.governs) == 1)
    @rule()
    def the_programme_names_the_other_charter(self) -> None:
        """From tomorrow on."""
        self.book.governs.append((self.today + timedelta(days=1), "v2"))

    @precondition(lambda self: len(self.book.governs) > 1)
    @rule()
    def the_version_that_names_it_has_begun(self) -> None:
        """The scheduler says so to the case, once and again."""
        self.later(24)
        self.give(NoticeCharter(at=self.now, by=CLOCK))

    @precondition(lambda self: self.book.case.state == CaseState.MENTORING and "v2" not in self.book.charters)
    @rule(by=st.lists(st.sampled_from(("lotte", "volunteer", "professional")), max_size=3, unique=True))
    def another_charter_comes_to_govern_the_match(self, by: list[str]) -> None:
        """All at once, which single steps seldom come to; some of those who are asked acknowledge it."""
        self.later(1)
        self.the_operator_writes_another_charter()
        for organisation in ("vdab-gent", "brugwerk"):
            self.a_lead_signs_the_other_charter(by=organisation)
        self.the_programme_names_the_other_charter()
        self.the_version_that_names_it_has_begun()
        for who in by:
            self.do("acknowledge-charter", who, {})

    @property
    def today(self) -> date:
        """The day that it is where the programme is."""
        return self.now.astimezone(self.book.zone).date()

    @precondition(lambda self: self.book.case.state in (CaseState.MATCHING, CaseState.MATCH_PROPOSED))
    @rule(mentor=st.sampled_from((MENTOR_REF, PROFESSIONAL)), charter=st.sampled_from(("v1", "v2")))
    def a_mentor_is_described(self, mentor: str, charter: str) -> None:
        """By the organisation: which version of the charter the mentor has acknowledged by now."""
        kind = "VOLUNTEER" if mentor == MENTOR_REF else "PROFESSIONAL"
        self.book.describe_mentor(replace(READY, kind=kind, charter_version=charter), mentor)
        self.seen.commands["DescribeMentor"] += 1

    @precondition(lambda self: self.book.case.state == CaseState.MENTORING)
    @rule(did=st.lists(st.sampled_from(TOGETHER), min_size=3, max_size=8))
    def the_pair_has_a_busy_week(self, did: list[Did]) -> None:
        """What a pair and its coordinator do most, some of it refused."""
        self.one_after_the_other(did)

    @precondition(lambda self: self.book.case.state == CaseState.MENTORING)
    @rule(did=st.lists(st.sampled_from(AGREED), min_size=2, max_size=5))
    def both_sides_talk_of_changes(self, did: list[Did]) -> None:
        """What is proposed by one is decided by the other."""
        self.one_after_the_other(did)

    @precondition(lambda self: self.book.case.state == CaseState.CLOSED and self.on_the_way is None)
    @rule()
    def everything_is_settled(self) -> None:
        """What is open is seen to, every follow-up is waived, every gap is answered, and the system finalises."""
        self.later(1)
        for held in open_escalations(self.book.case):
            self.do("resolve-escalation", "ines", {"escalation": held.id, "resolution": "TALK"})
        for point in POINTS:
            self.do("waive-outcome", "ines", {"point": point, "reason": "PERSON_DECLINED"})
        while any(gap.answer is None for gap in self.book.case.gaps):
            self.give(PassDeadline(at=self.now, by=CLOCK, name="FINALISE"))
            assert self.book.case.state == CaseState.CLOSED, "finalised although a gap is open"
            self.do("answer-gap", "ines", WAYS["answer-gap"].bodies[0])
        self.give(PassDeadline(at=self.now, by=CLOCK, name="FINALISE"))
        assert self.book.case.state == CaseState.FINALISED

    @rule(
        what=st.sampled_from([(name, number) for name, ways in WAYS.items() for number in range(len(ways.bodies))]),
        by=st.sampled_from(EVERYBODY),
        hours=HOURS,
    )
    def out_of_turn(self, what: tuple[str, int], by: str, hours: int) -> None:
        """Anything by anybody, whatever the state: mostly it is refused."""
        self.later(hours)
        name, number = what
        self.do(name, by, WAYS[name].bodies[number])
