"""The golden corpus as a whole: it grows, it never changes, and today's code reads all of it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from services.casefile.events import EVENT_TYPES as CASEFILE
from services.notifications.events import EVENT_TYPES as NOTIFICATIONS
from services.referral.events import EVENT_TYPES as REFERRAL
from tests.support import golden
from tests.support.golden import corpus

TYPES = {
    "referral": REFERRAL,
    "casefile": CASEFILE,
    "notifications": NOTIFICATIONS,
}
SAMPLES = [(service, topic) for service in TYPES for topic in sorted(corpus(service).samples())]


@pytest.mark.parametrize("directory", [golden.MESSAGES, *(corpus(service).directory for service in TYPES)])
def test_what_is_in_the_corpus_is_never_changed(directory: Path) -> None:
    """Every file has the digest that it was added with, and none is unlisted or gone."""
    assert golden.files(directory) == golden.sums(directory), (
        "add files, and list them with `python -m tests.support.golden`"
    )


@pytest.mark.parametrize("service", TYPES)
def test_every_topic_that_can_be_stored_or_read_has_a_sample(service: str) -> None:
    """Old topics that are upcast included; and nothing was ever stored under a topic that is unknown today."""
    assert set(corpus(service).samples()) == set(TYPES[service].topics)


@pytest.mark.parametrize(("service", "topic"), SAMPLES)
def test_a_stored_event_still_reads_without_loss(service: str, topic: str) -> None:
    """Read and written again by today's code, it says all that it said when it was stored, in each of its forms."""
    for stored in corpus(service).forms(topic):
        event, meta = TYPES[service].decode(topic, stored)
        written_as, again = TYPES[service].encode(event, meta)
        # What is upcast is meant to look otherwise today; that it can be read is all that is asked of it.
        if written_as == topic:
            assert list(golden.lost(json.loads(stored), json.loads(again))) == []


@pytest.mark.parametrize("service", TYPES)
def test_every_optional_field_that_is_stored_is_in_a_sample(service: str) -> None:
    """In one of the class that declares it, or of one that inherits it: what was left out says nothing of its form."""
    kept, types = corpus(service), TYPES[service]
    samples = [types.decode(topic, form)[0] for topic in kept.samples() for form in kept.forms(topic)]
    known = {one for sample in samples for one in golden.told(sample)}
    declared = {one for sample in samples for one in golden.optional_fields(type(sample))}
    never = sorted(f"{of.__name__}.{name}" for of, name in declared - known)
    assert not never, f"no sample has {', '.join(never)}: collect one with `python -m tests.support.golden DATA`"


def test_a_field_that_no_sample_has_would_be_noticed() -> None:
    """A field with its default is none that was told; one that is inherited counts where it is declared."""

    class Base(msgspec.Struct):
        n: int = 0

    class More(Base):
        name: str | None = None

    assert set(golden.optional_fields(More)) == {(Base, "n"), (More, "name")}
    assert golden.told(More()) == set()
    assert golden.told(More(n=2)) == {(Base, "n")}


def test_a_loss_would_be_noticed() -> None:
    """A field that is gone or says something else is named; one that came later is no loss."""
    before = {"a": 1, "b": {"c": [{"d": "x"}]}, "e": None}
    assert list(golden.lost(before, {"a": 1, "b": {"c": [{"d": "x", "new": 1}]}})) == []
    assert list(golden.lost(before, {"b": {"c": [{"d": "y"}]}})) == ["/a", "/b/c/0/d"]
