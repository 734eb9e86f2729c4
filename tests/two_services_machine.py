"""A machine that tells stories of two persons, two organisations, and two services with a slow and forgetful bus.

A step reads `state.the_organisation_answers(offer=offers_0, how='accept')`, or `state.news_arrive(at='casefile', …)`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, ClassVar, Final, NamedTuple

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule
from hypothesis.stateful import multiple as several

from services.sandbox.demo import LEADS
from tests.casefile.cases import REPORT, ROAD
from tests.support.broadcasts import broadcast
from tests.support.delaying_bus import PARTITIONS
from tests.support.machines import Seen
from tests.support.people import INES, KARIM, LOTTE, TOM, Person
from tests.support.requests import samira
from tests.support.two_services import BUILDS, EVERYTHING, Scene, TwoServices, scene

TAKES: Final[Mapping[str, Person]] = {"brugwerk": LOTTE, "samenstap": KARIM}
LEAD_OF: Final = {lead.org: lead for lead in LEADS}
SECRET: Final = "Zarahemla"
"""A word in every text and in all contact data that are sent."""
CONTACT: Final = {"name": f"{SECRET} Voorbeeld", "phone": "+32 470 00 11 22"}
PERSONS: Final = ("CL-00000A", "CL-00000B")
ANSWERS: Final[Mapping[str, Any]] = {
    "receive": {},
    "request-information": {"codes": ["OCCUPATION"]},
    "waitlist": {"reason": "NO_SUITABLE_MENTOR", "expectedBy": "2029-03-01", "clientAgreed": True},
    "accept": None,
    "decline": {"reason": "OTHER", "text": f"they are from {SECRET}"},
}
BY_AGENCY: Final[Mapping[str, Any]] = {
    "provide-information": {"answers": [{"code": "OCCUPATION", "answer": f"a cook in {SECRET}"}]},
    "withdraw": {"reason": "OTHER", "text": f"moved to {SECRET}"},
}
CASE_ACTS: Final[Mapping[str, tuple[str, Any]]] = {
    "raise-escalation": ("organisation", {"reason": "NOT_TOLD"}),
    "resolve-escalation": ("organisation", {"resolution": "TALK"}),
    "report-gap": ("organisation", {"serviceKind": "CHILDCARE", "gapType": "ABSENT", "provider": f"{SECRET} Ltd"}),
    "request-exception": ("organisation", {"rule": "MENTOR_KIND", "justification": f"{SECRET} asked for it"}),
    "propose-change": ("organisation", {"change": "NOT_RELEVANT", "reason": "MOVED"}),
    "record-meeting": ("organisation", {"minutes": 60}),
    "record-task": ("organisation", {"task": "CV_FEEDBACK"}),
    "record-pulse": ("organisation", {"by": "MENTOR", "score": 1, "reasons": ["ROLE_OVERLOAD"]}),
    "suspend": ("organisation", {"reason": "HOLIDAY"}),
    "resume": ("organisation", {}),
    "reassign-coordinator": ("lead", {}),
    "request-handback": ("organisation", {"closureReason": "MENTEE_UNREACHABLE"}),
    "return-handback": ("agency", {"missing": ["OPEN_NEEDS"]}),
    "reassign-counsellor": ("team lead", {}),
    "close": ("agency", {"reason": "OTHER"}),
    "reopen": ("agency", {}),
}
"""Who does what on a case, of all that is possible beside the way to its end."""
NEXT: Final[Mapping[str, tuple[tuple[str, str, Any], ...]]] = {
    state: tuple(("agency" if person is INES else "organisation", action, body) for person, action, body in ROAD[step])
    for state, step in (
        ("INTAKE", "MATCHING"),
        ("MATCHING", "MATCH_PROPOSED"),
        ("MENTORING", "HANDBACK_DUE"),
        ("HANDBACK_REQUESTED", "CLOSED"),
        ("CLOSED", "FINALISED"),
    )
} | {
    "MATCH_PROPOSED": tuple(
        ("organisation", action, body) for step in ("CONFIRMED", "MENTORING") for _, action, body in ROAD[step]
    ),
    "HANDBACK_DUE": (("organisation", "request-handback", REPORT),),
}
"""The next steps on the way to the end, by the state."""


WAY: Final = ("INTAKE", "MATCHING", "MATCH_PROPOSED", "MENTORING", "HANDBACK_DUE", "HANDBACK_REQUESTED", "CLOSED")
STARTS: Final = ("SUBMITTED", "OFFERED", "OFFERED", "INTAKE", "MENTORING", "HANDBACK_REQUESTED", "CLOSED")


class Offer(NamedTuple):
    """An offer to one organisation, alone or as one of several."""

    path: str
    case: str
    organisation: str
    broadcast: str | None
    basis: str

    def __repr__(self) -> str:
        return f"the offer to {self.organisation}"


class Begun(NamedTuple):
    """A beginning that stories have in common."""

    scene: Scene
    made: list[Offer]
    tale: list[str]


class TwoServicesStories(RuleBasedStateMachine):
    """The steps; what must hold is said elsewhere."""

    seen: ClassVar[Seen] = Seen()
    begun: ClassVar[dict[tuple[str, str], Begun]] = {}
    offers = Bundle("offers")

    def __init__(self) -> None:
        super().__init__()
        self.world: TwoServices
        self.tale: list[str] = []
        self.made: list[Offer] = []
        self.withdrawn: set[str] = set()

    def so_far(self) -> None:
        """Tells what the step before led to, now that its own line stands."""
        for line in self.tale:
            note(f"    {line}")
        self.tale.clear()

    def say(self, who: Person, what: str, answer: Any) -> None:
        """Adds a line to what the step led to."""
        done = answer.json().get("code") or answer.json().get("state") or ""
        now = f"{self.world.both.clock.now():%d %b %Y %H:%M}"
        self.tale.append(f"{now} {who.sub}: {what} -> {answer.status_code} {done}")
        if answer.is_success:
            self.seen.commands[what] += 1
            self.seen.states[str(answer.json().get("state"))] += 1

    def who(self, role: str, offer: Offer) -> Person:
        """Who acts for a side."""
        people = {"agency": INES, "team lead": TOM, "lead": LEAD_OF[offer.organisation]}
        return people.get(role) or TAKES[offer.organisation]

    def act(self, by: Person, resource: str, action: str, body: Any) -> bool:
        """A command, and whether it was done."""
        answer = self.world.do(self.world.act(by, resource, action, body))
        self.say(by, action, answer)
        return bool(answer.is_success)

    @initialize(target=offers, start=st.sampled_from(STARTS), to=st.sampled_from(tuple(TAKES)))
    def begin(self, start: str, to: str) -> Any:
        """Samira is offered to both organisations, or to one, which may have come some way with her by now."""
        if (start, to) not in self.begun:
            self._begin(start, to)
            self.begun[start, to] = Begun(self.world.kept(), [*self.made], [*self.tale])
            self.world.close()
        before = self.begun[start, to]
        self.world, self.made, self.tale = TwoServices(before.scene), [*before.made], [*before.tale]
        return several(*self.made)

    def _begin(self, start: str, to: str) -> None:
        self.world = TwoServices(scene())
        if start == "OFFERED":
            self._offer_to_both(PERSONS[0])
            return
        offer, by = self._refer(PERSONS[0], to), TAKES[to]
        if start == "SUBMITTED" or offer is None:
            return
        assert self.act(by, offer.path, "receive", {})
        assert self.act(by, offer.path, "accept", {"coordinator": by.sub})
        self.world.do(self.world.settle())
        for state in WAY[: WAY.index(start)]:
            for role, action, body in NEXT[state]:
                assert self.act(self.who(role, offer), offer.case, action, body), action

    # --- what people do -----------------------------------------------------------------------------------------------

    @rule(target=offers, person=st.sampled_from(PERSONS), to=st.sampled_from(tuple(TAKES)))
    def the_agency_refers(self, person: str, to: str) -> Any:
        """One person to one organisation."""
        self.so_far()
        offer = self._refer(person, to)
        return offer if offer is not None else several()

    def _refer(self, person: str, to: str) -> Offer | None:
        body = samira(to, client={"ref": person}, contact=CONTACT)
        answer = self.world.do(self.world.create(INES, "/v1/referrals", body))
        self.say(INES, "refer", answer)
        told = answer.json()
        return self._kept(f"/v1/referrals/{told['id']}", told["case"], to, None) if answer.is_success else None

    @rule(target=offers, person=st.sampled_from(PERSONS))
    def the_agency_offers_to_both(self, person: str) -> Any:
        """One person to two organisations, of which one may win."""
        self.so_far()
        return several(*self._offer_to_both(person))

    def _offer_to_both(self, person: str) -> list[Offer]:
        body = broadcast(client={"ref": person}, contact=CONTACT)
        answer = self.world.do(self.world.create(INES, "/v1/broadcasts", body))
        self.say(INES, "broadcast", answer)
        told = answer.json()
        return [
            self._kept(f"/v1/referrals/{one['referral']}", told["case"], one["organisation"], told["id"])
            for one in told.get("offers", ())
        ]

    def _kept(self, path: str, case: str, to: str, of: str | None) -> Offer:
        read = self.world.do(self.world.both.read(INES, path))
        self.made.append(Offer(path, f"/v1/cases/{case}", to, of, str(read["legalBasis"]["id"])))
        return self.made[-1]

    @rule(offer=offers, how=st.sampled_from(tuple(ANSWERS)))
    def the_organisation_answers(self, offer: Offer, how: str) -> None:
        """Receipt, a question, the waiting list, a yes or a no."""
        self.so_far()
        by = TAKES[offer.organisation]
        self.act(by, offer.path, how, {"coordinator": by.sub} if how == "accept" else ANSWERS[how])

    @rule(offer=offers)
    def the_organisation_takes_it(self, offer: Offer) -> None:
        """Receipt and acceptance, and the other service hears of it at once."""
        self.so_far()
        by = TAKES[offer.organisation]
        self.act(by, offer.path, "receive", {})
        if self.act(by, offer.path, "accept", {"coordinator": by.sub}):
            self.world.do(self.world.settle())

    @rule(offer=offers, how=st.sampled_from(("provide-information", "provide-information", "withdraw")))
    def the_agency_answers(self, offer: Offer, how: str) -> None:
        """An answer to the question, or the offer is taken back, or it was a mistake."""
        self.so_far()
        self.act(INES, offer.path, how, BY_AGENCY[how])

    @rule(offer=offers, sure=st.sampled_from((False, False, False, True)))
    def it_was_a_mistake(self, offer: Offer, sure: bool) -> None:  # noqa: FBT001 - a step of a story
        """One person reports it; another one confirms it, or not yet."""
        self.so_far()
        self.act(INES, offer.path, "mark-error", {"justification": f"{SECRET} was meant"})
        if sure:
            self.act(TOM, offer.path, "confirm-error", {})

    @rule(offer=offers)
    def the_agency_takes_all_offers_back(self, offer: Offer) -> None:
        """Where it was to several."""
        self.so_far()
        if offer.broadcast is not None:
            body = {"reason": "OTHER", "text": f"to {SECRET}"}
            self.act(INES, f"/v1/broadcasts/{offer.broadcast}", "withdraw", body)

    @rule(offer=offers, through=st.sampled_from(("agency", "organisation")))
    def the_person_withdraws(self, offer: Offer, through: str) -> None:
        """What they agreed to, through either side."""
        self.so_far()
        if self.act(self.who(through, offer), f"/v1/legal-bases/{offer.basis}", "withdraw", {}):
            same = [one.basis for one in self.made if one.broadcast and one.broadcast == offer.broadcast]
            self.withdrawn |= {offer.basis, *same}

    @rule(offer=offers)
    def the_organisation_reads_the_contact(self, offer: Offer) -> None:
        """I2: only on a legal basis that holds."""
        self.so_far()
        by = TAKES[offer.organisation]
        answer = self.world.do(self.world.both.get(by, f"{offer.path}/contact"))
        self.tale.append(f"{by.sub} reads the contact data -> {answer.status_code}")
        assert answer.status_code != 200 or offer.basis not in self.withdrawn, "i2: read without a basis"

    @rule(offer=offers)
    def the_case_goes_on(self, offer: Offer) -> None:
        """What comes next on the way to its end, as casefile knows it."""
        self.so_far()
        read = self.world.do(self.world.both.get(INES, offer.case))
        for role, action, body in NEXT.get(read.json().get("state", ""), ()):
            self.act(self.who(role, offer), offer.case, action, body)

    @rule(offer=offers, what=st.sampled_from(tuple(CASE_ACTS)))
    def somebody_acts_on_the_case(self, offer: Offer, what: str) -> None:
        """Anything else; much of it is refused."""
        self.so_far()
        role, body = CASE_ACTS[what]
        self.act(self.who(role, offer), offer.case, what, body)

    # --- what the bus, the clock and the processes do -----------------------------------------------------------------

    @rule(days=st.sampled_from((1, 7, 40)))
    def time_passes(self, days: int) -> None:
        """And what has fallen due is done, by what each service knows."""
        self.so_far()
        self.world.do(self.world.pass_time(days))

    @rule(by=st.sampled_from(tuple(BUILDS)))
    def news_are_published(self, by: str) -> None:
        """What a service has recorded goes to the bus, which holds it."""
        self.so_far()
        self.world.do(self.world.publish(by))

    @rule(at=st.sampled_from(tuple(BUILDS)), partition=st.integers(0, PARTITIONS - 1), most=st.integers(1, 4))
    def news_arrive(self, at: str, partition: int, most: int) -> None:
        """Some of what the bus holds, of one partition; the others wait."""
        self.so_far()
        self.world.do(self.world.deliver(at, partition, most))

    @rule(at=st.sampled_from(tuple(BUILDS)), partition=st.integers(0, PARTITIONS - 1), again=st.integers(1, 6))
    def news_arrive_once_more(self, at: str, partition: int, again: int) -> None:
        """The last ones of a partition, and one that is new."""
        self.so_far()
        self.world.do(self.world.deliver(at, partition, 1, again=again))

    @rule(
        at=st.sampled_from(tuple(BUILDS)),
        partition=st.integers(0, PARTITIONS - 1),
        most=st.integers(1, 4),
        when=st.sampled_from(("before saving", "after saving")),
    )
    def a_process_ends(self, at: str, partition: int, most: int, when: str) -> None:
        """Having handled some, before or after it has saved how far it came; another one goes on from what was kept."""
        self.so_far()
        self.world.do(self.world.deliver(at, partition, most, crash=when))

    @rule()
    def everything_arrives(self) -> None:
        """All that was recorded, and all that follows from it."""
        self.so_far()
        self.world.do(self.world.settle())

    def in_the_end(self) -> None:
        """What is looked at once all has arrived."""

    def teardown(self) -> None:
        """Tells what the last step led to; looks at what both services hold in the end, unless a step has failed."""
        try:
            self.so_far()
            if sys.exc_info()[0] is None:
                self.in_the_end()
        finally:
            self.world.close()


__all__ = ["EVERYTHING", "SECRET", "TAKES", "Offer", "TwoServicesStories"]
