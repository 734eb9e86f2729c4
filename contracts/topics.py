"""The topics between the services, by name. Each carries what one service publishes."""

from __future__ import annotations

from typing import Final

from contracts import casefile, referral

NOTIFICATIONS: Final = "caserelay.notifications.v1"
"""Reserved: nothing is published there yet."""

TOPICS: Final = (referral.TOPIC, casefile.TOPIC, NOTIFICATIONS)
