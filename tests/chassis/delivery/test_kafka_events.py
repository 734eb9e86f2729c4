"""CloudEvents as Kafka records: what any client reads, and what comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from services.chassis.delivery.bus import BusMessage
from services.chassis.delivery.kafka.events import decode, encode, partition_of

ENVELOPE = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/services/referral",
    "type": "org.caserelay.referral.submitted.v1",
    "subject": "case-1",
    "time": "2026-01-12T09:00:00Z",
    "dataschema": "urn:caserelay:schema:org.caserelay.referral.submitted.v1",
    "datacontenttype": "application/json",
    "sequence": "7",
    "partitionkey": "case-1",
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_attributes_are_headers_and_data_are_the_value() -> None:
    """Binary mode of the CloudEvents binding: a reader needs no envelope to see what it got."""
    body = to_json({**ENVELOPE, "traceparent": "00-1-2-01", "data": {"état": None}})
    record = encode(BusMessage(7, "case-1", "e-1", body), previous=3)
    headers = dict(record.headers)
    assert headers.pop("content-type") == b"application/json"
    assert (headers.pop("position"), headers.pop("previous")) == (b"7", b"3")
    attributes = {name: value for name, value in ENVELOPE.items() if name != "datacontenttype"}
    expected = {f"ce_{name}": value.encode() for name, value in attributes.items()} | {"ce_traceparent": b"00-1-2-01"}
    assert headers == expected
    assert from_json(record.value) == {"état": None}


@given(data=st.dictionaries(st.text(max_size=5), VALUES, max_size=4), extra=st.text(max_size=20))
def test_what_was_sent_comes_back(data: dict[str, object], extra: str) -> None:
    """Whatever is in the data and the attributes."""
    event = {**ENVELOPE, "subject": extra, "data": data}
    sent = BusMessage(7, "case-1", "e-1", to_json(event))
    record = encode(sent, previous=3)
    received = decode(b"case-1", record.headers, record.value)
    assert received.previous == 3
    back = received.message
    assert (back.position, back.key, back.id) == (7, "case-1", "e-1")
    assert from_json(back.body) == event


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"id": 7}', to_json({**ENVELOPE, "id": "e-2"})])
def test_a_body_that_is_no_cloud_event_of_its_own_travels_as_it_is(body: bytes) -> None:
    """Its readers put it aside, as they would have from any other bus."""
    sent = BusMessage(7, "k", "e-1", body)
    record = encode(sent, previous=0)
    assert dict(record.headers)["content-type"] == b"application/cloudevents+json"
    assert decode(b"k", record.headers, record.value).message == sent


@pytest.mark.parametrize("headers", [[], [("position", b"1")], [("position", b"x"), ("previous", b"0")]])
def test_a_record_of_somebody_else_is_told_from_ours(headers: list[tuple[str, bytes]]) -> None:
    """It has not the headers that a publisher of ours writes."""
    with pytest.raises((KeyError, ValueError)):
        decode(b"k", headers, b"{}")


def test_a_key_goes_where_the_clients_of_others_look_for_it() -> None:
    """The hash of Kafka's own client; the values are those that its Java tests expect."""
    assert [partition_of(key, 2**31 - 1) for key in ("21", "foobar")] == [
        (-973932308) & 0x7FFFFFFF,
        (-790332482) & 0x7FFFFFFF,
    ]
