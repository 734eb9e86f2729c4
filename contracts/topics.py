"""The topics between the services, by name. Each carries what one service publishes."""

from __future__ import annotations

from typing import Final

from contracts import casefile, notifications, referral

TOPICS: Final = (referral.TOPIC, casefile.TOPIC, notifications.TOPIC)
