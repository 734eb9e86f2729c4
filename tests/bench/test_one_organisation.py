"""An organisation with many referrals in a benchmark has them in every store, as if they had come one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
import uvloop

from deploy.bench.bench import Bench
from deploy.bench.engines import SQLITE, Engines
from deploy.bench.issuer import LoopbackIssuer
from deploy.bench.one_organisation import Filled, measure, refer
from deploy.bench.parts import PARTS
from deploy.bench.system import System
from services.referral.domain.organisation import ORGANISATION, organisation_stream
from services.referral.events import EVENT_TYPES
from services.referral.projection import INDEX_VERSION, REFERRALS, TABLES

COPIES = 3


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_copies_are_in_log_vault_and_index(tmp_path: Path) -> None:
    """Each with events, a record and a row of its own, and a place that it took; told in two turns or in one."""
    with LoopbackIssuer() as issuer, Engines(tmp_path) as engines:
        bench = Bench(directory=tmp_path, engines=engines, issuer=issuer, seconds=1, quick=True, say=lambda _: None)
        with bench.place(SQLITE) as place:
            filled = Filled(place)
            with System.whole(place, issuer) as system:
                uvloop.run(refer(system))
            uvloop.run(filled.fill(1))
            uvloop.run(filled.fill(COPIES))
            with System.whole(place, issuer, scene=False) as system:
                assert system.catch_up() < 60
                assert system.stored() == 1 + COPIES
            uvloop.run(_look(filled))


async def _look(filled: Filled) -> None:
    stores = filled.place.stores()
    log, index = stores.event_log("referral", EVENT_TYPES), stores.index("referral", TABLES, INDEX_VERSION)
    vault = stores.vault("referral")
    rows = await index.find(REFERRALS.name, {}, after=0, limit=100)
    assert len(rows) == 1 + COPIES
    for row in rows:
        (sent, *_) = await log.read(f"referral-{row.key}")
        assert (await vault.read(sent.event.packet.contact_ref) or {})["name"] == "Invented Person"
    taken = [one.event for one in await log.read(organisation_stream("brugwerk"))][1:]
    organisation = ORGANISATION.initial
    for event in taken:
        organisation = ORGANISATION.evolve(organisation, event)
    assert len(organisation.taken_by) == COPIES
    await log.close()
    await vault.close()
    index.close()


def test_it_is_measured_with_the_others() -> None:
    """By a name of its own."""
    assert PARTS["one-organisation"].measure is measure
