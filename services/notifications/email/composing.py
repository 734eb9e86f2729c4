"""What a letter says of a message: what happened, to whom it is said, and where to read more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from contracts import casefile, referral
from contracts.codes import Step
from services.notifications.domain.subscription_events import Choices
from services.notifications.email.letters import Letter, Line
from services.notifications.email.texts import texts

_OF_A_TERM: Final[Mapping[str, str]] = {
    casefile.deadlines.DeadlineReminded.TYPE: "reminder",
    casefile.deadlines.DeadlineMissed.TYPE: "breach",
    casefile.deadlines.DeadlineEscalated.TYPE: "escalated",
    referral.ReferralDeadlineReminded.TYPE: "reminder",
    referral.ReferralDeadlineMissed.TYPE: "breach",
    referral.ReferralDeadlineEscalated.TYPE: "escalated",
}
"""The letters of the ladder."""


def is_of_a_term(kind: str) -> bool:
    """Whether a message says that somebody is late, or soon will be."""
    return kind in _OF_A_TERM


class Around(NamedTuple):
    """What a letter says beside its message: the organisation's name, where links lead, how to leave the list."""

    organisation: str
    url: str
    unsubscribe: str


def letter_of(message: Mapping[str, Any], choices: Choices, around: Around, awaited: str | None = None) -> Letter:
    """The letter about one message. `awaited` is the name of the organisation that a term is running for."""
    words, data = texts(choices.language), message["data"]
    kind = _OF_A_TERM.get(message["type"], "event")
    happened = _instant(message["time"])
    due = _instant(data["dueAt"]) if kind != "event" else happened
    values = {
        "what": words.event(message["type"]),
        "organisation": awaited if kind != "event" and awaited is not None else around.organisation,
        "moment": words.time(due, choices.time_zone),
        "date": words.date(due, choices.time_zone),
        "step": words.steps[data.get("step", Step.REFERRAL_ANSWER.value)] if kind != "event" else "",
    }
    return _addressed(kind, choices, values, around, link=place_of(message, around.url))


def answer_letter(choices: Choices, around: Around, link: str, until: datetime) -> Letter:
    """The letter about an open referral that is to be answered by a link."""
    values = {"organisation": around.organisation, "until": texts(choices.language).time(until, choices.time_zone)}
    return _addressed("referral", choices, values, around, link=link)


def digest_letter(messages: list[Mapping[str, Any]], choices: Choices, around: Around, at: datetime) -> Letter:
    """The letter about the messages of a day, the oldest first."""
    words = texts(choices.language)
    lines = [
        Line(
            what=words.event(message["type"]),
            at=words.time(_instant(message["time"]), choices.time_zone),
            link=place_of(message, around.url),
        )
        for message in messages
    ]
    values = {
        "count": str(len(messages)),
        "date": words.date(at, choices.time_zone),
        "organisation": around.organisation,
    }
    kind = "digest" if len(messages) != 1 else "digest_of_one"
    return _addressed(kind, choices, values, around, link=f"{around.url}/app", lines=lines)


def confirm_letter(choices: Choices, organisation: str, link: str, until: datetime) -> Letter:
    """The letter that asks whether an address is its reader's."""
    values = {"organisation": organisation, "until": texts(choices.language).time(until, choices.time_zone)}
    return Letter("confirm", choices.language, values, link=link)


def warning_letter(
    choices: Choices, around: Around, subscription: str, since: datetime, until: datetime | None
) -> Letter:
    """The letter about a webhook that fails since then, and is disabled at an instant, or was (None)."""
    words = texts(choices.language)
    values = {
        "organisation": around.organisation,
        "since": words.date(since, choices.time_zone),
        "until": words.time(until, choices.time_zone) if until is not None else "",
    }
    kind = "webhook_warning" if until is not None else "webhook_disabled"
    return _addressed(kind, choices, values, around, link=f"{around.url}/app/subscriptions/{subscription}")


def place_of(message: Mapping[str, Any], url: str) -> str:
    """Where people read of a message: its case; the start page for what is about none, or not about one yet."""
    case = message["data"].get("case")
    return f"{url}/app/cases/{case}" if case is not None else f"{url}/app"


def _addressed(
    kind: str,
    choices: Choices,
    values: Mapping[str, str],
    around: Around,
    *,
    link: str,
    lines: list[Line] | None = None,
) -> Letter:
    return Letter(
        kind,
        choices.language,
        values,
        link=link,
        lines=lines or (),
        organisation=around.organisation,
        unsubscribe=around.unsubscribe,
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
