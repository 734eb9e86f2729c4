"""The closed code lists of subscriptions: by which channel somebody is told, how much, and how it stands."""

from enum import StrEnum


class Channel(StrEnum):
    """How somebody is told."""

    WEBHOOK = "WEBHOOK"
    EMAIL = "EMAIL"


class Payload(StrEnum):
    """How much of an event an endpoint gets: ids, type and link, or all of its data."""

    THIN = "THIN"
    FULL = "FULL"


class Digest(StrEnum):
    """Whether each event is told at once, or all of a day together."""

    IMMEDIATE = "IMMEDIATE"
    DAILY = "DAILY"


class LetterHours(StrEnum):
    """When letters go out that are sent at once: in the working hours of their reader, or at any hour."""

    WORKING = "WORKING"
    ANY = "ANY"


class MailLanguage(StrEnum):
    """The languages that e-mail is written in."""

    NL = "nl"
    FR = "fr"
    DE = "de"
    EN = "en"


class SubscriptionState(StrEnum):
    """How a subscription stands. PENDING: whose endpoint or address it is, is not proven."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"


class DisabledBecause(StrEnum):
    """Why nothing is sent any more: 410, five days unreachable, an address that bounced, or its person's wish."""

    GONE = "GONE"
    UNREACHABLE = "UNREACHABLE"
    BOUNCED = "BOUNCED"
    UNSUBSCRIBED = "UNSUBSCRIBED"


class ChallengeOutcome(StrEnum):
    """What became of the question whether an endpoint or an address is the subscriber's own.

    SENT: an e-mail is on its way, and nobody has confirmed yet. STATUS: another status than 200. NO_ANSWER: 200 without
    the challenge in a JSON body. The others are those of a delivery.
    """

    PROVEN = "PROVEN"
    SENT = "SENT"
    NO_ANSWER = "NO_ANSWER"
    STATUS = "STATUS"
    TIMEOUT = "TIMEOUT"
    CONNECTION = "CONNECTION"
    TLS = "TLS"
    REDIRECT = "REDIRECT"
    REFUSED_ADDRESS = "REFUSED_ADDRESS"
    TOO_LARGE = "TOO_LARGE"
    BOUNCED = "BOUNCED"


class WarningCode(StrEnum):
    """What the subscriber is warned of."""

    FAILING = "FAILING"
    DISABLED = "DISABLED"
