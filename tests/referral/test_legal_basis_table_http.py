"""A legal basis is withdrawn by those who docs/domain.md says, from the state that it says, and with what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.referral.context import ReferralContext
from tests.support.domain_page import LEGAL_BASIS_COMMANDS, roles, states, table
from tests.support.people import INES, KARIM, LOTTE, Person
from tests.support.problems import assert_problem
from tests.support.requests import samira

(WITHDRAW,) = table(LEGAL_BASIS_COMMANDS)
PLACES = {
    "counsellor": [INES],
    "team lead": [INES],
    "coordinator": [LOTTE],
    "former coordinator": [LOTTE],
    "lead": [LOTTE],
    "mentor": [LOTTE],
    "mentee": [Person(samira()["client"]["ref"], INES.org, "")],
    "data protection officer": [INES, LOTTE],
}
"""The sub and the organisation of those whom the page calls so; the role is of the page."""
SAID = [
    (word, replace(place, role=role))
    for word, every in sorted(roles().items())
    for role in sorted(every)
    for place in PLACES[word]
]


async def basis_of(context: ReferralContext, word: str, **changes: Any) -> str:
    """The path of a consent, whose referral has ended where the one who asks is there no more."""
    path = await context.submit(samira(**changes))
    if word == "former coordinator":
        await context.running.done(LOTTE, path, "decline", {"reason": "CAPACITY_FULL"})
    return await context.basis(path)


def test_the_page_has_the_states_of_a_legal_basis() -> None:
    """It is given, and it is withdrawn, and in no other way."""
    assert states(LEGAL_BASIS_COMMANDS) == {"GIVEN", "WITHDRAWN"}


@pytest.mark.parametrize(
    ("word", "person"), SAID, ids=lambda said: said if isinstance(said, str) else f"{said.role}-{said.org}"
)
async def test_whoever_the_page_names_withdraws_and_nobody_else(
    context: ReferralContext, word: str, person: Person
) -> None:
    """By the word, the role and the side: it is done, once, or the caller is told of nothing."""
    basis = await basis_of(context, word)
    before = await context.head()
    etag = (await context.running.get(INES, basis)).headers["ETag"]
    answer = await context.running.send(person, "POST", f"{basis}/withdraw", {}, etag=etag, key="once")
    # A team lead is a counsellor as well, and the lead of an organisation a coordinator.
    if word in WITHDRAW.who | {"lead", "team lead"}:
        assert answer.status_code == 200, answer.text
        own = [type(one.event).__name__ for one in await context.recorded() if one.position > before]
        assert [name for name in own if name == WITHDRAW.events[0][0]] == ["LegalBasisWithdrawn"]
        head = await context.head()
        await context.running.done(INES, basis, "withdraw")
        assert await context.head() == head
    else:
        assert_problem(answer, 404)
        assert await context.head() == before


async def test_nobody_withdraws_for_another_person_or_organisation(context: ReferralContext) -> None:
    """A mentee of another name, and a coordinator of another organisation: there is nothing."""
    basis = await basis_of(context, "mentee")
    etag = (await context.running.get(INES, basis)).headers["ETag"]
    for person in (Person("CL-OTHER", INES.org, "MENTEE"), Person(PLACES["mentee"][0].sub, KARIM.org, "MENTEE"), KARIM):
        assert_problem(await context.running.send(person, "POST", f"{basis}/withdraw", {}, etag=etag, key="no"), 404)


async def test_only_a_consent_is_withdrawn(context: ReferralContext) -> None:
    """Against another basis the person may object."""
    basis = await basis_of(context, "mentee", legalBasis={**samira()["legalBasis"], "kind": "PUBLIC_TASK"})
    refused = await context.running.command(INES, basis, "withdraw")
    assert_problem(refused, 409, "LEGAL_BASIS_NOT_CONSENT")
