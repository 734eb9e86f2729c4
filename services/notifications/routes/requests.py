"""The bodies that the notifications service takes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StringConstraints

from contracts.codes import Role
from contracts.email_address import Email
from contracts.fields import Body, Identifier, Instant, TimeZone, Vaulted, read_only
from contracts.subscription_codes import Channel, Digest, LetterHours, MailLanguage, Payload
from services.chassis.modelling.days import USUAL_ZONE

MOST_TYPES: Final = 200
LONGEST_KEPT: Final = timedelta(days=30)
"""How long old secrets may sign beside new ones."""
_DURATION: Final = re.compile(r"P(?:(\d{1,3})D)?(?:T(?=\d)(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,7})S)?)?\Z", re.ASCII)


def duration(value: Any) -> timedelta:
    """Seconds, or an ISO 8601 duration of days, hours, minutes and seconds. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        span = _seconds(value)
    elif isinstance(value, str) and value != "P" and (match := _DURATION.match(value)) is not None:
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    else:
        span = None
    if span is None or not timedelta() <= span <= LONGEST_KEPT:
        msg = "give whole seconds, or an ISO 8601 duration such as PT24H: at most 30 days (2592000, P30D)"
        raise ValueError(msg)
    return span


def _seconds(value: int) -> timedelta | None:
    return timedelta(seconds=value) if 0 <= value <= LONGEST_KEPT.total_seconds() else None


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    Field(
        description="Seconds, or an ISO 8601 duration such as `PT24H`; 30 days at most.",
        json_schema_extra={"type": ["integer", "string"], "format": None, "examples": ["PT24H", 86400]},
    ),
]
EventType = Annotated[str, StringConstraints(min_length=1, max_length=200)]
HeaderValue = Annotated[
    str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[!-~]([ -~]*[!-~])?$"), Vaulted()
]


class PersonBody(Body):
    """The person to whom the e-mail goes, by the `sub` and the role of their tokens.

    A coordinator names themselves, a lead anybody of the organisation's staff.
    """

    sub: Identifier
    role: Role


class HeaderBody(Body):
    """A header that goes with every request to the endpoint. Its value is never shown again."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    value: Annotated[
        HeaderValue | None, Field(description="Left out of a PUT, the value stays as it is, for the same URL.")
    ] = None


class SubscriptionBody(Body):
    """By which channel somebody is told, of what, and how much."""

    channel: Channel
    url: Annotated[
        str | None,
        Field(max_length=2048, description="WEBHOOK: where events are posted.", examples=["https://example.org/hook"]),
    ] = None
    address: Annotated[
        Email | None, Vaulted(), Field(description="EMAIL: where to.", examples=["lotte@example.org"])
    ] = None
    person: Annotated[
        PersonBody | None, Field(description="EMAIL: who reads it: yourself, or for a lead anybody of the staff.")
    ] = None
    types: Annotated[
        list[EventType] | None,
        Field(min_length=1, max_length=MOST_TYPES, description="Only these CloudEvents types. Default: all."),
    ] = None
    payload: Annotated[Payload, Field(description="THIN: ids, type and link. FULL: all data. EMAIL is THIN.")] = (
        Payload.THIN
    )
    digest: Annotated[Digest, Field(description="EMAIL: each event at once, or those of a day together.")] = (
        Digest.IMMEDIATE
    )
    hours: Annotated[
        LetterHours,
        Field(
            description="EMAIL that is sent at once. WORKING: what comes before 8, after 18 or on a day off "
            "in the `timeZone`, waits for the next working morning. ANY: nothing waits."
        ),
    ] = LetterHours.WORKING
    language: Annotated[MailLanguage, Field(description="EMAIL: the language that it is written in.")] = MailLanguage.EN
    time_zone: Annotated[TimeZone, Field(description="EMAIL: where working hours and the day of a digest begin.")] = (
        USUAL_ZONE
    )
    header: Annotated[HeaderBody | None, Field(description="WEBHOOK: one header of the endpoint's own.")] = None


class ChangeSubscriptionBody(SubscriptionBody):
    """The same, all of it: what is left out has its default. What GET has besides may be sent back as it stands."""

    id: Annotated[str | None, read_only("From GET, as it stands.")] = None
    organisation: Annotated[str | None, read_only("From GET, as it stands.")] = None
    state: Annotated[str | None, read_only("From GET, as it stands.")] = None
    version: Annotated[int | None, read_only("From GET, as it stands.")] = None
    reads_as: Annotated[str | None, read_only("From GET, as it stands.")] = None
    public_key: Annotated[str | None, read_only("From GET, as it stands.")] = None
    keys: Annotated[Any, read_only("From GET, as it stands.")] = None
    secret: Annotated[str | None, read_only("From GET, as it stands.")] = None
    created_by: Annotated[Any, read_only("From GET, as it stands.")] = None
    created_at: Annotated[str | None, read_only("From GET, as it stands.")] = None
    last_challenge: Annotated[Any, read_only("From GET, as it stands.")] = None
    disabled: Annotated[Any, read_only("From GET, as it stands.")] = None
    warning: Annotated[Any, read_only("From GET, as it stands.")] = None
    replay: Annotated[Any, read_only("From GET, as it stands.")] = None
    test: Annotated[Any, read_only("From GET, as it stands.")] = None
    allowed_actions: Annotated[Any, read_only("From GET, as it stands.")] = None
    blocked_actions: Annotated[Any, read_only("From GET, as it stands.")] = None
    links: Annotated[dict[str, str] | None, read_only("From GET, as they stand.")] = None


class RotateSecretBody(Body):
    """How long the secrets of before sign beside the new one."""

    keep_old_for: Annotated[Duration, Field(description="Default: 24 hours. 0 ends the old ones at once.")] = timedelta(
        hours=24
    )


class ReplayBody(Body):
    """Which events are sent again, by when the notifications service took them in: `since`, or `from` and `to`."""

    since: Annotated[Instant | None, Field(description="All from then on.")] = None
    begins: Annotated[Instant | None, Field(alias="from", description="With `to`: from then on.")] = None
    ends: Annotated[Instant | None, Field(alias="to", description="With `from`: until then, and no later.")] = None
