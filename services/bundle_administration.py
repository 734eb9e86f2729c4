"""What stands behind `caserelay audit bundle`: a case's bundle of all logs, read from the stores alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from services.casefile import bundle_part as casefile
from services.casefile.domain.state import case_stream
from services.casefile.events import EVENT_TYPES as CASEFILE_EVENTS
from services.casefile.replay import UnknownCase
from services.chassis.audit.bundle.archive import TooLarge
from services.chassis.audit.bundle.manifest import WHOLE
from services.chassis.audit.bundle.writing import Choose, NothingSigned, Source, Subject, write_bundle
from services.chassis.audit.reader import AuditReader
from services.chassis.audit.refusals import Contradicted
from services.chassis.audit.store import AuditStore
from services.chassis.log.event_log import EventLog
from services.chassis.log.event_types import EventTypes
from services.chassis.refused_start import RefusedStart
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.notifications import bundle_part as notifications
from services.notifications.events import EVENT_TYPES as NOTIFICATIONS_EVENTS
from services.referral import bundle_part as referral
from services.referral.events import EVENT_TYPES as REFERRAL_EVENTS

_EVENTS: Final = {"casefile": CASEFILE_EVENTS, "notifications": NOTIFICATIONS_EVENTS, "referral": REFERRAL_EVENTS}


class NoBundle(RefusedStart):
    """There can be no such file; the message says why."""


async def write_case_bundle(settings: Settings, case_id: str, file: Path) -> int:
    """Writes all of a case into a new file; the number of its bytes. Raises UnknownCase and NoBundle.

    Services may run meanwhile. Where none does, events that were not signed yet are left out.
    """
    stores = Stores.of(settings)
    async with AsyncExitStack() as stack:
        opened = {
            service: await stack.enter_async_context(_opened(stores, service, types))
            for service, types in _EVENTS.items()
            if stores.holds(service)
        }
        referrals: list[str] = []
        if "casefile" in opened:
            referrals = await casefile.referrals_of(opened["casefile"][0], case_id)
        if not referrals:
            raise UnknownCase(f"the log holds no case {case_id}; GET /v1/cases lists the cases")
        sources = [
            Source(log, store, AuditReader(log, store), _choose(log, case_id, referrals))
            for log, store in opened.values()
        ]
        return await _written(file, Subject(casefile.LOG, case_stream(case_id), WHOLE), sources)


def _choose(log: EventLog, case_id: str, referrals: list[str]) -> Choose:
    match log.name:
        case "casefile":
            return partial(casefile.choose, log, case_id, None)
        case "referral":
            return partial(referral.choose_all, log, referrals)
        case _:
            return partial(notifications.choose_all, case_id)


async def _written(file: Path, subject: Subject, sources: list[Source]) -> int:
    aside: Path | None = None
    try:
        # For its owner alone, since it names people by their identifiers, and under a name that nobody can be ahead of.
        number, name = tempfile.mkstemp(prefix=f".{file.name[:100]}.", suffix=".part", dir=file.parent)
        aside = Path(name)
        with os.fdopen(number, "wb") as opened:
            await write_bundle(opened, subject, sources)
            size = opened.tell()
            opened.flush()
            os.fsync(number)
        aside.rename(file)
    except OSError as failure:
        raise NoBundle(f"{file} cannot be written ({failure.strerror}); name a file elsewhere") from None
    except Contradicted as failure:
        raise NoBundle(f"{failure}: `caserelay audit verify` says where; see docs/audit.md") from None
    except NothingSigned as failure:
        raise NoBundle(f"nothing of the {failure} log was signed yet; start the services first") from None
    except TooLarge as failure:
        raise NoBundle(str(failure)) from None
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)
    return size


@asynccontextmanager
async def _opened(stores: Stores, service: str, types: EventTypes) -> AsyncIterator[tuple[EventLog, AuditStore]]:
    log, store = stores.event_log(service, types), stores.audit(service)
    try:
        yield log, store
    finally:
        await store.close()
        await log.close()
