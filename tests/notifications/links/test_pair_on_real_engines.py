"""Mentor and mentee confirm a match by link and code on files with the embedded bus, and on PostgreSQL with Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from services.bus_administration import create_topics
from services.chassis.settings import Settings
from tests.casefile.cases import SERVICES
from tests.notifications.links.mailbox import Mailbox
from tests.notifications.links.pair import MENTEE, MENTOR, Pair
from tests.support.mail_server import mail_server
from tests.support.people import LOTTE
from tests.support.running import running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

URL: Final = "https://caserelay.example.org"


async def confirmed_by_both(directory: Path, **settings: Any) -> None:
    """The match waits for the agreement once both have said yes; what was said is in the record in their names."""
    async with (
        mail_server() as box,
        running(directory, SERVICES, smtp_url=box.url, public_url=URL, **settings) as services,
    ):
        await services.set_the_scene()
        pair = Pair(Mailbox(services, box, LOTTE))
        await pair.proposed(mentor={"email": MENTOR, "language": "fr"})
        for address in (MENTEE, MENTOR):
            link = await pair.link_to(address)
            given = await pair.code(link, address)
            answer = await pair.mailbox.post(link, f"action=confirm-match&code={given}")
            assert answer.status_code == 200, answer.text
        actors = [item["actor"] for item in await pair.items() if item["type"] == "MatchConfirmed"]
        assert [(each["role"], each["method"]) for each in actors] == [
            ("MENTEE", "LINK_AND_CODE"),
            ("VOLUNTEER_MENTOR", "LINK_AND_CODE"),
        ]


async def test_on_files(tmp_path: Path) -> None:
    """SQLite and the embedded bus."""
    await confirmed_by_both(tmp_path)


async def test_on_servers(tmp_path: Path, database_url: str, kafka_servers: str, kafka_prefix: str) -> None:
    """PostgreSQL and Kafka."""
    more = {"kafka_servers": kafka_servers, "kafka_prefix": kafka_prefix, "kafka_partitions": 3}
    settings: dict[str, Any] = {"database_url": database_url, **more}
    create_topics(Settings(data=tmp_path, **settings), [])
    await confirmed_by_both(tmp_path, **settings)
