"""What docs/partners.md tells the developers of other systems is what they get."""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic_core import to_json

from services.chassis.delivery.bus import BusMessage
from services.chassis.delivery.kafka.events import encode
from services.chassis.delivery.kafka.topics import wanted
from services.notifications.digests import hash_of_case, hash_over
from services.notifications.event_types import event_types
from services.notifications.organisation_topics import topic_of
from tests.docs.pages import ROOT, blocks, prose

PAGE: Final = ROOT / "docs" / "partners.md"
EVERY_ATTRIBUTE: Final = {"causationid": "a", "causationsequence": "1", "traceparent": "00-1-2-01"}


def test_the_table_names_every_header_of_a_record_and_no_other() -> None:
    """Of an event with all the attributes that there may be."""
    example: dict[str, Any] = {**event_types()[0]["example"], **EVERY_ATTRIBUTE}
    record = encode(BusMessage(7, example["partitionkey"], example["id"], to_json(example)), 6)
    told = re.findall(r"^\| `([^`]+)` \|", prose(PAGE), re.MULTILINE)
    assert sorted(told) == sorted(name for name, _ in record.headers)


def test_the_topic_is_as_the_page_says() -> None:
    """Its name, its one partition, and how long a record is kept."""
    (topic,) = (one for one in wanted([], 6, [topic_of("<id>")]) if one.name == topic_of("<id>"))
    assert f"`{topic.name}`" in prose(PAGE)
    assert (topic.partitions, topic.config["retention.ms"]) == (1, str(30 * 24 * 60 * 60 * 1000))
    assert "kept for 30 days" in prose(PAGE)


def test_the_hashes_of_the_page_are_those_that_are_answered() -> None:
    """Its Python computes the same, also of no case, and of ids whose order differs by alphabet and by bytes."""
    (code,) = (block.text for block in blocks(PAGE) if block.kind == "python")
    theirs: dict[str, Any] = {}
    exec(code, theirs)  # noqa: S102 - what the page shows is what is tried
    one = theirs["hash_of"]("case-1", "MENTORING", "event-1")
    assert one == hash_of_case("case-1", "MENTORING", "event-1")
    for hashes in ({}, {"b": one, "a": "2" * 64}, {"case-10": one, "case-9": "3" * 64, "Z": "4" * 64}):
        assert theirs["hash_over"](hashes) == hash_over(hashes)
