"""All services, a mail server, and a coordinator who has nothing but a mailbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.memory_stores import MemoryStores
from tests.casefile.cases import SERVICES
from tests.notifications.links.mailbox import Mailbox
from tests.support.mail_server import mail_server
from tests.support.people import LOTTE
from tests.support.running import running


@pytest.fixture
async def mailbox(tmp_path: Path) -> AsyncIterator[Mailbox]:
    """Her mailbox, in a system with the demo's organisations."""
    async with (
        mail_server() as box,
        running(
            tmp_path,
            SERVICES,
            stores=MemoryStores(),
            smtp_url=box.url,
            public_url="https://caserelay.example.org",
            webhook_retries="0,0.2,0.2",
        ) as services,
    ):
        await services.set_the_scene()
        yield Mailbox(services, box, LOTTE)
