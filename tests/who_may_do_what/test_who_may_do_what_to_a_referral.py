"""For every command on a referral, a broadcast or a legal basis: who may, in which state, and which code says no.

Against docs/domain.md alone, as `test_who_may_do_what_to_a_case.py` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.casefile.cases import CaseContext
from tests.referral.context import ACCEPT, ReferralContext
from tests.referral.situations import ACTS
from tests.referral.test_referral_table_http import WHY, brought_to
from tests.support.broadcasts import BROADCASTS, broadcast, offers_of
from tests.support.domain_page import BROADCAST_COMMANDS, LEGAL_BASIS_COMMANDS, REFERRAL_COMMANDS, states, table
from tests.support.people import HANNE, INES, KARIM, LOTTE, MENTOR, TOM, VOLUNTEER, Person
from tests.support.refusals_page import Asker, Machine
from tests.who_may_do_what.asking import Asked, Body, Somebody, dry_run, unmet
from tests.who_may_do_what.parties import (
    AGENCY,
    ELSE,
    MENTEE_OF_REFERRAL,
    NO_ACCESS,
    ORGANISATION,
    STOPPED,
    overseers,
    staff,
    strangers,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("who may do what to a referral")]

REFERRAL: Final = Machine(REFERRAL_COMMANDS, "a referral")
BROADCAST: Final = Machine(BROADCAST_COMMANDS, "a broadcast")
LEGAL_BASIS: Final = Machine(LEGAL_BASIS_COMMANDS, "a legal basis")
NEW: Final = "create"
"""It is given on nothing: `test_commands_without_a_state.py` has it."""
DPO: Final = frozenset({"data protection officer"})
NO: Final = {"reason": "CAPACITY_FULL"}


def everybody(ref: str, organisation: str | None = ORGANISATION) -> Iterator[Somebody]:
    """Somebody for every party and role of the page, as they stand to a referral to brugwerk.

    `organisation` is the party that brugwerk is; None: it is none.
    """
    yield from staff("vdab-gent", AGENCY, (INES, TOM))
    others = [MENTOR, VOLUNTEER, KARIM, Person("CL-other", "vdab-gent", "MENTEE"), Person(ref, "samenstap", "MENTEE")]
    there = (LOTTE, HANNE, Person(ref, "brugwerk", "MENTEE"))
    if organisation is not None:
        yield from staff("brugwerk", organisation, there[:2])
    for org in ("vdab-gent", "brugwerk") if organisation is not None else ("vdab-gent",):
        yield Somebody(Person(ref, org, "MENTEE"), Asker(MENTEE_OF_REFERRAL[org], frozenset({"mentee"})))
    yield from overseers()
    yield from strangers()
    yield from (Somebody(person, Asker(ELSE)) for person in (*others, *(() if organisation else there)))


async def all_asked(
    context: CaseContext, machine: Machine, path: str, state: str, somebody: Somebody, *, in_full: bool = True
) -> list[Asked]:
    """Dry runs of all commands on it, or of those that the page has for them here."""
    etag = await context.running.version(INES, path)
    given: Mapping[str, tuple[Body, ...]] = ACTS if machine is REFERRAL else {"withdraw": (WITHDRAW[machine.name],)}
    return [
        await dry_run(context.running, somebody, path if edits else f"{path}/{command}", command, body, etag, method)
        for command in sorted({row.command for row in table(machine.heading)} - {NEW})
        for edits, method in [(command == "edit", "PATCH" if command == "edit" else "POST")]
        for body in given[command]
        if in_full or machine.refusal(somebody.asker, state, command, body) is None
    ]


WITHDRAW: Final[Mapping[str, Body]] = {"a broadcast": {"reason": "CLIENT_IN_TRAINING"}, "a legal basis": {}}


async def shown(context: CaseContext, somebody: Somebody, path: str) -> set[str] | None:
    """What an answer shows as possible on it; None to those who read nothing."""
    answer = await context.running.get(somebody.person, path)
    links: list[dict[str, Any]] = answer.json().get("allowedActions", []) if answer.status_code == 200 else []
    return {link["action"] for link in links} if answer.status_code == 200 else None


# The last one moves the clock, and takes with it what others wait for.
@pytest.mark.parametrize("state", sorted(states(REFERRAL_COMMANDS), key=lambda state: (state == "EXPIRED", state)))
async def test_every_command_is_for_whom_the_page_names_and_refused_with_its_code_otherwise(
    shared: CaseContext, state: str
) -> None:
    """On a referral as it stands, and with an error reported; and what is shown as possible is possible."""
    path = await brought_to(shared, state)
    ref = (await shared.running.read(INES, path))["client"]["ref"]
    wrong, done = list[str](), list[Asked]()
    askers = list(everybody(ref, None if state == "DRAFT" else ORGANISATION))
    for reported in (False, True):
        if reported and state != "ENTERED_IN_ERROR":
            await shared.running.done(INES, path, "mark-error", WHY)
        for somebody in askers:
            asked = await all_asked(shared, REFERRAL, path, state, somebody, in_full=not reported)
            wrong += (sentence for one in asked for sentence in one.disagreements(REFERRAL, state))
            done += asked
            offered = await shown(shared, somebody, path) if asked else None
            did = {one.command for one in asked if one.is_done and not one.is_repeat} - {"edit"}
            if offered is not None and offered != did:
                wrong.append(f"in {state}, {somebody} is shown {offered - did}, and not {did - offered}")
    wrong += (line for line in unmet(REFERRAL, state, askers, done) if f"`{NEW}`" not in line)
    assert not wrong, "\n".join(wrong)


async def test_an_organisation_is_told_by_which_rule_its_part_is_over(shared: CaseContext) -> None:
    """The consent is withdrawn, or the access has ended: of everything that it might do."""
    context = ReferralContext(shared.running)
    wrong = list[str]()
    stopped = await context.received()
    ref = (await shared.running.read(INES, stopped))["client"]["ref"]
    await shared.running.done(INES, await context.basis(stopped), "withdraw")
    ended = await context.received()
    await shared.running.done(LOTTE, ended, "decline", NO)
    await shared.running.at(shared.running.clock.now() + timedelta(days=86))
    for path, state, party in ((stopped, "WITHDRAWN", STOPPED), (ended, "DECLINED", NO_ACCESS)):
        for somebody in everybody(ref, party):
            if somebody.asker.party == party:
                asked = await all_asked(shared, REFERRAL, path, state, somebody)
                wrong += (sentence for one in asked for sentence in one.disagreements(REFERRAL, state))
    assert not wrong, "\n".join(wrong)


async def in_state(context: CaseContext, state: str) -> str:
    """The path of a broadcast in a state."""
    answer = await context.running.create(INES, BROADCASTS, broadcast())
    path, offers = str(answer.headers["Location"]), offers_of(answer.json())
    both = {LOTTE: offers["brugwerk"], KARIM: offers["samenstap"]}
    for person, offer in both.items() if state in ("WON", "DECLINED") else ():
        await context.running.done(person, offer, "receive")
        if state == "DECLINED":
            await context.running.done(person, offer, "decline", NO)
    match state:
        case "WON":
            await context.running.done(LOTTE, both[LOTTE], "accept", ACCEPT)
        case "WITHDRAWN":
            await context.running.done(INES, path, "withdraw", {"reason": "CLIENT_MOVED"})
        case "EXPIRED":
            await context.running.at(context.running.clock.now() + timedelta(days=40))
    assert (await context.running.read(INES, path))["state"] == state
    return path


@pytest.mark.parametrize("state", sorted(states(BROADCAST_COMMANDS), key=lambda state: (state == "EXPIRED", state)))
async def test_a_broadcast_is_its_agencys_alone(shared: CaseContext, state: str) -> None:
    """The organisations that are offered something do not learn that there is one."""
    path = await in_state(shared, state)
    askers = list(everybody("CL-nobody", None))
    askers = [one if one.person.role != "MENTEE" else Somebody(one.person, Asker(ELSE)) for one in askers]
    done = [asked for one in askers for asked in await all_asked(shared, BROADCAST, path, state, one)]
    wrong = [sentence for one in done for sentence in one.disagreements(BROADCAST, state)]
    wrong += (line for line in unmet(BROADCAST, state, askers, done) if f"`{NEW}`" not in line)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("state", sorted(states(LEGAL_BASIS_COMMANDS)))
async def test_a_consent_is_withdrawn_by_whom_the_page_names(shared: CaseContext, state: str) -> None:
    """By the person, and by either side for the person, their officers among them; again it changes nothing."""
    context = ReferralContext(shared.running)
    offer = await context.received()
    ref, path = (await shared.running.read(INES, offer))["client"]["ref"], await context.basis(offer)
    if state == "WITHDRAWN":
        await shared.running.done(INES, path, "withdraw")
    askers = [
        Somebody(
            one.person,
            Asker(one.asker.party, DPO if one.person.role == "DPO" and one.asker.party != ELSE else one.asker.words),
        )
        for one in everybody(ref)
    ]
    done = [asked for one in askers for asked in await all_asked(shared, LEGAL_BASIS, path, state, one)]
    wrong = [sentence for one in done for sentence in one.disagreements(LEGAL_BASIS, state)]
    assert not wrong, "\n".join([*wrong, *unmet(LEGAL_BASIS, state, askers, done)])
