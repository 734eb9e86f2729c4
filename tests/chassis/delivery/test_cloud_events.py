"""The envelope of what is published."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from contracts.message import ActorRef, CloudEvent, as_json, decode_event, encode
from contracts.referral import ReferralDeclined
from services.chassis.delivery.publisher import cloud_event
from services.chassis.log.metadata import Metadata, Recorded
from services.chassis.modelling.decider import Actor

AT = datetime(2026, 1, 12, 9, 30, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("traceparent", [None, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"])
def test_what_is_published_is_a_cloud_event_byte_for_byte(traceparent: str | None) -> None:
    """The envelope that is written by hand is the one that the contract's model writes, and the model reads it."""
    message = ReferralDeclined(
        case="case-1",
        actor=ActorRef(sub='lotte "é" claes', role="NGO_COORDINATOR", org="brugwerk"),
        occurred_at=AT,
        recorded_at=AT.replace(microsecond=0),
        digest="0" * 64,
        referral="referral-1",
        agency="vdab-gent",
        organisation="brugwerk",
        programme="mtw-be-2026",
        programme_version=1,
        reason="OTHER",
        re_referable=True,
        suggestion=None,
        agency_action="CONSULT_ORGANISATION",
    )
    meta = Metadata(
        event_id="event-1",
        actor=Actor(sub="lotte.claes", role="NGO_COORDINATOR", org="brugwerk"),
        occurred_at=AT,
        recorded_at=AT,
        correlation_id="event-1",
        traceparent=traceparent,
    )
    written = cloud_event(Recorded(7, "referral-1", 3, "t", None, meta, b"0"), "/services/referral", "case-1", message)
    modelled = CloudEvent(
        id="event-1",
        source="/services/referral",
        type=message.TYPE,
        subject="case-1",
        time=AT,
        dataschema=f"urn:caserelay:schema:{message.TYPE}",
        sequence="7",
        partitionkey="case-1",
        traceparent=traceparent,
        data=as_json(message),
    )
    assert written == encode(modelled)
    assert decode_event(written) == modelled
