"""Keeps a sample of what is new: an exchange for each command on a case, and each event and message that had none.

`python -m tests.support.samples` gives each command of `tests/casefile/acts.py` that has no exchange yet, in process,
writes what was sent and answered into `contracts/http_examples`, and collects the golden corpora from the data.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from contracts.http_examples import PLACE
from tests.casefile.acts import ACTS
from tests.casefile.cases import SERVICES, CaseContext
from tests.casefile.tellings import has_read
from tests.notifications import lanes, subscriptions
from tests.notifications.links import life
from tests.support import golden
from tests.support.broadcasts import BROADCASTS, broadcast
from tests.support.mail_server import mail_server
from tests.support.people import AUDITOR, HANNE, INES, LOTTE
from tests.support.running import running


async def keep(data: Path) -> list[Path]:
    """The exchanges that were written."""
    written = []
    async with (
        mail_server() as box,
        running(
            data,
            SERVICES,
            smtp_url=box.url,
            public_url="https://caserelay.example.org",
            webhook_allow="127.0.0.0/8",
        ) as services,
    ):
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        for name, act in ACTS.items():
            file = PLACE / f"case-{name}.json"
            if not file.exists():
                case = await context.brought_to(act.state)
                answer = await services.done(act.by, case.path, name, act.body)
                file.write_text(_exchange(act.body, answer.json()), encoding="utf-8")
                written.append(file)
        # What is refused and stands in the record all the same.
        case = await context.brought_to("MENTORING")
        await services.command(LOTTE, case.path, "record-task", {"task": "MONEY"})
        # And what another answer than the one of the exchange leads to.
        case = await context.brought_to("EXCEPTION_REQUESTED")
        no = {"exception": "X1", "granted": False, "reason": "never money"}
        await services.done(HANNE, case.path, "decide-exception", no)
        case = await context.brought_to("CHARTER_CHANGED")
        passed_on = {"by": "MENTOR", "onBehalfReason": "NO_ACCOUNT"}
        await services.done(LOTTE, case.path, "acknowledge-charter", passed_on)
        # What is tried in both services after the person withdrew; before that an auditor knows who it is.
        case = await context.brought_to("INTAKE")
        why = {"reason": "the signature has to be compared"}
        await services.create(AUDITOR, f"{case.path}/reveal", why)
        basis = (await services.read(INES, case.offer))["legalBasis"]["id"]
        await services.done(INES, f"/v1/legal-bases/{basis}", "withdraw")
        await services.settle()
        await services.get(LOTTE, f"{case.offer}/contact")
        await services.command(LOTTE, case.offer, "receive", key="after-the-stop")
        await services.command(LOTTE, case.path, "log-contact-attempt", {"channel": "PHONE"}, key="after-the-stop")
        # An organisation that used to read its feed, and then does not.
        for _ in range(2):
            await context.referred()
            await has_read(services, LOTTE)
            await services.at(services.clock.now() + timedelta(days=1))
        await context.referred()
        await services.at(services.clock.now() + timedelta(days=2))
        # What time alone does: nobody answers an offer, nobody concludes an intake, and somebody waits for a place.
        await context.referred()
        await context.accepted()
        # Nor one of several offers.
        await services.create(INES, BROADCASTS, broadcast())
        waits = await context.referred()
        await services.done(LOTTE, waits.offer, "receive")
        wait = {"reason": "NO_SUITABLE_MENTOR", "expectedBy": "2026-04-01", "clientAgreed": True}
        await services.done(LOTTE, waits.offer, "waitlist", wait)
        await services.at(services.clock.now() + timedelta(days=45))
        await services.settle()
        await subscriptions.live(services.service("notifications").streams)
        await lanes.live(services.service("notifications").streams)
        await life.live(services, box)
        await life.pair_answers(services, box)
    golden.collect(data)
    return written


def _exchange(request: Any, answer: Any) -> str:
    return json.dumps({"request": request, "answer": answer}, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        for path in asyncio.run(keep(Path(directory))):
            print(path.relative_to(golden.ROOT))
