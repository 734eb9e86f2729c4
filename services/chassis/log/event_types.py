"""How an event becomes stored bytes and back: stable topics, never class paths, and upcasters for old versions.

A stored event is one JSON object `{"meta": {...}, "data": {...}}`. A topic such as `counter.counted.v1` is written
down once per event class and never edited; when a payload changes shape it gets a new topic, and an upcaster turns
the old payload into the new one as it is read. The bytes in the log stay as they were written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from services.chassis.log.metadata import Metadata

E = TypeVar("E")
JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Upcast:
    """Reads an old topic as `to`: `change` turns the old payload into the new one."""

    to: str
    change: Callable[[JsonObject], JsonObject]


@dataclass(slots=True)
class Stored(Generic[E]):
    """What the bytes of one event hold."""

    meta: Metadata
    data: E


class UnknownTopic(LookupError):  # noqa: N818 - reads as what happened
    """The log holds a topic that this version of the service does not know: a newer one wrote it."""


class UnknownEvent(LookupError):  # noqa: N818 - reads as what happened
    """An event class has no topic; add a line to the service's topics.py."""


class EventTypes:
    """The events of one service and their stable stored names.

    Raises ValueError when a class has two topics, when a topic is both written and upcast, and when an upcast leads
    nowhere or round in a circle.
    """

    def __init__(self, topics: Mapping[str, type], upcasts: Mapping[str, Upcast] | None = None) -> None:
        self._upcasts = dict(upcasts or {})
        self._topic_of = {cls: topic for topic, cls in topics.items()}
        if len(self._topic_of) != len(topics):
            msg = "an event class has two topics: an old one belongs in upcasts"
            raise ValueError(msg)
        self._adapters: dict[str, TypeAdapter[Stored[Any]]] = {}
        self._classes = dict(topics)
        for old in self._upcasts:
            if old in topics:
                msg = f"{old} is upcast and still has a class: what is written today must not be read as old"
                raise ValueError(msg)
            self._follow(old, topics)

    def _follow(self, old: str, topics: Mapping[str, type]) -> None:
        seen, topic = {old}, old
        while topic in self._upcasts:
            topic = self._upcasts[topic].to
            if topic in seen:
                msg = f"the upcasts of {old} go round in a circle"
                raise ValueError(msg)
            seen.add(topic)
        if topic not in topics:
            msg = f"the upcasts of {old} end at {topic}, which is no topic"
            raise ValueError(msg)

    def _adapter(self, topic: str) -> TypeAdapter[Stored[Any]]:
        # Built on first use: all adapters of a service at once would cost its start-up a noticeable time.
        if (adapter := self._adapters.get(topic)) is None:
            try:
                cls = self._classes[topic]
            except KeyError:
                raise UnknownTopic(topic) from None
            adapter = self._adapters[topic] = TypeAdapter(Stored[cls])  # type: ignore[valid-type]
        return adapter

    @property
    def topics(self) -> list[str]:
        """Every topic that can be read, old ones included."""
        return sorted({*self._classes, *self._upcasts})

    def topic_of(self, event: object) -> str:
        """The stored name of an event. Raises UnknownEvent."""
        try:
            return self._topic_of[type(event)]
        except KeyError:
            raise UnknownEvent(type(event).__name__) from None

    def encode(self, event: object, meta: Metadata) -> tuple[str, bytes]:
        """The topic and the bytes to store."""
        topic = self.topic_of(event)
        return topic, self._adapter(topic).serializer.to_json(Stored(meta, event))

    def decode(self, topic: str, state: bytes) -> tuple[Any, Metadata]:
        """The event, upcast to its present shape, and its metadata. Raises UnknownTopic."""
        if topic in self._upcasts:
            stored = from_json(state)
            while (upcast := self._upcasts.get(topic)) is not None:
                stored["data"] = upcast.change(stored["data"])
                topic = upcast.to
            state = to_json(stored)
        read = self._adapter(topic).validator.validate_json(state)
        return read.data, read.meta
