"""Signatures: the vectors that others publish, both kinds in one header, and several secrets while one rotates."""

from __future__ import annotations

import hashlib
import hmac
import pickle
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notifications.webhooks.signing import NoSecret, Secret, signed_headers
from tests.notifications.webhooks.sending import EVENT, event

WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The secret of the specification's own libraries' tests."""
WHSK = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
"""The key of Svix's server's test `test_asymmetric_key_signing`, whose signature is in the specification's example."""
WHPK = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="


def test_the_signatures_are_those_that_others_published() -> None:
    """v1 of the libraries of Standard Webhooks, v1a of the server that the scheme comes from."""
    secret = Secret.of(WHSEC, WHSK)
    v1, _ = secret.signatures(b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}')
    assert v1 == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [secret])
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    }


def test_a_secret_is_written_as_the_specification_has_it_and_read_back() -> None:
    """Base64 behind whsec_, whsk_ and whpk_; a whsk_ of the seed alone is the same key."""
    secret = Secret.of(WHSEC, WHSK)
    assert (secret.whsec, secret.whsk, secret.whpk) == (WHSEC, WHSK, WHPK)
    seed = "whsk_" + b64encode(b64decode(WHSK.removeprefix("whsk_"))[:32]).decode()
    assert Secret.of(WHSEC, seed).whsk == WHSK


def test_a_secret_that_is_drawn_is_long_enough_and_no_other() -> None:
    """24 to 64 bytes, and two are never the same."""
    drawn, other = Secret.drawn(), Secret.drawn()
    assert 24 <= len(b64decode(drawn.whsec.removeprefix("whsec_"))) <= 64
    assert drawn.whsec != other.whsec
    assert drawn.whsk != other.whsk
    again = Secret.of(drawn.whsec, drawn.whsk)
    assert again.signatures(b"content") == drawn.signatures(b"content")


@pytest.mark.parametrize(
    ("whsec", "whsk"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", WHSK),
        ("whsec_c2hvcnQ=", WHSK),
        ("whsec_" + b64encode(b"x" * 65).decode(), WHSK),
        ("whsec_!!!!", WHSK),
        (WHSEC, "whsk_c2hvcnQ="),
        (WHSEC, WHSK.replace("whsk_", "whpk_")),
        (WHSEC, "whsk_" + b64encode(b"x" * 64).decode()),
    ],
)
def test_what_is_no_secret_is_refused_without_being_shown(whsec: str, whsk: str) -> None:
    """Of the wrong length, kind or alphabet, or a key whose public half is not its own."""
    with pytest.raises(NoSecret) as refusal:
        Secret.of(whsec, whsk)
    assert whsec.removeprefix("whsec_") not in str(refusal.value)
    assert whsk.removeprefix("whsk_") not in str(refusal.value)


def test_a_secret_is_not_printed() -> None:
    """Neither by itself nor in what holds it; its public half may be."""
    secret = Secret.of(WHSEC, WHSK)
    assert WHSEC.removeprefix("whsec_") not in f"{secret!r} {secret} {[secret]}"
    assert WHSK.removeprefix("whsk_") not in f"{secret!r} {secret} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_while_a_secret_rotates_receivers_of_either_verify() -> None:
    """The new one's signatures come first, then those of the old one; a third verifies nothing."""
    new, old, other = Secret.drawn(), Secret.drawn(), Secret.drawn()
    sent = event()
    headers = signed_headers(sent.id, sent.at, sent.body, [new, old])
    kinds = [signature.partition(",")[0] for signature in headers["webhook-signature"].split(" ")]
    assert kinds == ["v1", "v1a", "v1", "v1a"]
    for secret in (new, old):
        assert Webhook(secret.whsec).verify(sent.body, headers) == {"specversion": "1.0"}
    with pytest.raises(WebhookVerificationError):
        Webhook(other.whsec).verify(sent.body, headers)


def test_either_signature_is_of_id_moment_and_body() -> None:
    """By the specification's own words: id, timestamp and body with full stops between them."""
    secret = Secret.drawn()
    signatures = signed_headers(EVENT, 1700000000, b"\xff\x00.body", [secret])["webhook-signature"].split(" ")
    content = EVENT.encode() + b".1700000000." + b"\xff\x00.body"
    shared = b64decode(secret.whsec.removeprefix("whsec_"))
    assert b64decode(signatures[0].removeprefix("v1,")) == hmac.new(shared, content, hashlib.sha256).digest()
    public = Ed25519PublicKey.from_public_bytes(b64decode(secret.whpk.removeprefix("whpk_")))
    public.verify(b64decode(signatures[1].removeprefix("v1a,")), content)


@pytest.mark.parametrize("name", ["", "a.b", "a b", "a\r\nX: y", "é"])
def test_an_id_that_would_make_the_content_ambiguous_is_not_signed(name: str) -> None:
    """`a.1` at 2 and `a` at 1.2 would have one signature."""
    with pytest.raises(ValueError, match="full stops"):
        signed_headers(name, 1, b"", [Secret.drawn()])
