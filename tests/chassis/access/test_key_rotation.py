"""An issuer's new keys: found at once, by one fetch, whatever else is asked; and tokens that do not name theirs."""

from __future__ import annotations

import asyncio

import pytest

from services.chassis.access.identity import Unauthenticated, Verifier
from services.chassis.access.oidc_issuer import OidcIssuer
from tests.chassis.issuing import AUDIENCE, Issuer
from tests.support.repetitions import times


async def test_a_key_rotated_seconds_ago_is_fetched_at_once_and_once(issuer: Issuer) -> None:
    """Straight after the start, and again for the next one, however many wait for it: each is one fetch."""
    verifier = Verifier(await OidcIssuer.connect(issuer.url), AUDIENCE)
    for n in range(3):
        issuer.make_key(f"next-{n}")
        issuer.slow = 0.05
        tokens = [issuer.token(f"next-{n}", sub=f"person-{m}") for m in range(20)]
        callers = await asyncio.gather(*(verifier.verify(token) for token in tokens))
        assert {caller.sub for caller in callers} == {f"person-{m}" for m in range(20)}
        assert issuer.fetches == 2 + n


async def test_who_gives_up_waiting_ends_the_fetch_for_nobody_else(issuer: Issuer) -> None:
    """A client that leaves takes its own request with it and no other."""
    verifier = Verifier(await OidcIssuer.connect(issuer.url), AUDIENCE)
    issuer.make_key("next")
    issuer.slow = 0.1
    first, second = (
        asyncio.create_task(verifier.verify(issuer.token("next", sub=name))) for name in ("leaves", "stays")
    )
    async with asyncio.timeout(10):
        while issuer.fetches < 2:  # noqa: ASYNC110 - the issuer announces nothing
            await asyncio.sleep(0.005)
    first.cancel()
    assert (await second).sub == "stays"
    assert issuer.fetches == 2


async def test_a_fetch_that_began_before_the_key_was_there_is_not_the_last(issuer: Issuer) -> None:
    """Who asks while one is under way that cannot have found the key asks once more."""
    keys = await OidcIssuer.connect(issuer.url)
    issuer.slow = 0.1
    early = asyncio.create_task(keys.key("invented", "ES256"))
    async with asyncio.timeout(10):
        while issuer.fetches < 2:  # noqa: ASYNC110 - the issuer announces nothing
            await asyncio.sleep(0.005)
    stale = issuer.pages["/realms/ghent/keys"]
    issuer.make_key("next")
    assert stale != issuer.pages["/realms/ghent/keys"]
    assert await keys.key("next", "ES256") is not None
    assert await early is None
    assert issuer.fetches <= 3


async def test_invented_keys_make_no_flood_of_fetches(issuer: Issuer) -> None:
    """However many are named, at once and one after the other, there are so many fetches and no more."""
    keys = await OidcIssuer.connect(issuer.url, pause=3600, burst=5)
    for n in range(times(100)):
        found = await asyncio.gather(*(keys.key(f"invented-{n}-{m}", "ES256") for m in range(20)))
        assert found == [None] * 20
    assert issuer.fetches <= 1 + 5
    assert await keys.key("first", "ES256") is not None


async def test_invented_keys_put_off_a_new_one_for_a_pause_at_most(issuer: Issuer) -> None:
    """Anyone who uses up the fetches has the next one made as well, and that finds what is new."""
    keys = await OidcIssuer.connect(issuer.url, pause=0.2, burst=1)
    await keys.key("invented", "ES256")
    issuer.make_key("next")
    assert await keys.key("other", "ES256") is None
    await asyncio.sleep(0.25)
    await keys.key("another", "ES256")
    fetches = issuer.fetches
    assert await keys.key("next", "ES256") is not None
    assert issuer.fetches == fetches


async def test_a_key_that_was_not_there_is_not_looked_for_again_soon(issuer: Issuer) -> None:
    """A client with an old token, again and again, uses up none of what a rotation needs."""
    keys = await OidcIssuer.connect(issuer.url, pause=3600, burst=2)
    for _ in range(50):
        assert await keys.key("withdrawn", "ES256") is None
    assert issuer.fetches == 2
    issuer.make_key("next")
    assert await keys.key("next", "ES256") is not None


@pytest.mark.parametrize("shown", ["named", "nameless"])
async def test_a_token_need_not_name_the_only_key(issuer: Issuer, shown: str) -> None:
    """OpenID Connect Core, 10.1: an id is needed where there are several; the key itself may have none then."""
    if shown == "nameless":
        issuer.publish(*({n: v for n, v in key.items() if n != "kid"} for key in issuer.jwks()))
    verifier = Verifier(await OidcIssuer.connect(issuer.url), AUDIENCE)
    assert (await verifier.verify(issuer.token("first", named=False))).org == "vdab-gent"


async def test_a_key_of_another_kind_leaves_no_doubt(issuer: Issuer) -> None:
    """What could not have signed the token is not counted."""
    issuer.make_key("rsa", "RS256")
    verifier = Verifier(await OidcIssuer.connect(issuer.url), AUDIENCE)
    for kid in ("first", "rsa"):
        assert (await verifier.verify(issuer.token(kid, named=False))).org == "vdab-gent"


async def test_a_token_that_several_keys_could_have_signed_has_to_name_one(issuer: Issuer) -> None:
    """It is told so, however good the signature; with the name it is good."""
    issuer.make_key("second")
    verifier = Verifier(await OidcIssuer.connect(issuer.url), AUDIENCE)
    for kid in ("first", "second"):
        with pytest.raises(Unauthenticated, match=r"has no key id \(kid\).*several") as refused:
            await verifier.verify(issuer.token(kid, named=False))
        assert refused.value.code == "TOKEN_INVALID"
        assert (await verifier.verify(issuer.token(kid))).org == "vdab-gent"


async def test_the_only_key_may_be_rotated_where_tokens_do_not_name_it(issuer: Issuer) -> None:
    """A signature that does not verify is all there is to see of it; one that is forged stays refused."""
    verifier = Verifier(await OidcIssuer.connect(issuer.url), AUDIENCE)
    old = issuer.token("first", named=False)
    issuer.private.clear()
    issuer.make_key("next")
    assert (await verifier.verify(issuer.token("next", named=False))).org == "vdab-gent"
    assert issuer.fetches == 2
    with pytest.raises(Unauthenticated, match="signature"):
        await verifier.verify(old)


async def test_forged_tokens_that_name_no_key_make_no_flood_of_fetches(issuer: Issuer) -> None:
    """Each could be of a new key, and is looked after no more often than any other."""
    verifier = Verifier(await OidcIssuer.connect(issuer.url, pause=3600, burst=5), AUDIENCE)
    forged = Issuer()
    forged.url = issuer.url
    forged.make_key("first")
    for n in range(50):
        with pytest.raises(Unauthenticated):
            await verifier.verify(forged.token("first", named=False, sub=f"person-{n}"))
    forged.server.shutdown()
    forged.server.server_close()
    assert issuer.fetches <= 1 + 5
