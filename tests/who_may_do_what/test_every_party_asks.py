"""Every party of docs/domain.md is somebody in the tests here, and the program itself is nobody who may ask."""

from __future__ import annotations

import time
from typing import Final

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from contracts.codes import Role
from tests.casefile.cases import CaseContext
from tests.support.domain_page import lines, roles
from tests.support.people import INES
from tests.support.problems import assert_problem
from tests.support.refusals_page import OF_SIDE, STATES, parties
from tests.who_may_do_what import parties as known

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("every party asks")]

ITSELF: Final = "the program itself, which has no token"


async def test_every_party_of_the_page_asks() -> None:
    """A row of which nobody is, could say anything."""
    names = {value for name, value in vars(known).items() if name.isupper() and isinstance(value, str)}
    named = names & parties().keys()
    assert named | {*known.MENTEE_OF_REFERRAL.values(), ITSELF} == set(parties())


async def test_the_page_has_a_row_for_every_role_of_a_token() -> None:
    """The operator alone is in no row, as nothing of a case or a referral is the operator's."""
    listed = {role for party in parties().values() for role in party.roles}
    assert {role.value for role in Role} - listed == {"OPERATOR"}
    assert {role for words in roles().values() for role in words} <= listed
    assert set().union(*OF_SIDE.values()) <= set(roles())


async def test_states_are_refused_of_the_machines_of_the_page() -> None:
    """Each of its resources with states, and nothing else."""
    assert {cells["Of"] for cells in lines(STATES)} == {"a case", "a referral", "a broadcast", "a legal basis"}


async def test_nobody_asks_as_the_program_itself(shared: CaseContext) -> None:
    """A token with its role, signed by the issuer that all trust, is none."""
    running, party = shared.running, parties()[ITSELF]
    case = await shared.accepted()
    key = load_pem_private_key((running.directory / "issuer" / "ed25519.pem").read_bytes(), password=None)
    (role,) = party.roles
    claims = {
        **jwt.decode(running.token(INES), options={"verify_signature": False}),
        "role": role,
        "iat": int(time.time()),
    }
    header = jwt.get_unverified_header(running.token(INES))
    token = jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": header["kid"]})  # type: ignore[arg-type]
    for path in (f"{case.path}/close", f"{case.offer}/withdraw"):
        answer = await running.send(None, "POST", path, {}, headers={"Authorization": f"Bearer {token}"})
        assert_problem(answer, 401, party.anything)
