"""How a body becomes a command: ids, choices, and what is set aside for the vault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from contracts.codes import Role
from contracts.staff import COORDINATORS, COUNSELLORS
from contracts.subscription_codes import Channel, Digest, Payload
from services.chassis.deciding.idempotency import Key
from services.chassis.modelling.decider import Fault
from services.chassis.modelling.derived_id import derived_id
from services.chassis.vault.vault import Deposit
from services.notifications.catalogue import MESSAGES
from services.notifications.domain.subscription_events import Choices, Keys, OwnHeader, Person
from services.notifications.routes.requests import HeaderBody, SubscriptionBody
from services.notifications.webhooks.addresses import Networks
from services.notifications.webhooks.guard import check_header, check_url
from services.notifications.webhooks.signing import Secret

_NAMESPACE: Final = UUID("3a5c1f0e-52a7-4d5e-9a1f-6f7f0c1f2b54")
_ANY_VALUE: Final = "x"
"""In the place of a header's value that stays as it is."""
_SIDES: Final = (COUNSELLORS, COORDINATORS)


def subscription_id_for(key: Key) -> str:
    """The id of a new subscription, which follows from its idempotency key: a repeat makes nothing new."""
    return derived_id(_NAMESPACE, f"subscription:{key.stream}")


def delivery_test_id_for(subscription: str, key: str) -> str:
    """The id of a test event."""
    return derived_id(_NAMESPACE, f"test:{subscription}:{key}")


def draw_keys(deposit: Deposit) -> Keys:
    """New keys, whose secret halves are set aside for the vault as `secret` (`whsec_…`) and `key` (`whsk_…`)."""
    drawn = Secret.drawn()
    ref = deposit.put("keys", {"secret": drawn.whsec, "key": drawn.whsk})
    return Keys(secret_ref=ref, public_key=drawn.whpk)


def choices_of(
    body: SubscriptionBody, deposit: Deposit, held: Choices | None = None, address: str | None = None
) -> Choices:
    """What the body chooses. What is in the vault already, as `held` and its `address` have it, keeps its reference."""
    ref = None
    if body.address is not None:
        ref = held.address_ref if held is not None and address == body.address else None
        ref = ref or deposit.put("address", {"address": body.address})
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
        header=_header(body.header, deposit, held.header if held is not None else None),
    )


def _header(body: HeaderBody | None, deposit: Deposit, held: OwnHeader | None) -> OwnHeader | None:
    if body is None:
        return None
    if body.value is None:
        # What lacks a value and is not held is a fault, and never stored.
        return held if held is not None and held.name == body.name else OwnHeader(name=body.name, value_ref="")
    return OwnHeader(name=body.name, value_ref=deposit.put("header", {"value": body.value}))


def faults_of(
    body: SubscriptionBody, role: Role, allow: Networks, *, mails: bool, held: Choices | None = None
) -> tuple[Fault, ...]:
    """What is wrong with choices, as who has this role makes them; `mails`: whether the installation sends e-mail."""
    faults = [*_types(body.types or ())]
    if body.channel is Channel.WEBHOOK:
        faults += _of_webhook(body, allow, held)
    else:
        faults += _of_mail(body, role, mails=mails)
    return tuple(faults)


def _types(types: list[str] | tuple[str, ...]) -> Iterator[Fault]:
    for place, name in enumerate(types):
        if name not in MESSAGES:
            yield Fault(f"/types/{place}", "UNKNOWN_TYPE", f"must be one of: {', '.join(MESSAGES)}")


def _of_webhook(body: SubscriptionBody, allow: Networks, held: Choices | None) -> Iterator[Fault]:
    yield from _absent(body, Channel.WEBHOOK, {"address": None, "person": None, "digest": Digest.IMMEDIATE})
    if body.url is None:
        yield Fault("/url", "REQUIRED", "a webhook has the URL that events are posted to", rests_on=("/channel",))
    elif (fault := check_url(body.url, allow)) is not None:
        yield fault
    if body.header is None:
        return
    stays = held is not None and held.header is not None and held.header.name == body.header.name
    if body.header.value is None and not stays:
        yield Fault("/header/value", "REQUIRED", "a header that is new has a value")
    if (fault := check_header(body.header.name, body.header.value or _ANY_VALUE)) is not None:
        yield fault


def _of_mail(body: SubscriptionBody, role: Role, *, mails: bool) -> Iterator[Fault]:
    yield from _absent(body, Channel.EMAIL, {"url": None, "header": None, "payload": Payload.THIN})
    if not mails:
        yield Fault(
            "/channel",
            "EMAIL_NOT_SET_UP",
            "this installation sends no e-mail: CASERELAY_SMTP_URL is not set",
        )
    if body.address is None:
        yield Fault("/address", "REQUIRED", "an e-mail goes to an address", rests_on=("/channel",))
    if body.person is None:
        yield Fault("/person", "REQUIRED", "an e-mail names who reads it, by sub and role", rests_on=("/channel",))
    elif (side := next((side for side in _SIDES if role in side), frozenset[Role]())) and body.person.role not in side:
        detail = f"somebody of your organisation who works on cases: {', '.join(sorted(side))}"
        yield Fault("/person/role", "ROLE_READS_NOTHING", detail)


def _absent(body: SubscriptionBody, channel: Channel, expected: Mapping[str, Any]) -> Iterator[Fault]:
    for name, value in expected.items():
        if getattr(body, name) != value:
            goes = "leave it out" if value is None else f"only {value} goes with it"
            yield Fault(f"/{name}", "NOT_EXPECTED", f"not of {channel}: {goes}", rests_on=("/channel",))
