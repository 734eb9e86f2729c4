"""How a body becomes a command: ids, choices, and what is set aside for the vault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from contracts.codes import Role
from contracts.fields import NothingBody
from contracts.staff import COORDINATORS, COUNSELLORS
from contracts.subscription_codes import Channel, Digest, LetterHours, Payload
from services.chassis.deciding.idempotency import Key
from services.chassis.http.request.stamp import RequestStamp
from services.chassis.modelling.decider import Fault
from services.chassis.modelling.derived_id import derived_id
from services.chassis.vault.vault import Deposit
from services.notifications.catalogue import MESSAGES
from services.notifications.domain.subscribing import (
    ChangeSubscription,
    CreateSubscription,
    RequestDeliveryTest,
    RotateSecret,
)
from services.notifications.domain.subscription_events import Choices, Keys, OwnHeader, Person
from services.notifications.routes.requests import HeaderBody, RotateSecretBody, SubscriptionBody
from services.notifications.webhooks.addresses import Networks
from services.notifications.webhooks.guard import check_header, check_url
from services.notifications.webhooks.signing import Secret

_NAMESPACE: Final = UUID("3a5c1f0e-52a7-4d5e-9a1f-6f7f0c1f2b54")
_ANY_VALUE: Final = "x"
"""In the place of a header's value that stays as it is."""
_OF_MAIL: Final = {"address": None, "person": None, "digest": Digest.IMMEDIATE, "hours": LetterHours.WORKING}
"""What a webhook has as it stands here, and an e-mail as its subscriber wants it."""
_SIDES: Final = (COUNSELLORS, COORDINATORS)


def subscription_id_for(key: Key) -> str:
    """The id of a new subscription, which follows from its idempotency key: a repeat makes nothing new."""
    return derived_id(_NAMESPACE, f"subscription:{key.stream}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp(RequestStamp):
    """What is stamped on a command on a subscription.

    `now` is of the machine's clock; `held` are the choices that stand, with the `address` as the vault has it. `allow`
    and `mails` are the installation's: which networks webhooks may be sent to, and whether there is e-mail.
    """

    now: datetime
    allow: Networks
    mails: bool
    held: Choices | None = None
    address: str | None = None


def create(body: SubscriptionBody, stamp: Stamp, subscription: str) -> CreateSubscription:
    """A new subscription of the caller's organisation, with its first keys where it is told by a webhook."""
    return CreateSubscription(
        at=stamp.at,
        by=stamp.by,
        subscription=subscription,
        organisation=stamp.by.org,
        choices=_choices(body, stamp),
        keys=_draw_keys(stamp.deposit) if body.channel is Channel.WEBHOOK else None,
        faults=tuple(_faults(body, stamp)),
    )


def change(body: SubscriptionBody, stamp: Stamp) -> ChangeSubscription:
    """Other choices."""
    return ChangeSubscription(
        at=stamp.at, by=stamp.by, choices=_choices(body, stamp), faults=tuple(_faults(body, stamp))
    )


def request_test(_body: NothingBody, stamp: Stamp) -> RequestDeliveryTest:
    """A test event with an id of its own."""
    return RequestDeliveryTest(at=stamp.at, by=stamp.by, test=str(uuid4()))


def rotate_secret(body: RotateSecretBody, stamp: Stamp) -> RotateSecret:
    """New keys; how long the old ones sign is counted by the machine's clock."""
    keep_until = stamp.now + body.keep_old_for
    return RotateSecret(at=stamp.at, by=stamp.by, keys=_draw_keys(stamp.deposit), keep_until=keep_until, now=stamp.now)


def _draw_keys(deposit: Deposit) -> Keys:
    """New keys, whose secret halves are set aside for the vault as `secret` (`whsec_…`) and `key` (`whsk_…`)."""
    drawn = Secret.drawn()
    ref = deposit.put("keys", {"secret": drawn.whsec, "key": drawn.whsk})
    return Keys(secret_ref=ref, public_key=drawn.whpk)


def _choices(body: SubscriptionBody, stamp: Stamp) -> Choices:
    """What the body chooses. What is in the vault already keeps its reference."""
    ref, held = None, stamp.held
    if body.address is not None:
        ref = held.address_ref if held is not None and stamp.address == body.address else None
        ref = ref or stamp.deposit.put("address", {"address": body.address})
    person = Person(sub=body.person.sub, role=body.person.role.value) if body.person is not None else None
    return Choices(
        channel=body.channel.value,
        url=body.url,
        address_ref=ref,
        person=person,
        types=tuple(dict.fromkeys(body.types)) if body.types is not None else None,
        payload=body.payload.value,
        digest=body.digest.value,
        language=body.language.value,
        time_zone=body.time_zone,
        hours=body.hours.value,
        header=_header(body.header, stamp.deposit, held.header if held is not None else None),
    )


def _header(body: HeaderBody | None, deposit: Deposit, held: OwnHeader | None) -> OwnHeader | None:
    if body is None:
        return None
    if body.value is None:
        # What lacks a value and is not held is a fault, and never stored.
        return held if held is not None and held.name == body.name else OwnHeader(name=body.name, value_ref="")
    return OwnHeader(name=body.name, value_ref=deposit.put("header", {"value": body.value}))


def _faults(body: SubscriptionBody, stamp: Stamp) -> Iterator[Fault]:
    """What is wrong with choices where they are made."""
    yield from _types(body.types or ())
    if body.channel is Channel.WEBHOOK:
        yield from _of_webhook(body, stamp)
    else:
        yield from _of_mail(body, stamp)


def _types(types: list[str] | tuple[str, ...]) -> Iterator[Fault]:
    for place, name in enumerate(types):
        if name not in MESSAGES:
            yield Fault(f"/types/{place}", "UNKNOWN_TYPE", f"must be one of: {', '.join(MESSAGES)}")


def _of_webhook(body: SubscriptionBody, stamp: Stamp) -> Iterator[Fault]:
    yield from _absent(body, Channel.WEBHOOK, _OF_MAIL)
    if body.url is None:
        yield Fault("/url", "REQUIRED", "a webhook has the URL that events are posted to", rests_on=("/channel",))
    elif (fault := check_url(body.url, stamp.allow)) is not None:
        yield fault
    if body.header is None:
        return
    held = stamp.held.header if stamp.held is not None else None
    if body.header.value is None and (held is None or held.name != body.header.name):
        yield Fault("/header/value", "REQUIRED", "a header that is new has a value")
    elif body.header.value is None and stamp.held is not None and stamp.held.url != body.url:
        # Else anyone who may change the URL reads what nobody is shown, at an endpoint of their own.
        detail = "the value is kept for the URL that it was given for: give it again with another URL"
        yield Fault("/header/value", "REQUIRED", detail, rests_on=("/url",))
    if (fault := check_header(body.header.name, body.header.value or _ANY_VALUE)) is not None:
        yield fault


def _of_mail(body: SubscriptionBody, stamp: Stamp) -> Iterator[Fault]:
    yield from _absent(body, Channel.EMAIL, {"url": None, "header": None, "payload": Payload.THIN})
    if not stamp.mails:
        yield Fault(
            "/channel",
            "EMAIL_NOT_SET_UP",
            "this installation sends no e-mail: CASERELAY_SMTP_URL is not set",
        )
    if body.address is None:
        yield Fault("/address", "REQUIRED", "an e-mail goes to an address", rests_on=("/channel",))
    if body.person is None:
        yield Fault("/person", "REQUIRED", "an e-mail names who reads it, by sub and role", rests_on=("/channel",))
    elif body.person.role not in (side := next(side for side in _SIDES if Role(stamp.by.role) in side)):
        detail = f"somebody of your organisation who works on cases: {', '.join(sorted(side))}"
        yield Fault("/person/role", "ROLE_READS_NOTHING", detail)


def _absent(body: SubscriptionBody, channel: Channel, expected: Mapping[str, Any]) -> Iterator[Fault]:
    for name, value in expected.items():
        if getattr(body, name) != value:
            goes = "leave it out" if value is None else f"only {value} goes with it"
            yield Fault(f"/{name}", "NOT_EXPECTED", f"not of {channel}: {goes}", rests_on=("/channel",))
