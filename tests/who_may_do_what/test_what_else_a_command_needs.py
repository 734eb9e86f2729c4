"""Each row of "What else a command needs" in docs/domain.md: brought about, and refused by its code."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.casefile.cases import ANSWER, PROPOSAL, REPORT, CaseContext
from tests.referral.context import ACCEPT, COMMANDS, ReferralContext
from tests.support.broadcasts import BROADCASTS, broadcast, offers_of
from tests.support.people import HANNE, INES, KARIM, LOTTE, OPERATOR, TOM, VOLUNTEER, Person
from tests.support.problems import assert_problem
from tests.support.refusals_page import Condition, conditions
from tests.support.requests import AGREEMENT, another_person
from tests.who_may_do_what.asking import RIGHTS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("what else a command needs")]

Body = Mapping[str, Any]
Step = tuple[Person, str, Body] | int
"""A command that is done before, or so many days that pass."""
WHO: Final = {
    "counsellor": INES,
    "team lead": TOM,
    "coordinator": LOTTE,
    "lead": HANNE,
    "mentor": VOLUNTEER,
    "mentee": Person("the case's", "vdab-gent", "MENTEE"),
}
ASK, TELL = COMMANDS["request-information"], COMMANDS["provide-information"]
GAP: Final = {"serviceKind": "CHILDCARE", "gapType": "TOO_SLOW"}
NO_TO_IT: Final = {"gap": "{case}.g1", "accepted": False, "reason": "the city does it"}
PROPOSED: Final = (LOTTE, "propose-change", {"change": "COORDINATOR", "coordinator": "an.peeters"})
DECIDE: Final = {"proposal": "{case}.p1", "approved": True}
LED_BY_AGENCY: Final = (INES, "claim-task", {"task": "CV_FEEDBACK"})
LED_BY_MENTOR: Final = (VOLUNTEER, "claim-task", {"task": "CV_FEEDBACK"})
CV: Final = {"task": "CV_FEEDBACK"}
GRANT: Final = {"exception": "X1", "granted": True, "reason": "once"}
MONEY: Final = {"task": "MONEY", "justification": "the shop closes"}
W4: Final = {"point": "W4", "code": "TRAINING", "source": "REGISTER"}
TALK: Final = {"resolution": "TALK"}


@dataclass(frozen=True)
class Scene:
    """A case in `state` (`CaseContext.brought_to`) after `steps`, and what is then asked for, by the word for who."""

    state: str
    body: Body = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    only: str = ""
    """The word that it is for, where others need another scene."""


SCENES: Final[Mapping[tuple[str, str], tuple[Scene, ...]]] = {
    ("confirm-match", "NOT_YOUR_SIDE"): (
        Scene("MATCH_PROPOSED", {"by": "MENTEE"}, only="mentor"),
        Scene("MATCH_PROPOSED", {"by": "MENTOR"}, only="mentee"),
    ),
    ("reject-match", "NOT_YOUR_SIDE"): (
        Scene("MATCH_PROPOSED", {"by": "MENTEE", "reason": "NO_CLICK"}, only="mentor"),
        Scene("MATCH_PROPOSED", {"by": "MENTOR", "reason": "NO_CLICK"}, only="mentee"),
    ),
    ("record-pulse", "NOT_YOUR_SIDE"): (
        Scene("MENTORING", {"by": "MENTEE", "score": 4}, only="mentor"),
        Scene("MENTORING", {"by": "MENTOR", "score": 4}, only="mentee"),
    ),
    ("sign-agreement", "NOT_CONFIRMED"): (Scene("MATCH_PROPOSED", AGREEMENT),),
    ("log-contact-attempt", "STATE_DOES_NOT_ALLOW"): (Scene("MENTORING", {"channel": "PHONE", "reached": True}),),
    ("acknowledge-charter", "NOTHING_TO_ACKNOWLEDGE"): (Scene("MENTORING"),),
    ("acknowledge-charter", "STATE_DOES_NOT_ALLOW"): (Scene("MATCHING"),),
    ("acknowledge-charter", "NOT_YOUR_SIDE"): (Scene("CHARTER_CHANGED", {"by": "COORDINATOR"}),),
    ("report-progress", "STATE_DOES_NOT_ALLOW"): (Scene("MATCHING", {"progress": {"SOCIAL": "+"}}),),
    ("record-task", "TASK_REFUSED_BY_CHARTER"): (
        Scene("MENTORING", {"task": "MATCHING"}, only="counsellor"),
        Scene("MENTORING", {"task": "MONEY"}, only="coordinator"),
        Scene("MENTORING", {"task": "MONEY"}, only="mentor"),
    ),
    ("claim-task", "TASK_REFUSED_BY_CHARTER"): (Scene("MENTORING", {"task": "MONEY"}),),
    ("record-task", "APPROVAL_REQUIRED"): (Scene("MENTORING", {"task": "ACCOMPANY_TO_AUTHORITY"}),),
    ("record-task", "DUPLICATE_RESPONSIBILITY"): (
        Scene("MENTORING", CV, (LED_BY_MENTOR,), only="counsellor"),
        Scene("MENTORING", CV, (LED_BY_AGENCY,), only="coordinator"),
        Scene("MENTORING", CV, (LED_BY_AGENCY,), only="mentor"),
    ),
    ("claim-task", "DUPLICATE_RESPONSIBILITY"): (
        Scene("MENTORING", CV, (LED_BY_MENTOR,), only="counsellor"),
        Scene("MENTORING", CV, (LED_BY_AGENCY,), only="coordinator"),
        Scene("MENTORING", CV, (LED_BY_AGENCY,), only="mentor"),
    ),
    ("release-task", "NOT_THE_HOLDER"): (
        Scene("MENTORING", CV, (LED_BY_MENTOR,), only="counsellor"),
        Scene("MENTORING", CV, (LED_BY_AGENCY,), only="coordinator"),
        Scene("MENTORING", CV, (LED_BY_AGENCY,), only="mentor"),
    ),
    ("record-task", "NOT_YOUR_SIDE"): (Scene("MENTORING", {**CV, "by": {"role": "NGO_COORDINATOR"}}),),
    ("claim-task", "NOT_YOUR_SIDE"): (Scene("MENTORING", {**CV, "by": {"role": "NGO_COORDINATOR"}}),),
    ("request-exception", "NO_EXCEPTION_NEEDED"): (
        Scene("MENTORING", {"task": "LANGUAGE_PRACTICE", "justification": "she wants to talk"}),
    ),
    ("request-exception", "EXCEPTION_OPEN"): (Scene("MENTORING", MONEY, ((LOTTE, "request-exception", MONEY),)),),
    ("decide-exception", "NO_EXCEPTION"): (Scene("MENTORING", GRANT),),
    ("decide-exception", "EXCEPTION_DECIDED"): (
        Scene("EXCEPTION_REQUESTED", {**GRANT, "granted": False}, ((HANNE, "decide-exception", GRANT),)),
    ),
    ("extend-agreement", "EXTENDED_BEFORE"): (
        Scene("EXTENSION_PROPOSED", {"months": 1}, ((INES, "decide-extension", {"approved": True}),)),
    ),
    ("decide-extension", "NOTHING_PROPOSED"): (Scene("MENTORING", {"approved": True}),),
    ("decide-change", "NOTHING_PROPOSED"): (Scene("MENTORING", DECIDE),),
    ("withdraw-change", "NOTHING_PROPOSED"): (Scene("MENTORING", {"proposal": "{case}.p1"}),),
    ("decide-change", "PROPOSAL_DECIDED"): (
        Scene("INTAKE", DECIDE, (PROPOSED, (LOTTE, "withdraw-change", {"proposal": "{case}.p1"}))),
    ),
    ("withdraw-change", "PROPOSAL_DECIDED"): (
        Scene("INTAKE", {"proposal": "{case}.p1"}, (PROPOSED, (INES, "decide-change", {**DECIDE, "approved": False}))),
    ),
    ("resume", "SUSPENSION_TOO_LONG"): (Scene("SUSPENDED", steps=(62,)),),
    ("review-suspension", "SUSPENSION_TOO_LONG"): (Scene("SUSPENDED", steps=(62,)),),
    ("request-handback", "HANDBACK_AWAITS_AGENCY"): (Scene("HANDBACK_REQUESTED", REPORT),),
    ("return-handback", "RETURNED_BEFORE"): (
        Scene(
            "HANDBACK_REQUESTED",
            {"missing": ["CLOSURE_REASON"]},
            ((INES, "return-handback", {"missing": ["OPEN_NEEDS"]}), (LOTTE, "request-handback", REPORT)),
        ),
    ),
    ("accept-handback", "STATE_DOES_NOT_ALLOW"): (Scene("HANDBACK_DUE", ANSWER),),
    ("reopen", "REOPEN_TERM_PASSED"): (Scene("CLOSED", steps=(185,)),),
    ("record-outcome", "OUTCOME_NOT_DUE"): (Scene("CLOSED", W4),),
    ("resolve-escalation", "NOTHING_ESCALATED"): (Scene("MENTORING", TALK),),
    ("resolve-escalation", "ESCALATION_OF_THE_OTHER_SIDE"): (
        Scene("INTAKE", TALK, ((LOTTE, "raise-escalation", {"reason": "OTHER"}),), only="counsellor"),
        Scene("INTAKE", TALK, (12,), only="coordinator"),
    ),
    ("answer-gap", "NO_GAP"): (Scene("MENTORING", NO_TO_IT),),
    ("answer-gap", "GAP_ANSWERED"): (
        Scene("MENTORING", NO_TO_IT, ((LOTTE, "report-gap", GAP), (INES, "answer-gap", NO_TO_IT))),
    ),
    ("complete-gap-action", "NOTHING_PROMISED"): (
        Scene("MENTORING", {"gap": "{case}.g1"}, ((LOTTE, "report-gap", GAP), (INES, "answer-gap", NO_TO_IT))),
    ),
}
"""How each row about a case comes about, by its command and its code."""
LATER: Final = {
    key for key, scenes in SCENES.items() if any(isinstance(step, int) for scene in scenes for step in scene.steps)
}
"""Those that come about by waiting."""
OF_A_REFERRAL: Final[Mapping[tuple[str, str], tuple[Step, ...]]] = {
    ("request-information", "INFORMATION_REQUESTS_USED_UP"): (
        *((LOTTE, "request-information", ASK[1]), (INES, "provide-information", TELL[1])),
        *((LOTTE, "request-information", ASK[1]), (INES, "provide-information", TELL[1])),
    ),
    ("mark-error", "ERROR_ALREADY_REPORTED"): ((TOM, "mark-error", COMMANDS["mark-error"][1]),),
    ("confirm-error", "ERROR_NOT_REPORTED"): (),
    ("confirm-error", "SECOND_PERSON_REQUIRED"): ((TOM, "mark-error", COMMANDS["mark-error"][1]),),
}
"""The same of a referral: the steps that follow its receipt."""
BY_OTHERS: Final = {
    ("accept", "CAPACITY_FULL"),
    ("accept", "OFFER_TAKEN"),
    ("reopen", "CONCURRENT_PROGRAMME"),
    ("sign-agreement", "CHARTER_NOT_ACKNOWLEDGED"),
}
"""What others bring about, each in a test of its own."""


def of(known: Collection[tuple[str, str]]) -> pytest.MarkDecorator:
    """The rows of the page that a table here has."""
    rows = [row for row in conditions() if (row.command, row.code) in known]
    return pytest.mark.parametrize("row", rows, ids=lambda row: f"{row.command}-{row.code}")


async def test_every_row_is_brought_about() -> None:
    """And nothing that the page does not have."""
    assert sorted((row.command, row.code) for row in conditions()) == sorted({*SCENES, *OF_A_REFERRAL, *BY_OTHERS})


def filled(body: Body, case: str) -> dict[str, Any]:
    """A body that names what is there in a case."""
    return {key: value.replace("{case}", case) if isinstance(value, str) else value for key, value in body.items()}


async def acted(context: CaseContext, path: str, steps: tuple[Step, ...]) -> None:
    """What comes before: commands, and days."""
    for step in steps:
        if isinstance(step, int):
            await context.running.at(context.running.clock.now() + timedelta(days=step))
        else:
            person, command, body = step
            await context.running.done(person, path, command, filled(body, path.rpartition("/")[2]))


async def refused(context: CaseContext, path: str, row: Condition, person: Person, body: Body) -> None:
    """A dry run of the command gets the row's code."""
    etag = await context.running.version(INES, path)
    answer = await context.running.send(
        person, "POST", f"{path}/{row.command}", dict(body), etag=etag, params={"dryRun": "true"}
    )
    assert_problem(answer, 403 if row.code in RIGHTS else 409, row.code)


async def refused_in_each_scene(context: CaseContext, row: Condition) -> None:
    """By the code of its row, to each whom the row names."""
    for scene in SCENES[row.command, row.code]:
        case = await context.brought_to(scene.state)
        await acted(context, case.path, scene.steps)
        for word in [scene.only] if scene.only else sorted(row.who):
            assert word in row.who
            person = await context.mentee_of(case) if word == "mentee" else WHO[word]
            await refused(context, case.path, row, person, filled(scene.body, case.id))
    assert {scene.only for scene in SCENES[row.command, row.code]} in ({""}, row.who)


@of(SCENES.keys() - LATER)
async def test_without_what_a_case_must_have_a_command_is_refused(shared: CaseContext, row: Condition) -> None:
    """To each whom the row names."""
    await refused_in_each_scene(shared, row)


@of(LATER)
async def test_what_a_case_has_no_more_after_some_days_is_refused(fresh: CaseContext, row: Condition) -> None:
    """The same where days pass, in a system in which nothing else waits for them."""
    await refused_in_each_scene(fresh, row)


@of(OF_A_REFERRAL)
async def test_without_what_a_referral_must_have_a_command_is_refused(shared: CaseContext, row: Condition) -> None:
    """By the code of its row."""
    path = await ReferralContext(shared.running).received()
    await acted(shared, path, OF_A_REFERRAL[row.command, row.code])
    for word in row.who:
        # Another justification, as the same one would be a repeat.
        body = {"justification": "it was a test"} if row.command == "mark-error" else COMMANDS[row.command][1]
        await refused(shared, path, row, WHO[word], body)


def row_of(command: str, code: str) -> Condition:
    """The row of the page."""
    return next(row for row in conditions() if (row.command, row.code) == (command, code))


async def test_who_has_not_acknowledged_the_charter_signs_nothing(shared: CaseContext) -> None:
    """The coordinator, after a match under which the charter changed; the next mentor has acknowledged it."""
    case, row = await shared.brought_to("CHARTER_CHANGED"), row_of("sign-agreement", "CHARTER_NOT_ACKNOWLEDGED")
    await shared.describe_mentor("M-c2", charterVersion="v2")
    ended = {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True}
    await shared.running.done(LOTTE, case.path, "end-match", ended)
    await shared.running.done(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": "M-c2"})
    await shared.lead_on(case, "MATCH_PROPOSED", "CONFIRMED")
    await refused(shared, case.path, row, LOTTE, AGREEMENT)


async def test_an_offer_is_accepted_by_one(shared: CaseContext) -> None:
    """Another organisation that was asked is told that it came too late."""
    made = await shared.running.create(INES, BROADCASTS, broadcast())
    offers = offers_of(made.json())
    for person, offer in zip((LOTTE, KARIM), (offers["brugwerk"], offers["samenstap"]), strict=True):
        await shared.running.done(person, offer, "receive")
    await shared.running.done(KARIM, offers["samenstap"], "accept", {"coordinator": KARIM.sub})
    await refused(shared, offers["brugwerk"], row_of("accept", "OFFER_TAKEN"), LOTTE, ACCEPT)


async def test_nobody_is_accepted_without_a_free_place(shared: CaseContext) -> None:
    """Samenstap has taken one person, and takes no more."""
    context, coordinator = ReferralContext(shared.running), {"coordinator": KARIM.sub}
    first, second = [await context.submit(another_person("samenstap")) for _ in range(2)]
    for path in (first, second):
        await shared.running.done(KARIM, path, "receive")
    await shared.running.done(KARIM, first, "accept", coordinator)
    described = await shared.running.read(OPERATOR, "/v1/organisations/samenstap")
    etag = await shared.running.version(OPERATOR, "/v1/organisations/samenstap")
    body = {name: described[name] for name in ("name", "kind", "programmes")} | {"capacity": 1}
    put = await shared.running.send(OPERATOR, "PUT", "/v1/organisations/samenstap", body, etag=etag)
    assert put.status_code == 200, put.text
    await refused(shared, second, row_of("accept", "CAPACITY_FULL"), KARIM, coordinator)


async def test_a_person_is_in_one_programme_at_a_time(shared: CaseContext) -> None:
    """A closed case stays closed while the person has another."""
    case = await shared.brought_to("CLOSED")
    await shared.running.settle()
    ref = (await shared.running.read(INES, case.path))["clientRef"]
    await shared.referred(another_person(client={"ref": ref}))
    await shared.running.settle()
    await refused(shared, case.path, row_of("reopen", "CONCURRENT_PROGRAMME"), INES, {})
