"""What an endpoint is posted when another one of its organisation fails, or was disabled."""

from __future__ import annotations

from typing import Final

from services.notifications.webhooks.bodies import own_event

WARNING: Final = "org.caserelay.subscription.warning.v1"
"""The type of that event."""


def warning_body(
    *, event: str, source: str, subscription: str, warning: str, since: str, time: str, public_url: str
) -> bytes:
    """The CloudEvent in structured JSON. `event` is its id; `since` and `time` are RFC 3339 in UTC.

    `warning` is of `WarningCode`. Where the subscription leads to is not in it: a URL may hold a secret.
    """
    href = f"{public_url}/v1/subscriptions/{subscription}"
    data = {"subscription": subscription, "warning": warning, "since": since, "href": href}
    return own_event(WARNING, data, event=event, source=source, subject=subscription, time=time)
