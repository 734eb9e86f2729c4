"""The stored bytes of a reading: read as they were written, whatever version wrote them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from services.chassis.log.metadata import Metadata
from services.chassis.modelling.decider import Actor
from services.chassis.reads.record import EVENT_TYPES, RecordRead

STORED: Final = (
    b'{"meta":{"event_id":"7b1f0f8e-5a64-4c8e-9d52-2f4a6cd21a02","actor":{"sub":"demo.auditor","role":"AUDITOR",'
    b'"org":"rekenhof-demo","on_behalf_of":null},"occurred_at":"2026-04-02T08:02:00Z",'
    b'"recorded_at":"2026-04-02T08:02:00Z","correlation_id":"7b1f0f8e-5a64-4c8e-9d52-2f4a6cd21a02",'
    b'"causation_id":null,"idempotency_key":null,"fingerprint":null,'
    b'"traceparent":"00-39e4c4925bd12c1b1f315044d78370e1-e7920cdc7308d743-01","causation_sequence":null},'
    b'"data":{"route":"GET /v1/things/{thing_id}","read":["thing/9f3c"],"left_out":0,'
    b'"purpose_ref":"read-7b1f.purpose.00"}}'
)
"""The first form. A log is kept for ever, so this one stays."""


def test_a_reading_is_read_as_it_was_first_written() -> None:
    """And is written so still."""
    at = datetime(2026, 4, 2, 8, 2, tzinfo=UTC)
    event = RecordRead(route="GET /v1/things/{thing_id}", read=("thing/9f3c",), purpose_ref="read-7b1f.purpose.00")
    meta = Metadata(
        event_id="7b1f0f8e-5a64-4c8e-9d52-2f4a6cd21a02",
        actor=Actor(sub="demo.auditor", role="AUDITOR", org="rekenhof-demo"),
        occurred_at=at,
        recorded_at=at,
        correlation_id="7b1f0f8e-5a64-4c8e-9d52-2f4a6cd21a02",
        traceparent="00-39e4c4925bd12c1b1f315044d78370e1-e7920cdc7308d743-01",
    )
    assert EVENT_TYPES.decode("access.record_read.v1", STORED) == (event, meta)
    assert EVENT_TYPES.encode(event, meta) == ("access.record_read.v1", STORED)
