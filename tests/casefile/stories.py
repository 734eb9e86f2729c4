"""The stories of a case, told act by act from its first referral: one for each situation that rules tell apart.

In each of them an earlier referral has been declined by another organisation, whose access is still to end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

from contracts import referral as told
from services.casefile.actions import ACTIONS
from services.casefile.corrections import command_for
from services.casefile.domain.deadlines import PassDeadline
from services.casefile.domain.report_facts import Reported
from services.casefile.stamping import Stamp
from services.chassis.modelling.decider import Actor, Command
from services.chassis.vault.vault import Deposit, Vault
from tests.casefile.casebook import MENTOR_REF, Casebook
from tests.casefile.messages import CASE_ID, about, submitted
from tests.support.actors import CLOCK, INES, KARIM, LOTTE
from tests.support.dates import on
from tests.support.requests import AGREEMENT, INTAKE

Body = Mapping[str, Any]
SECOND_MENTOR: Final = "M-42"
PROPOSAL: Final = {"mentorRef": MENTOR_REF, "criteria": ["SECTOR", "LANGUAGE"]}
COMPLETION: Final = {"reason": "EMPLOYMENT", "closureTalk": True}
GOALS: Final = {"SOCIAL": "+", "CULTURAL": "="}
UNMET: Final = {"outcomes": GOALS, "closureReason": "NEEDS_OTHER_SUPPORT", "openNeeds": ["DIPLOMA_EQUIVALENCE"]}
REPORT: Final = {"outcomes": GOALS, "openNeeds": ["DIPLOMA_EQUIVALENCE"]}
ANSWERS: Final = {"DIPLOMA_EQUIVALENCE": "DIPLOMA_DESK"}
OUTCOME: Final = {"code": "EMPLOYED_STABLE", "source": "REGISTER"}
POINTS: Final = ("EXIT", "W4", "M6", "M12")
YEAR_LATER: Final = on(2, 7, 2027)
"""Every outcome of a trajectory that ended on 30 June 2026 is due."""
_STAMP: Final = Stamp(at=on(8, 1), by=LOTTE, deposit=Deposit(cast("Vault", None), "case"), case_id=CASE_ID, version=1)
"""Commands are decided here and never stored, so what they refer to is never kept."""


def command(action: str, body: Body, by: Actor, at: datetime, said: Reported | None = None, on: int = 1) -> Command:
    """What the service makes of a request on a version; `said` is what a report that it corrects said."""
    route = ACTIONS[action]
    given, stamp = route.request.model_validate(body), replace(_STAMP, at=at, by=by, version=on)
    holds = command_for(given.holds, said, stamp) if said is not None and given.holds is not None else None
    made: Command = route.command_of(given, replace(stamp, holds=holds))
    return made


class Story:
    """A casebook with a clock: each act an hour after the one before, unless it has a day of its own."""

    def __init__(self) -> None:
        self.book = Casebook()
        self.now = on(8, 1)
        for mentor in (MENTOR_REF, SECOND_MENTOR):
            self.book.describe_mentor(mentor=mentor)

    def act(self, by: Actor, action: str, body: Body | None = None, at: datetime | None = None) -> Story:
        """A request that is accepted."""
        self.now = at or self.now + timedelta(hours=1)
        assert self.book.act(command(action, body or {}, by, self.now)), action
        return self

    def tell(self, kind: type[told.ReferralMessage], by: Actor, at: datetime, **fields: Any) -> Story:
        """A message about a referral."""
        self.now = at
        self.book.tell(about(kind, by, at, **fields))
        return self

    def passes(self, name: str, at: datetime) -> Story:
        """The scheduler says that a term has passed."""
        self.now = at
        assert self.book.act(PassDeadline(at=at, by=CLOCK, name=name)), name
        return self

    def escalated(self, name: str, at: datetime) -> Story:
        """A term has passed, and the next thing happens on the day after; both are working days."""
        self.passes(name, at)
        self.now += timedelta(days=1)
        return self


def declined() -> Story:
    """OPENED again: samenstap had no place."""
    story, samenstap = Story(), {"referral": "R-0", "organisation": "samenstap"}
    story.book.tell(submitted(on(8, 1), legal_basis_id="LB-0", **samenstap))
    no = {"reason": "CAPACITY_FULL", "re_referable": True, "suggestion": None}
    return story.tell(told.ReferralDeclined, KARIM, on(9, 1), **samenstap, **no)


def referred() -> Story:
    """REFERRED: Ines De Backer tries brugwerk."""
    story = declined()
    story.now = on(12, 1)
    story.book.tell(submitted(story.now, previous_referral="R-0"))
    return story


def received() -> Story:
    """REFERRED, and received."""
    return referred().tell(told.ReferralReceived, LOTTE, on(13, 1))


def accepted() -> Story:
    """INTAKE: Lotte Claes is responsible, and has not reached anybody yet."""
    story = received().tell(told.ReferralAccepted, LOTTE, on(16, 1), coordinator=LOTTE.sub)
    return story.act(LOTTE, "log-contact-attempt", {"channel": "PHONE", "reached": False})


def twice_missed() -> Story:
    """INTAKE, after two no-shows."""
    return accepted().act(LOTTE, "report-no-show", at=on(20, 1)).act(LOTTE, "report-no-show", at=on(22, 1))


def not_suitable() -> Story:
    """HANDBACK_REQUESTED straight from the intake."""
    needs = {"suitable": False, "reason": "NEEDS_OTHER_SUPPORT", "openNeeds": ["DIPLOMA_EQUIVALENCE"]}
    return accepted().act(LOTTE, "conclude-intake", needs, on(29, 1))


def matching() -> Story:
    """MATCHING: the intake is concluded."""
    return accepted().act(LOTTE, "conclude-intake", INTAKE, on(29, 1))


def proposed() -> Story:
    """MATCH_PROPOSED: nobody has answered."""
    return matching().act(LOTTE, "propose-match", PROPOSAL, on(12, 2))


def one_yes() -> Story:
    """MATCH_PROPOSED: the mentor said yes."""
    return proposed().act(LOTTE, "confirm-match", {"by": "MENTOR", "onBehalfReason": "BY_PHONE"}, on(19, 2))


def confirmed() -> Story:
    """MATCH_PROPOSED: both said yes."""
    return one_yes().act(LOTTE, "confirm-match", {"by": "MENTEE", "onBehalfReason": "INTERPRETER"})


def mentoring() -> Story:
    """MENTORING: from 19 February to 18 August."""
    return confirmed().act(LOTTE, "sign-agreement", AGREEMENT)


def in_march() -> Story:
    """MENTORING: the first check-in is due."""
    story = mentoring()
    story.now = on(5, 3)
    return story


def extension_proposed() -> Story:
    """MENTORING: the agency is asked for two more months."""
    return mentoring().act(LOTTE, "extend-agreement", {"months": 2}, on(1, 3))


def extended() -> Story:
    """MENTORING: the agency agreed to them."""
    return extension_proposed().act(INES, "decide-extension", {"approved": True})


def suspended() -> Story:
    """SUSPENDED."""
    return mentoring().act(LOTTE, "suspend", {"reason": "HOLIDAY"}, on(2, 3))


def suspended_and_asked() -> Story:
    """SUSPENDED while an extension is proposed."""
    return extension_proposed().act(LOTTE, "suspend", {"reason": "HOLIDAY"}, on(2, 3))


def suspended_for_too_long() -> Story:
    """SUSPENDED for more than the sixty days."""
    story = suspended()
    story.now = on(3, 6)
    return story


def rejected() -> Story:
    """MATCHING again: the mentee said no."""
    return proposed().act(LOTTE, "reject-match", {"by": "MENTEE", "reason": "NO_CLICK", "onBehalfReason": "BY_PHONE"})


def to_be_rematched() -> Story:
    """MATCHING again: the pair ended."""
    end = {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True}
    return mentoring().act(LOTTE, "end-match", end, on(1, 4))


def handback_due() -> Story:
    """HANDBACK_DUE: the report is awaited."""
    return mentoring().act(LOTTE, "complete-trajectory", COMPLETION, on(30, 6))


def handback_requested() -> Story:
    """HANDBACK_REQUESTED: the report is with the agency."""
    return handback_due().act(LOTTE, "request-handback", REPORT, on(2, 7))


def returned() -> Story:
    """HANDBACK_REQUESTED: the report lacks something."""
    return handback_requested().act(INES, "return-handback", {"missing": ["OPEN_NEEDS"]})


def sent_again() -> Story:
    """HANDBACK_REQUESTED: the completed report is with the agency."""
    return returned().act(LOTTE, "request-handback", REPORT)


def taken_back() -> Story:
    """OPENED: the handback is accepted, and another service comes next."""
    return handback_requested().act(INES, "accept-handback", {"decision": "OTHER_SERVICE", "answers": ANSWERS})


def closed() -> Story:
    """CLOSED: the handback is accepted and the case closed."""
    return handback_requested().act(INES, "accept-handback", {"decision": "CLOSE", "answers": ANSWERS}, on(6, 7))


def reopened() -> Story:
    """OPENED again."""
    return closed().act(INES, "reopen", at=on(1, 9))


def a_year_later() -> Story:
    """CLOSED: three outcomes are recorded, and the last one is due."""
    story = closed()
    for point in POINTS[:-1]:
        story.act(INES, "record-outcome", {"point": point, **OUTCOME}, YEAR_LATER)
    return story


def settled() -> Story:
    """CLOSED: every outcome is recorded."""
    return a_year_later().act(INES, "record-outcome", {"point": "M12", **OUTCOME}, YEAR_LATER)


def finalised() -> Story:
    """FINALISED."""
    return settled().passes("FINALISE", YEAR_LATER)


# --- what was missed, and what is left over -------------------------------------------------------------------------


def unreached() -> Story:
    """INTAKE: nobody was reached by 26 January, and the lead is asked to see to it."""
    return accepted().escalated("FIRST_CONTACT", on(27, 1))


def unmatched() -> Story:
    """MATCHING: no mentor by 28 February."""
    return matching().escalated("MATCHING", on(2, 3))


def unanswered() -> Story:
    """MATCH_PROPOSED: nobody said yes or no by 19 February."""
    return proposed().escalated("MATCH_CONFIRMATION", on(23, 2))


def unsigned() -> Story:
    """MATCH_PROPOSED: both said yes, and nothing is signed."""
    return confirmed().escalated("AGREEMENT", on(2, 3))


def silent() -> Story:
    """MENTORING: the first check-in is missed."""
    return mentoring().escalated("CHECK_IN", on(9, 3))


def extension_undecided() -> Story:
    """MENTORING: the agreement has ended while the agency is asked to extend it."""
    return extension_proposed().escalated("AGREEMENT_END", on(19, 8))


def both_late() -> Story:
    """MENTORING: so it has, and a check-in is missed as well."""
    return extension_undecided().passes("CHECK_IN", on(20, 8))


def progress_missed_by_both() -> Story:
    """MENTORING: so it has, and the progress report is missed as well."""
    return extension_undecided().passes("PROGRESS_REPORT", on(20, 8))


def talked_and_reported() -> Story:
    """MENTORING: a check-in, a meeting and the progress report that was due are recorded."""
    story = in_march().act(LOTTE, "record-check-in", {"mode": "PHONE"}).act(LOTTE, "record-meeting", {"minutes": 60})
    return story.act(LOTTE, "report-progress", {"progress": GOALS})


def paused_after_the_report() -> Story:
    """SUSPENDED: what was due to be reported has been."""
    return talked_and_reported().act(LOTTE, "suspend", {"reason": "HOLIDAY"})


def suspended_for_a_month() -> Story:
    """SUSPENDED: the review is due."""
    story = suspended()
    story.now = on(1, 4)
    return story


def reviewed() -> Story:
    """SUSPENDED: the pause was reviewed."""
    return suspended_for_a_month().act(LOTTE, "review-suspension")


def unreviewed() -> Story:
    """SUSPENDED: the review is missed."""
    return suspended().escalated("SUSPENSION_REVIEW", on(2, 4))


def proposed_again() -> Story:
    """MATCH_PROPOSED: another mentor, while the first agreement's report is still due."""
    return to_be_rematched().act(LOTTE, "propose-match", {**PROPOSAL, "mentorRef": SECOND_MENTOR})


def unreported() -> Story:
    """HANDBACK_DUE: the report has not come."""
    return handback_due().escalated("HANDBACK_REPORT", on(8, 7))


def nobody_reports() -> Story:
    """HANDBACK_DUE: nor will it, as the organisation's access has ended."""
    return handback_due().escalated("NGO_ACCESS:R-1", on(23, 9))


def not_completed() -> Story:
    """HANDBACK_REQUESTED: what the report lacks has not come."""
    return returned().escalated("HANDBACK_REPORT", on(13, 7))


def never_completed() -> Story:
    """HANDBACK_REQUESTED: nor will it, as the organisation's access has ended."""
    return returned().escalated("NGO_ACCESS:R-1", on(23, 9))


def unacknowledged() -> Story:
    """HANDBACK_REQUESTED: the agency has not answered, and the coordinator is asked to see to it."""
    return handback_requested().escalated("HANDBACK_ACKNOWLEDGEMENT", on(13, 7))


def exit_recorded() -> Story:
    """CLOSED: the next point has its day to come."""
    return closed().act(INES, "record-outcome", {"point": "EXIT", **OUTCOME})
