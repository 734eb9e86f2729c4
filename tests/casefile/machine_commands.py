"""What the machine of cases tries: who gives each command, and with which bodies, in words that a story shows.

What a body names that only the story knows, such as the gap that is open, stands in it as `<the open gap>`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from services.casefile.domain.report_facts import Reported
from services.casefile.history import find_event
from services.chassis.modelling.decider import Actor
from tests.casefile.casebook import MENTOR_REF, Casebook
from tests.casefile.messages import CASE_ID, TOM
from tests.casefile.stories import Body
from tests.support.actors import AN, HANNE, INES, KARIM, LOTTE

PROFESSIONAL: Final = "M-77"
SECRET: Final = "Zarahemla"
"""A word in every free text that is sent. It is found again in the vault, and nowhere else."""
PEOPLE: Final[Mapping[str, Actor]] = {
    "ines": INES,
    "tom": TOM,
    "lotte": LOTTE,
    "an": AN,
    "hanne": HANNE,
    "volunteer": Actor(sub=MENTOR_REF, role="VOLUNTEER_MENTOR", org="brugwerk"),
    "professional": Actor(sub=PROFESSIONAL, role="PROFESSIONAL_MENTOR", org="brugwerk"),
    "mentee": Actor(sub="CL-7F3A", role="MENTEE", org="brugwerk"),
    "karim": KARIM,
}
"""Who gives commands, by the name that a story calls them. Karim is of an organisation that has no part in it."""
AGENCY: Final = ("ines", "tom")
COORDINATORS: Final = ("lotte", "an", "lotte", "hanne")
MENTORS: Final = ("volunteer", "professional")
EVERYBODY: Final = tuple(PEOPLE)


@dataclass(frozen=True)
class Ways:
    """Who mostly gives a command, and the bodies that it is given with."""

    by: tuple[str, ...]
    bodies: tuple[Body, ...] = ({},)


def _goals(**outcomes: str) -> Body:
    return {"outcomes": {"SOCIAL": "+", "CULTURAL": "=", **outcomes}}


_END: Final = {"reason": "MISMATCH", "closureTalk": True}
_WHY: Final = f"it is for {SECRET}, this once"
WAYS: Final[Mapping[str, Ways]] = {
    "log-contact-attempt": Ways(COORDINATORS, ({"channel": "PHONE", "reached": True}, {"reached": False})),
    "report-no-show": Ways(COORDINATORS),
    "conclude-intake": Ways(
        COORDINATORS,
        (
            {"suitable": True, "goals": ["SOCIAL", "CULTURAL"], "expectations": [f"to speak of {SECRET}"]},
            {
                "suitable": True,
                "goals": ["SOCIAL", "CULTURAL"],
                "expectations": [SECRET],
                "occurredAt": "<two days ago>",
            },
            {"suitable": False, "reason": "NEEDS_OTHER_SUPPORT", "openNeeds": ["CHILDCARE"]},
        ),
    ),
    "propose-match": Ways(
        COORDINATORS,
        (
            {"mentorRef": MENTOR_REF, "criteria": ["SECTOR", "LANGUAGE"]},
            {"mentorRef": PROFESSIONAL, "criteria": ["AVAILABILITY"], "sectorAbsence": f"none from {SECRET}"},
        ),
    ),
    "confirm-match": Ways(
        ("lotte", "volunteer", "professional", "mentee"),
        (
            {"by": "MENTOR", "onBehalfReason": "ON_PAPER"},
            {"by": "MENTEE", "onBehalfReason": "NO_ACCOUNT"},
            {},
        ),
    ),
    "reject-match": Ways(
        ("lotte", "volunteer", "mentee"),
        ({"by": "MENTEE", "reason": "NO_CLICK", "onBehalfReason": "BY_PHONE"}, {"reason": "NO_CLICK"}),
    ),
    "sign-agreement": Ways(
        COORDINATORS,
        (
            {
                "coordinatorAttendsFirstMeeting": True,
                "expectations": {"mentor": f"{SECRET} by bike", "mentee": f"{SECRET} by train"},
            },
        ),
    ),
    "record-meeting": Ways(
        ("lotte", "volunteer", "professional"),
        ({"minutes": 60, "mode": "IN_PERSON"}, {"occurredAt": "<two days ago>"}, {"occurredAt": "<a year ago>"}),
    ),
    "record-check-in": Ways(
        COORDINATORS, ({"mode": "PHONE", "sides": ["MENTEE", "MENTOR"]}, {"occurredAt": "<two days ago>"})
    ),
    "record-pulse": Ways(
        ("lotte", "volunteer", "mentee"),
        (
            {"by": "MENTOR", "score": 2, "reasons": ["ONE_SIDED"]},
            {"by": "MENTEE", "score": 5},
            {"score": 1, "reasons": ["SAFETY"]},
        ),
    ),
    "report-progress": Ways(COORDINATORS, ({"progress": {"SOCIAL": "+"}, "nextStep": "CONTINUE"},)),
    "extend-agreement": Ways(COORDINATORS, ({}, {"months": 1})),
    "decide-extension": Ways(AGENCY, ({"approved": True}, {"approved": False, "reason": SECRET})),
    "record-task": Ways(
        ("lotte", "volunteer", "professional", "ines"),
        (
            {"task": "CV_FEEDBACK", "minutes": 30},
            {"task": "CV_FEEDBACK", "by": {"role": "AGENCY_COUNSELLOR"}},
            {"task": "ACCOMPANY_TO_AUTHORITY"},
            {"task": "ACCOMPANY_TO_AUTHORITY", "by": {"role": "NGO_COORDINATOR"}},
            {"task": "DIPLOMA_RECOGNITION_FILE", "occurredAt": "<two days ago>"},
            {"task": "MONEY"},
            {"task": "MONEY", "by": {"role": "NGO_COORDINATOR"}},
        ),
    ),
    "approve-task": Ways(COORDINATORS, ({"task": "ACCOMPANY_TO_AUTHORITY"}, {"task": "MONEY"})),
    "claim-task": Ways(
        ("lotte", "volunteer", "ines"),
        ({"task": "CV_FEEDBACK"}, {"task": "CV_FEEDBACK", "by": {"role": "AGENCY_COUNSELLOR"}}),
    ),
    "release-task": Ways(("lotte", "volunteer", "ines"), ({"task": "CV_FEEDBACK"},)),
    "acknowledge-charter": Ways(
        ("lotte", "volunteer"), ({}, {"by": "COORDINATOR"}, {"by": "MENTOR", "onBehalfReason": "ON_PAPER"})
    ),
    "request-exception": Ways(
        ("lotte", "volunteer"),
        (
            {"task": "MONEY", "justification": _WHY},
            {"rule": "MENTOR_KIND", "justification": _WHY},
        ),
    ),
    "decide-exception": Ways(
        ("hanne",),
        (
            {"exception": "<the requested exception>", "granted": True, "reason": SECRET},
            {"exception": "<the requested exception>", "granted": False, "reason": SECRET},
        ),
    ),
    "propose-change": Ways(
        COORDINATORS,
        (
            {"change": "END", "reason": "GOAL_REACHED"},
            {"change": "EXTEND", "months": 1},
            {"change": "COORDINATOR", "coordinator": AN.sub},
            {"change": "NOT_RELEVANT", "reason": "MOVED"},
        ),
    ),
    "decide-change": Ways(
        AGENCY,
        (
            {"proposal": "<the open proposal>", "approved": True},
            {"proposal": "<the open proposal>", "approved": False, "reason": f"not while in {SECRET}"},
        ),
    ),
    "withdraw-change": Ways(COORDINATORS, ({"proposal": "<the open proposal>"},)),
    "suspend": Ways(COORDINATORS, ({"reason": "HOLIDAY"}, {"reason": "TRAINING", "occurredAt": "<two days ago>"})),
    "resume": Ways(COORDINATORS),
    "review-suspension": Ways(COORDINATORS),
    "raise-escalation": Ways(
        ("ines", "lotte", "volunteer", "mentee"), ({"reason": "OTHER"}, {"reason": "SAFETY"}, {"reason": "NOT_TOLD"})
    ),
    "resolve-escalation": Ways(
        ("ines", "lotte"),
        ({"resolution": "TALK"}, {"escalation": "<the open escalation>", "resolution": "PAUSE"}),
    ),
    "end-match": Ways(COORDINATORS, ({**_END, "next": "REMATCH"}, {**_END, "next": "HANDBACK"})),
    "complete-trajectory": Ways(
        COORDINATORS,
        (
            {"reason": "EMPLOYMENT", "closureTalk": True},
            {"reason": "TRAINING", "closureTalk": True, "occurredAt": "<two days ago>"},
        ),
    ),
    "request-handback": Ways(
        COORDINATORS,
        (
            {"closureReason": "MENTEE_UNREACHABLE"},
            {**_goals(), "closureReason": "EMPLOYMENT"},
            {**_goals(), "openNeeds": ["CHILDCARE"], "recommendedNextStep": "COUNSELLING"},
        ),
    ),
    "accept-handback": Ways(
        AGENCY,
        tuple(
            {"decision": decision, "answers": answers}
            for decision in ("CLOSE", "RE_REFER", "OTHER_SERVICE")
            for answers in ({}, {"CHILDCARE": "OTHER"})
        ),
    ),
    "return-handback": Ways(AGENCY, ({"missing": ["OPEN_NEEDS"]},)),
    "close": Ways(AGENCY, ({"reason": "OTHER"},)),
    "reopen": Ways(AGENCY),
    "record-outcome": Ways(
        AGENCY,
        tuple(
            {"point": point, "code": "EMPLOYED_STABLE", "source": "REGISTER"} for point in ("EXIT", "W4", "M6", "M12")
        ),
    ),
    "waive-outcome": Ways(AGENCY, tuple({"point": point, "reason": "MOVED"} for point in ("W4", "M6", "M12", "EXIT"))),
    "report-gap": Ways(
        ("lotte", "volunteer", "an"),
        (
            {"serviceKind": "CHILDCARE", "gapType": "TOO_SLOW"},
            {"serviceKind": "TRAINING", "gapType": "QUALITY", "provider": f"{SECRET} College"},
        ),
    ),
    "answer-gap": Ways(
        AGENCY,
        (
            {"gap": "<the open gap>", "accepted": True, "action": f"a bus to {SECRET}", "due": "<in two months>"},
            {"gap": "<the open gap>", "accepted": False, "reason": SECRET},
        ),
    ),
    "complete-gap-action": Ways(AGENCY, ({"gap": "<the promised gap>"},)),
    "reassign-counsellor": Ways(AGENCY, ({}, {"counsellor": TOM.sub})),
    "reassign-coordinator": Ways(COORDINATORS, ({}, {"coordinator": AN.sub})),
    "correct": Ways(
        ("ines", "lotte"),
        (
            {"event": "<the first event>", "reason": _WHY},
            {"event": "<the latest meeting>", "reason": _WHY, "holds": {"minutes": 20}},
            {"event": "<the latest task>", "reason": _WHY, "holds": {"minutes": 20}},
        ),
    ),
}


def _open(held: Any, word: str, at: str) -> Iterator[str]:
    return (getattr(one, at) for one in held if one.state == word)


def _latest(book: Casebook, name: str) -> Iterator[str]:
    return (one.meta.event_id for one in reversed(book.history) if type(one.event).__name__ == name)


NAMED: Final[Mapping[str, Callable[[Casebook, datetime], Iterator[str]]]] = {
    "<two days ago>": lambda _, at: iter(((at - timedelta(days=2)).isoformat(),)),
    "<a year ago>": lambda _, at: iter(((at - timedelta(days=365)).isoformat(),)),
    "<in two months>": lambda _, at: iter(((at + timedelta(days=60)).date().isoformat(),)),
    "<the open gap>": lambda book, _: (gap.gap for gap in book.case.gaps if gap.answer is None),
    "<the promised gap>": lambda book, _: (gap.gap for gap in book.case.gaps if gap.action_due is not None),
    "<the open proposal>": lambda book, _: _open(book.case.proposals, "OPEN", "proposal"),
    "<the requested exception>": lambda book, _: _open(book.case.exceptions, "REQUESTED", "exception"),
    "<the open escalation>": lambda book, _: (held.id for held in book.case.escalations if held.resolution is None),
    "<the first event>": lambda book, _: (one.meta.event_id for one in book.history),
    "<the latest meeting>": lambda book, _: _latest(book, "MeetingRecorded"),
    "<the latest task>": lambda book, _: _latest(book, "TaskRecorded"),
}
"""What only the story knows: the ids that a word in brackets may mean, the first of them first."""


def _waiting(book: Casebook) -> list[Any]:
    return [held for held in book.case.proposals if held.state == "OPEN"]


WORTH_TRYING: Final[Mapping[str, Callable[[Casebook], Any]]] = {
    "decide-extension": lambda book: any(held.change == "EXTEND" for held in _waiting(book)),
    "decide-change": _waiting,
    "withdraw-change": _waiting,
    "decide-exception": lambda book: any(held.state == "REQUESTED" for held in book.case.exceptions),
    "resolve-escalation": lambda book: any(held.resolution is None for held in book.case.escalations),
    "answer-gap": lambda book: any(gap.answer is None for gap in book.case.gaps),
    "complete-gap-action": lambda book: any(gap.action_due is not None for gap in book.case.gaps),
    "acknowledge-charter": lambda book: any(step.step == "CHARTER_ACKNOWLEDGEMENT" for step in book.case.steps),
    "release-task": lambda book: book.case.trajectory is not None and book.case.trajectory.leads,
}
"""When a command has something to be about; elsewhere it is given out of turn only."""


def resolved(body: Body, book: Casebook, at: datetime) -> dict[str, Any]:
    """The body with what its words in brackets mean now; where there is no such thing, the id is one of nothing."""
    return {
        name: next(NAMED[value](book, at), f"{CASE_ID}.none") if isinstance(value, str) and value in NAMED else value
        for name, value in body.items()
    }


def said_before(body: Body, book: Casebook) -> Reported | None:
    """What the report said that a body corrects, if it corrects one."""
    named = find_event(book.history, body["event"]) if "holds" in body else None
    return named.reported if named is not None else None
