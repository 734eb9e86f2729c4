"""For every command on a case: who may, in which state, and with which code it is refused otherwise.

Over roles, states and commands, against docs/domain.md alone: each state is reached once or in a few ways, and in each
everything is asked as a dry run, which decides as the real command does and stores nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from tests.casefile.acts import BODIES
from tests.casefile.cases import CaseContext, Told
from tests.casefile.messages import CASE_ID
from tests.casefile.test_case_table_http import brought_to, second_try
from tests.referral.context import ReferralContext
from tests.support.domain_page import CASE_COMMANDS, states, table
from tests.support.people import HANNE, INES, KARIM, LOTTE, MENTOR, TOM, VOLUNTEER, Person
from tests.support.refusals_page import Asker, Machine
from tests.who_may_do_what.asking import Asked, Body, Somebody, dry_run, unmet
from tests.who_may_do_what.parties import (
    AGENCY,
    ELSE,
    FORMER,
    MENTEE_OF_CASE,
    MENTOR_OF_CASE,
    NO_ACCESS,
    ORGANISATION,
    STOPPED,
    STOPPED_MENTOR,
    overseers,
    staff,
    strangers,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("who may do what to a case")]

CASE: Final = Machine(CASE_COMMANDS, "a case")
EVERY_STATE: Final = sorted(states(CASE_COMMANDS))
WITH_ORGANISATION: Final = frozenset(
    {"REFERRED", "INTAKE", "MATCHING", "MATCH_PROPOSED", "MENTORING", "SUSPENDED", "HANDBACK_DUE", "HANDBACK_REQUESTED"}
)
"""Where the latest organisation is not a former one."""
MENTORS: Final = ("VOLUNTEER_MENTOR", "PROFESSIONAL_MENTOR")
WITH_MENTOR: Final = frozenset({"MATCH_PROPOSED", "MENTORING", "SUSPENDED"})
OF_A_TASK: Final = frozenset({"record-task", "claim-task", "release-task"})
"""Whether they are possible depends on the task that the body names."""
PART_ENDS: Final = {"ReferralDeclined": "samenstap", "TrajectoryCompleted": "brugwerk", "HandbackRequested": "brugwerk"}
"""What ends the part of an organisation in the cases here."""
OWN: Final[Mapping[str, Mapping[str, tuple[Body, ...]]]] = {
    "mentor": {
        "confirm-match": ({"by": "MENTOR"},),
        "reject-match": ({"by": "MENTOR", "reason": "NO_CLICK"},),
        "record-pulse": ({"by": "MENTOR", "score": 4},),
        "acknowledge-charter": ({}, {"charterVersion": "v2"}),
    },
    "mentee": {
        "confirm-match": ({"by": "MENTEE"},),
        "reject-match": ({"by": "MENTEE", "reason": "NO_CLICK"},),
        "record-pulse": ({"by": "MENTEE", "score": 4},),
    },
}
"""What they say for themselves, in the place of what a coordinator says for them."""
THERE: Final[Mapping[str, tuple[Body, ...]]] = {
    "answer-gap": (
        {"gap": f"{CASE_ID}.g2", "accepted": True, "action": "two more places", "due": "2029-06-29"},
        {"gap": f"{CASE_ID}.g2", "accepted": False, "reason": "the city does it"},
    ),
    "reassign-counsellor": ({"counsellor": "els.mertens"}, {}),
    "reassign-coordinator": ({"coordinator": "an.peeters"}, {}),
    "record-outcome": (
        {"point": "EXIT", "code": "EMPLOYED_STABLE", "source": "REGISTER"},
        {"point": "W4", "code": "TRAINING", "source": "REGISTER"},
    ),
}
"""Bodies that name what is there in the cases here."""


async def ways(context: CaseContext, state: str) -> AsyncIterator[Told]:
    """A case for every way to come to the state, each before the next one is begun."""
    async for case in brought_to(context, state):
        yield case
    if state == "MENTORING":
        for somebody in (INES, VOLUNTEER):
            case = await second_try(context, accepted=True)
            await context.lead_on(case, "INTAKE", state)
            await context.running.done(somebody, case.path, "claim-task", {"task": "CV_FEEDBACK"})
            yield case
    if state == "CLOSED":
        case = await second_try(context, accepted=True)
        await context.lead_on(case, "INTAKE", state)
        await context.running.at(context.running.clock.now() + timedelta(days=29))
        yield case


async def accesses(context: CaseContext, case: Told) -> dict[str, bool]:
    """Whether an organisation's access has ended, of each whose part has: by NGO_ACCESS, 84 days after that."""
    ends: dict[str, datetime] = {}
    for item in (await context.running.read(INES, f"{case.path}/timeline", limit=200))["items"]:
        if (org := PART_ENDS.get(item["type"])) is not None:
            ends.setdefault(org, datetime.fromisoformat(item["occurredAt"]))
    return {org: context.running.clock.now() - since >= timedelta(days=85) for org, since in ends.items()}


def everybody(state: str, ref: str, mentor_ref: str, ended: Mapping[str, bool]) -> Iterator[Somebody]:
    """Somebody for every party and role of the page, as they stand to a case of brugwerk, or to one that was.

    `mentor_ref` is who is matched, or was. samenstap may have declined it before; `ended` is as `accesses` has it.
    """
    own = ORGANISATION if state in WITH_ORGANISATION else FORMER
    yield from staff("vdab-gent", AGENCY, (INES, TOM))
    for org, party, people in (("brugwerk", own, (LOTTE, HANNE)), ("samenstap", FORMER, (KARIM,))):
        if org in ended or org == "brugwerk":
            yield from staff(org, NO_ACCESS if ended.get(org) else party, people)
    mentor = Asker(MENTOR_OF_CASE, frozenset({"mentor"})) if state in WITH_MENTOR else Asker(ELSE)
    for role in MENTORS:
        yield Somebody(Person(mentor_ref, "brugwerk", role), mentor)
    mentee = Asker(MENTEE_OF_CASE, frozenset({"mentee"}))
    yield Somebody(Person(ref, "vdab-gent", "MENTEE"), mentee)
    yield Somebody(Person(ref, "brugwerk", "MENTEE"), mentee if own == ORGANISATION else Asker(ELSE))
    yield from overseers()
    yield from strangers()
    others = (
        MENTOR,
        Person("M-41", "samenstap", "VOLUNTEER_MENTOR"),
        Person("M-41", "vdab-gent", "VOLUNTEER_MENTOR"),
        Person("CL-other", "vdab-gent", "MENTEE"),
        Person(ref, "actiris-demo", "MENTEE"),
        Person(ref, "samenstap", "MENTEE"),
        Person("operator", "vdab-gent", "OPERATOR"),
    )
    yield from (Somebody(person, Asker(ELSE)) for person in others)


def bodies(command: str, somebody: Somebody, case: Told, event: str) -> tuple[Body, ...]:
    """The bodies that the rows of the command tell apart, for the one who asks about this case."""
    word = next((word for word in OWN if word in somebody.asker.words), "")
    found = OWN.get(word, {}).get(command) or THERE.get(command) or BODIES[command]
    here = json.loads(json.dumps([dict(body) for body in found]).replace(CASE_ID, case.id).replace("event-3", event))
    return tuple(here)


async def event_of(context: CaseContext, somebody: Somebody, case: Told) -> str:
    """An event of the case, if possible one that they see."""
    for person in (somebody.person, INES):
        answer = await context.running.get(person, f"{case.path}/events")
        if answer.status_code == 200 and answer.json()["items"]:
            return str(answer.json()["items"][0]["event"])
    raise AssertionError("nothing has happened")


async def all_asked(context: CaseContext, case: Told, somebody: Somebody, state: str, *, in_full: bool) -> list[Asked]:
    """Dry runs of all commands, or of those that the page has for them here, with each body that a row tells apart.

    Who may do nothing sends the first body alone.
    """
    etag = await context.running.version(INES, case.path)
    event = await event_of(context, somebody, case)
    return [
        await dry_run(context.running, somebody, f"{case.path}/{command}", command, body, etag)
        for command in sorted({row.command for row in table(CASE_COMMANDS)})
        for body in bodies(command, somebody, case, event)[: None if somebody.asker.words else 1]
        if in_full or CASE.refusal(somebody.asker, state, command, body) is None
    ]


async def offered(context: CaseContext, somebody: Somebody, case: Told) -> set[str] | None:
    """The commands on the case that an answer shows as possible; None to those who read nothing of it."""
    answer = await context.running.get(somebody.person, case.path)
    if answer.status_code != 200:
        return None
    links: list[dict[str, Any]] = answer.json()["allowedActions"]
    return {link["action"] for link in links if link["href"].startswith(case.path)}


def not_as_shown(somebody: Somebody, shown: set[str] | None, asked: list[Asked]) -> Iterator[str]:
    """Where what an answer shows as possible is not what is possible, but for what a body says."""
    if shown is None:
        return
    could = {one.command for one in asked if one.is_done or one.answer.status_code == 422 or one.command in OF_A_TASK}
    did = {one.command for one in asked if one.is_done and not one.is_repeat}
    yield from (f"{somebody} is shown {command}, and may not" for command in sorted(shown - could))
    yield from (f"{somebody} may {command}, and is not shown it" for command in sorted(did - shown))


@pytest.mark.parametrize("state", EVERY_STATE)
async def test_every_command_is_for_whom_the_page_names_and_refused_with_its_code_otherwise(
    fresh: CaseContext, state: str
) -> None:
    """To everybody, in every state: allowed or refused as the page says; and what is shown as possible is possible."""
    wrong, done, askers = list[str](), list[Asked](), list[Somebody]()
    async for case in ways(fresh, state):
        read = await fresh.running.read(INES, case.path)
        match = (read.get("trajectory") or {}).get("match") or {}
        ended, mentor = await accesses(fresh, case), match.get("mentorRef", VOLUNTEER.sub)
        in_full, askers = not askers, list(everybody(state, read["clientRef"], mentor, ended))
        for somebody in askers:
            asked = await all_asked(fresh, case, somebody, state, in_full=in_full)
            wrong += (sentence for one in asked for sentence in one.disagreements(CASE, state))
            done += asked
            shown = await offered(fresh, somebody, case) if asked else None
            wrong += (f"in {state}, {sentence}" for sentence in not_as_shown(somebody, shown, asked))
    wrong += unmet(CASE, state, askers, done)
    assert not wrong, "\n".join(wrong)


async def test_once_the_consent_is_withdrawn_those_who_had_a_part_are_told_to_stop(shared: CaseContext) -> None:
    """The organisation and the mentor: of what was theirs, by the rule that ended it; of all else as before."""
    case = await shared.brought_to("MENTORING")
    basis = await ReferralContext(shared.running).basis(case.offer)
    await shared.running.done(INES, basis, "withdraw")
    await shared.running.settle()
    assert await shared.state(case) == "OPENED"
    stopped = Asker(STOPPED_MENTOR, before=frozenset({"mentor"}))
    mentors = [Somebody(Person(VOLUNTEER.sub, VOLUNTEER.org, role), stopped) for role in MENTORS]
    wrong = list[str]()
    for somebody in (*staff("brugwerk", STOPPED, (LOTTE, HANNE)), *mentors):
        asked = await all_asked(shared, case, somebody, "OPENED", in_full=True)
        wrong += (sentence for one in asked for sentence in one.disagreements(CASE, "OPENED"))
    assert not wrong, "\n".join(wrong)
