"""Histories written straight into the record, event by event, as no decision need ever make them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.casefile.domain.opening import CaseOpened
from services.casefile.domain.steps import OpenStep, Party
from services.casefile.events import EVENT_TYPES
from services.casefile.reports.report import Findings, History, Period, Report, Row, Wanted, subject_of
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Actor
from tests.support import actors

INES = Party(role=actors.INES.role, org=actors.INES.org, sub=actors.INES.sub)
LOTTE = Party(role=actors.LOTTE.role, org=actors.LOTTE.org, sub=actors.LOTTE.sub)
AGENCY, PROGRAMME = INES.org, "mtw-be-2026"
EVER = Period()
ANY = Wanted()

Entry = tuple[datetime, Any] | tuple[datetime, Any, Actor]


def history(case: str, *entries: Entry, stream: str | None = None) -> History:
    """The history of a case: what happened, each thing recorded as it happened. Its bytes are those of the log."""
    name = stream or f"case-{case}"
    records = []
    for version, (at, event, *by) in enumerate(entries, start=1):
        meta = EVENT_TYPES.metadata(
            event_id=f"{name}-{version}",
            actor=by[0] if by else actors.INES,
            occurred_at=at,
            recorded_at=at,
            correlation_id=name,
        )
        topic, state = EVENT_TYPES.encode(event, meta)
        read, _ = EVENT_TYPES.decode(topic, state)
        records.append(Recorded(version, name, version, topic, read, meta, state))
    return History(name, records)


def opened(case: str, at: datetime, *steps: OpenStep, agency: str = AGENCY, programme: str = PROGRAMME) -> CaseOpened:
    """The case begins, with these steps."""
    lead = Party(role=INES.role, org=agency, sub=INES.sub)
    return CaseOpened(
        case=case,
        client_ref=f"CL-{case}",
        agency=agency,
        programme=programme,
        programme_version=1,
        lead=lead,
        opened_at=at,
        opens=steps,
    )


def step(name: str, owner: Party, since: datetime) -> OpenStep:
    """An open step."""
    return OpenStep(step=name, owner=owner, since=since)


def rows_of(report: Report[Any], *told: History, period: Period = EVER, wanted: Wanted = ANY) -> list[Row]:
    """The rows of a report over these histories; its facts go through the form in which they are kept."""
    found = []
    for each in told:
        kept = report.encoded(report.found_in(each))
        if kept is not None:
            found.append(Findings(subject_of(each), report.decoded(kept)))
    return report.answer(found, period, wanted)
