"""Subscriptions in their JSON shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from contracts.subscription_codes import ChallengeOutcome, DisabledBecause
from services.chassis.http.request.paths import path_of
from services.chassis.http.response.rendering import Json
from services.notifications.domain.subscription import LastChallenge, Subscription
from services.notifications.domain.subscription_events import Choices, Person

PATH: Final = "subscriptions"
_OUTCOMES: Final[Mapping[str, str]] = {
    ChallengeOutcome.PROVEN: "it was answered",
    ChallengeOutcome.SENT: "the e-mail is on its way; its link confirms the address",
    ChallengeOutcome.NO_ANSWER: 'the answer was 200 without the challenge in a JSON body {"challenge": …}',
    ChallengeOutcome.STATUS: "the endpoint answered with another status than 200",
    ChallengeOutcome.TIMEOUT: "the endpoint did not answer within 15 seconds",
    ChallengeOutcome.CONNECTION: "no connection to the endpoint could be made, or it broke off",
    ChallengeOutcome.TLS: "the endpoint's certificate could not be verified, or no TLS was agreed on",
    ChallengeOutcome.REDIRECT: "the endpoint answered with a redirect, which is not followed",
    ChallengeOutcome.REFUSED_ADDRESS: "the endpoint's name has an address that may not be called",
    ChallengeOutcome.TOO_LARGE: "the endpoint answered with more than 64 KiB",
    ChallengeOutcome.BOUNCED: "the address refused the e-mail",
}
_REASONS: Final[Mapping[str, str]] = {
    DisabledBecause.GONE: "the endpoint answered 410",
    DisabledBecause.UNREACHABLE: "nothing could be delivered for five days",
    DisabledBecause.BOUNCED: "the address refuses e-mail",
    DisabledBecause.UNSUBSCRIBED: "the person wants no e-mail",
}


def subscription_view(subscription: Subscription, etag: int, at: datetime, address: str | None) -> Json:
    """A subscription as who manages it reads it at an instant of the machine's clock; `address` is from the vault.

    Neither the secrets nor the value of the endpoint's own header are ever in it.
    """
    signing = subscription.signing(at)
    return {
        "id": subscription.subscription,
        "organisation": subscription.organisation,
        "state": subscription.state,
        "version": etag,
        **_choices(subscription.choices, address),
        "readsAs": subscription.reads_as,
        "publicKey": signing[0].public_key if signing else None,
        "keys": [{"publicKey": keys.public_key, "until": keys.until} for keys in signing],
        "createdBy": _person(subscription.created_by),
        "createdAt": subscription.created_at,
        "lastChallenge": _challenge(subscription.last_challenge),
        **_troubles(subscription),
        "test": _test(subscription),
        "replay": _replay(subscription),
        "links": {"self": path_of(PATH, subscription.subscription)},
    }


def _choices(choices: Choices | None, address: str | None) -> Json:
    if choices is None:
        return {}
    return {
        "channel": choices.channel,
        "url": choices.url,
        "address": address,
        "person": _person(choices.person),
        "types": list(choices.types) if choices.types is not None else None,
        "payload": choices.payload,
        "digest": choices.digest,
        "language": choices.language,
        "hours": choices.hours,
        "timeZone": choices.time_zone,
        "header": {"name": choices.header.name} if choices.header is not None else None,
    }


def _person(person: Person | None) -> Json | None:
    return {"sub": person.sub, "role": person.role} if person is not None else None


def _challenge(last: LastChallenge | None) -> Json | None:
    if last is None:
        return None
    return {"at": last.at, "outcome": last.outcome, "detail": _OUTCOMES[last.outcome], "status": last.status}


def _troubles(subscription: Subscription) -> Json:
    disabled, warned = subscription.disabled, subscription.warned
    return {
        "disabled": None
        if disabled is None
        else {
            "at": disabled.disabled_at,
            "reason": disabled.reason,
            "detail": _REASONS[disabled.reason],
            "status": disabled.status,
        },
        "warning": None
        if warned is None
        else {"warning": warned.warning, "since": warned.since, "at": warned.warned_at},
    }


def _test(subscription: Subscription) -> Json | None:
    test = subscription.test
    return {"id": test.test, "requestedAt": test.requested_at} if test is not None else None


def _replay(subscription: Subscription) -> Json | None:
    replay = subscription.replay
    return {"number": replay.replay, "requestedAt": replay.requested_at} if replay is not None else None
