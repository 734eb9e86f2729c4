"""What Prometheus is told of deliveries, in which nobody is named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.notifications.messages import BRUGWERK, Story
from tests.notifications.receiving import Answer, Receiver, Subscriptions, receiver, until
from tests.notifications.running import Running


@pytest.fixture
def settings() -> dict[str, Any]:
    """It may call receivers of this machine, and tries three times in short succession."""
    return {"webhook_allow": "127.0.0.0/8", "webhook_retries": "0,0.2,0.2"}


async def test_metrics_tell_what_came_of_attempts_and_how_much_waits(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """Nobody's endpoint, case or organisation is named."""
    await subscriptions.active(BRUGWERK, there.url)
    answers = [Answer(500)]
    there.answering = lambda *_: answers.pop() if answers else Answer()
    await system.tell(Story("C1").submitted(BRUGWERK))
    await until(lambda: len(there.taken()) == 1)

    async def told() -> bool:
        async with system.client(BRUGWERK) as client:
            lines = (await client.get("/metrics")).text.splitlines()
        wanted = {
            'caserelay_delivery_attempts_total{outcome="DELIVERED",service="notifications"} 1.0',
            'caserelay_delivery_attempts_total{outcome="RETRYING",service="notifications"} 1.0',
            'caserelay_delivery_attempts_total{outcome="FAILED",service="notifications"} 0.0',
            'caserelay_deliveries_waiting{service="notifications"} 0.0',
            'caserelay_deliveries_behind_positions{service="notifications"} 0.0',
            'caserelay_endpoints{service="notifications",state="well"} 1.0',
            'caserelay_endpoints{service="notifications",state="failing"} 0.0',
            'caserelay_endpoint_away_seconds{service="notifications"} 0.0',
        }
        return wanted <= set(lines)

    await until(told)


async def test_metrics_tell_how_many_endpoints_take_nothing_and_since_when(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """Of two one fails, three times in a row; for as long as that, and no longer than it does."""
    async with receiver() as other:
        await subscriptions.active(BRUGWERK, there.url)
        await subscriptions.active(BRUGWERK, other.url)
        away = True
        other.answering = lambda *_: Answer(500) if away else Answer()
        await system.tell(*(Story(f"C{n}").submitted(BRUGWERK) for n in range(3)))
        await until(lambda: len(there.taken()) == 3)

        async def shown() -> tuple[float, float, float]:
            async with system.client(BRUGWERK) as client:
                lines = (await client.get("/metrics")).text.splitlines()
            values = dict(line.rsplit(" ", 1) for line in lines if line.startswith("caserelay_endpoint"))
            well, failing = (
                float(values[f'caserelay_endpoints{{service="notifications",state="{state}"}}'])
                for state in ("well", "failing")
            )
            return well, failing, float(values['caserelay_endpoint_away_seconds{service="notifications"}'])

        async def fails() -> bool:
            well, failing, seconds = await shown()
            return (well, failing) == (1, 1) and seconds > 0

        async def is_back() -> bool:
            return await shown() == (2, 0, 0)

        await until(fails)
        away = False
        await system.tell(Story("C4").submitted(BRUGWERK))
        await until(is_back)
