"""A token names its caller, or nobody: signature, issuer, audience, expiry, role and names all have to hold."""

from __future__ import annotations

import base64
import json
import time
import timeit
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import Role
from services.chassis.access.identity import ALGORITHMS, Caller, Unauthenticated, Verifier

ISSUER = "https://login.example.org"
AUDIENCE = "caserelay"
PRIVATE: dict[str, Any] = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "RS256": rsa.generate_private_key(65537, 2048),
}
PRIVATE["PS256"] = PRIVATE["RS512"] = PRIVATE["RS256"]


class KeyRing:
    """Keys in memory, one per algorithm and named after it; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.keys = {
            name: jwt.PyJWK(jwt.get_algorithm_by_name(name).to_jwk(private.public_key(), as_dict=True), algorithm=name)
            for name, private in PRIVATE.items()
        }

    @property
    def issuer(self) -> str:
        """What `iss` has to be."""
        return ISSUER

    async def key(self, kid: str | None, algorithm: str, tried: jwt.PyJWK | None = None) -> jwt.PyJWK | None:
        """The key of that name."""
        self.asked += 1
        return self.keys.get(algorithm) if kid == algorithm and tried is None else None


@pytest.fixture
def ring() -> KeyRing:
    """The keys of the trusted issuer."""
    return KeyRing()


@pytest.fixture
def verifier(ring: KeyRing) -> Verifier:
    """A verifier that trusts the ring."""
    return Verifier(ring, AUDIENCE)


def claims(**changes: object) -> dict[str, Any]:
    """The claims of a good token; a change to None leaves the claim out."""
    good: dict[str, object] = {
        "sub": "lotte.claes",
        "org": "brugwerk",
        "role": "NGO_COORDINATOR",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": int(time.time()) + 600,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def token(algorithm: str = "EdDSA", /, **changes: object) -> str:
    """A token signed by the trusted issuer."""
    return signed(claims(**changes), PRIVATE[algorithm], algorithm, {"kid": algorithm})


def signed(payload: dict[str, Any], key: Any, algorithm: str, header: dict[str, Any]) -> str:
    """A token signed with the key; the library's own checks of the claims are passed by."""
    return jwt.PyJWS().encode(json.dumps(payload).encode(), key, algorithm=algorithm, headers=header)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
async def test_a_good_token_names_its_caller(verifier: Verifier, algorithm: str) -> None:
    """In each of the algorithms that are accepted."""
    caller = await verifier.verify(token(algorithm))
    assert caller == Caller("lotte.claes", "brugwerk", Role.NGO_COORDINATOR)
    assert (caller.actor().sub, caller.actor().org, caller.actor().role) == (
        "lotte.claes",
        "brugwerk",
        "NGO_COORDINATOR",
    )


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_the_scheme_may_be_written_in_any_case(verifier: Verifier, scheme: str) -> None:
    """RFC 9110: the authentication scheme is case-insensitive."""
    assert (await verifier.authenticate(scheme + token())).org == "brugwerk"


@pytest.mark.parametrize("header", [None, "", "Basic bG90dGU6c2VjcmV0", "Token abc"])
async def test_without_a_bearer_token_nobody_is_calling(verifier: Verifier, header: str | None) -> None:
    """Another scheme counts as none."""
    with pytest.raises(Unauthenticated) as refused:
        await verifier.authenticate(header)
    assert refused.value.code == "TOKEN_MISSING"


@pytest.mark.parametrize("claim", ["sub", "org", "role", "iss", "aud", "exp"])
async def test_every_claim_is_needed(verifier: Verifier, claim: str) -> None:
    """A token that lacks one is refused."""
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token(**{claim: None}))
    assert refused.value.code == "TOKEN_INVALID"


BAD_CLAIMS: list[dict[str, object]] = [
    {"iss": "https://other.example.org"},
    {"iss": 7},
    {"aud": "another"},
    {"aud": ["another"]},
    {"aud": 7},
    {"nbf": int(time.time()) + 36_000},
    {"role": "SYSTEM"},
    {"role": "ngo_coordinator"},
    {"role": "WIZARD"},
    {"role": 7},
    {"role": ["NGO_COORDINATOR"]},
    {"sub": ""},
    {"sub": 7},
    {"sub": "x" * 201},
    {"sub": "lotte\nclaes"},
    {"sub": "lotte\x00"},
    {"sub": "lotte\u202eclaes"},
    {"sub": "lotte\u200bclaes"},
    {"sub": "lotte\u00adclaes"},
    {"sub": "lotte\u00a0claes"},
    {"sub": "andre\u0301"},
    {"org": "vdab-\u212b"},
    {"sub": "lotte\ud800"},
    {"sub": "lotte\u3164"},
    {"sub": ".."},
    {"sub": "85.07.30-033.28"},
    {"org": "nrn-85073003328"},
    {"org": " brugwerk"},
    {"org": ""},
    {"org": None, "organisation": "brugwerk"},
    {"org": ["brugwerk"]},
    {"exp": "never"},
    {"exp": str(int(time.time()) + 36_000)},
    {"exp": float("inf")},
    {"exp": float("nan")},
    {"exp": []},
]


@pytest.mark.parametrize("bad", BAD_CLAIMS)
async def test_a_signed_token_with_a_bad_claim_is_refused(verifier: Verifier, bad: dict[str, object]) -> None:
    """A good signature does not make up for it."""
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token(**bad))
    assert refused.value.code == "TOKEN_INVALID"


async def test_names_may_be_long_and_of_any_script(verifier: Verifier) -> None:
    """Two hundred printable characters are a name."""
    assert (await verifier.verify(token(sub="م" * 200))).sub == "م" * 200


async def test_one_of_several_audiences_is_enough(verifier: Verifier) -> None:
    """A list that names us is for us."""
    assert (await verifier.verify(token(aud=["another", AUDIENCE]))).org == "brugwerk"


async def test_an_expired_token_is_refused_and_said_to_be_expired(verifier: Verifier) -> None:
    """To the second: what is allowed for clocks that differ never lengthens a token's life."""
    for seconds in (0, 1, 3600):
        with pytest.raises(Unauthenticated) as refused:
            await verifier.verify(token(exp=int(time.time()) - seconds))
        assert refused.value.code == "TOKEN_EXPIRED"


def unsigned() -> str:
    """A token without a signature."""
    return signed(claims(), "", "none", {"kid": "EdDSA"})


def signed_with_the_public_key() -> str:
    """An HMAC under what everybody knows, which verifiers that mix up algorithms accept."""
    public = base64.urlsafe_b64encode(PRIVATE["EdDSA"].public_key().public_bytes_raw())
    return signed(claims(), public, "HS256", {"kid": "EdDSA"})


def signed_by_another() -> str:
    """A stranger's key under a trusted name."""
    return signed(claims(), ed25519.Ed25519PrivateKey.generate(), "EdDSA", {"kid": "EdDSA"})


def altered() -> str:
    """Another role put under a good signature."""
    header, _, signature = token().split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims(role="OPERATOR")).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


def of_another_algorithm() -> str:
    """Signed by the issuer's own key for an algorithm that is not accepted here."""
    return token("RS512")


def with_an_extension_nobody_knows() -> str:
    """A critical header that a verifier has to understand or refuse (RFC 7515, 4.1.11)."""
    return signed(claims(), PRIVATE["EdDSA"], "EdDSA", {"kid": "EdDSA", "crit": ["x"], "x": 1})


def with_a_deep_header() -> str:
    """Brackets that exhaust the parser's stack before any signature is looked at."""
    return base64.urlsafe_b64encode(b"[" * 5000).decode() + ".e30.c2ln"


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        signed_with_the_public_key,
        signed_by_another,
        altered,
        of_another_algorithm,
        with_an_extension_nobody_knows,
        with_a_deep_header,
    ],
)
async def test_a_forged_token_is_refused(verifier: Verifier, forge: Callable[[], str]) -> None:
    """Each of the known tricks."""
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(forge())
    assert refused.value.code == "TOKEN_INVALID"


async def test_an_unknown_key_is_refused(verifier: Verifier) -> None:
    """So is a token that names no key, or names it in another way than by text."""
    for header in ({"kid": "other"}, {}, {"kid": ""}):
        with pytest.raises(Unauthenticated):
            await verifier.verify(signed(claims(), PRIVATE["EdDSA"], "EdDSA", header))


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode() + ".e30.c2ln"))
async def test_anything_else_is_refused_without_repeating_it(presented: str) -> None:
    """Whatever comes instead of a token: 401, and no part of it in the answer."""
    # A mark, since a short text may stand in the answer by chance: "read" does.
    with pytest.raises(Unauthenticated) as refused:
        await Verifier(KeyRing(), AUDIENCE).authenticate(f"Bearer {presented}zq7zq7")
    assert "zq7" not in str(refused.value)


async def test_a_refusal_never_repeats_the_token_or_its_claims(verifier: Verifier) -> None:
    """Neither in the text nor in the chain of causes, which a log might print."""
    presented = token(role="SECRET-ROLE")
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(presented)
    assert "SECRET" not in str(refused.value)
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(presented + "x")
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


async def test_a_token_is_verified_once_and_then_remembered(verifier: Verifier, ring: KeyRing) -> None:
    """A refused one is not."""
    presented = token()
    for _ in range(3):
        await verifier.verify(presented)
    assert ring.asked == 1
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await verifier.verify(presented + "A")
    assert ring.asked == 3


async def test_a_remembered_token_expires_all_the_same(ring: KeyRing) -> None:
    """The last second of its life is the last one in which it counts."""
    now = time.time()
    verifier = Verifier(ring, AUDIENCE, now=lambda: now)
    expires = int(now) + 60
    presented = token(exp=expires)
    await verifier.verify(presented)
    now = expires - 0.001
    await verifier.verify(presented)
    assert ring.asked == 1
    now = expires
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(presented)
    assert refused.value.code == "TOKEN_EXPIRED"


async def test_a_withdrawn_key_stops_counting_after_five_minutes(ring: KeyRing) -> None:
    """A remembered token is verified again from time to time."""
    now = time.time()
    verifier = Verifier(ring, AUDIENCE, now=lambda: now)
    presented = token()
    await verifier.verify(presented)
    ring.keys.clear()
    now += 299
    await verifier.verify(presented)
    now += 2
    with pytest.raises(Unauthenticated):
        await verifier.verify(presented)


@pytest.mark.parametrize(("lifetime", "least", "most"), [(60, 55, 60), (3600, 295, 300)])
async def test_a_token_has_to_be_verified_again_when_it_ends_and_after_five_minutes(
    verifier: Verifier, lifetime: int, least: int, most: int
) -> None:
    """Who listens for long asks no earlier, and no later."""
    header = "Bearer " + token(exp=int(time.time()) + lifetime)
    assert least <= await verifier.lasts(header) <= most
    with pytest.raises(Unauthenticated):
        await verifier.lasts("Bearer nothing")


async def test_no_more_tokens_are_remembered_than_there_is_room_for(ring: KeyRing) -> None:
    """The one not used for longest is forgotten first."""
    verifier = Verifier(ring, AUDIENCE, capacity=2)
    first, second, third = (token(sub=name) for name in ("a", "b", "c"))
    for presented in (first, second, first, third):
        await verifier.verify(presented)
    assert ring.asked == 3
    await verifier.verify(first)
    assert ring.asked == 3
    await verifier.verify(second)
    assert ring.asked == 4


async def test_a_remembered_token_costs_less_than_twenty_microseconds(verifier: Verifier) -> None:
    """A signature costs some hundred; nobody pays it with every request."""
    header = "Bearer " + token()
    await verifier.authenticate(header)

    def once() -> None:
        # A remembered token needs no event loop: the coroutine ends at its first step.
        with pytest.raises(StopIteration):
            verifier.authenticate(header).send(None)

    best = min(timeit.repeat(once, timer=time.process_time, number=500, repeat=7)) / 500
    assert best < 20e-6
