"""How an event becomes stored bytes and back: stable topics, never class paths, and upcasters for old versions.

A stored event is one JSON object `{"meta": {...}, "data": {...}}`. A topic such as `counter.counted.v1` is written
down once per event class and never edited; when a payload changes shape it gets a new topic, and an upcaster turns
the old payload into the new one as it is read. The bytes in the log stay as they were written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct, convert
from msgspec.json import Decoder, Encoder, schema

from services.chassis.log.metadata import Metadata, metadata_with

E = TypeVar("E")
M = TypeVar("M")
JsonObject = dict[str, Any]


class EventRow(Protocol):
    """What a service says of one kind of event; its own rows say more, such as the message that is published."""

    @property
    def event(self) -> type:
        """The class: a Struct or a dataclass of plain data."""

    @property
    def stored(self) -> str:
        """The stored name, such as `counter.counted.v1`: written down once, and never edited."""


class Upcast(Struct, frozen=True):
    """Reads an old topic as `to`: `change` turns the old payload into the new one."""

    to: str
    change: Callable[[JsonObject], JsonObject]


class Stored(Struct, Generic[M, E]):
    """What the bytes of one event hold."""

    meta: M
    data: E


class UnknownTopic(LookupError):  # noqa: N818 - reads as what happened
    """The log holds a topic that this version of the service does not know: a newer one wrote it."""


class UnknownEvent(LookupError):  # noqa: N818 - reads as what happened
    """An event class has no topic; add a row to the service's events.py."""


class EventTypes:
    """The events of one service and their stable stored names.

    `references` names what the metadata of its events refer to, in the order in which they are stored; `metadata` is
    the class of them.

    Raises ValueError when a class has two topics, when a topic is both written and upcast, and when an upcast leads
    nowhere or round in a circle.
    """

    def __init__(
        self,
        rows: Iterable[EventRow] | Mapping[str, type],
        upcasts: Mapping[str, Upcast] | None = None,
        references: Sequence[str] = (),
    ) -> None:
        topics = dict(rows) if isinstance(rows, Mapping) else _by_topic(rows)
        self.metadata = metadata_with(tuple(references))
        self._upcasts = dict(upcasts or {})
        self._topic_of = {cls: topic for topic, cls in topics.items()}
        if len(self._topic_of) != len(topics):
            msg = "an event class has two topics: an old one belongs in upcasts"
            raise ValueError(msg)
        self._encoder = Encoder()
        self._decoders: dict[str, Decoder[Stored[Metadata, Any]]] = {}
        self._classes = topics
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
            msg = f"the upcasts of {old} end at {topic}, which is not a topic"
            raise ValueError(msg)

    def _class(self, topic: str) -> type:
        try:
            return self._classes[topic]
        except KeyError:
            raise UnknownTopic(topic) from None

    def _decoder(self, topic: str) -> Decoder[Stored[Metadata, Any]]:
        # Built on first use: all decoders of a service at once would cost its start-up a noticeable time.
        if (decoder := self._decoders.get(topic)) is None:
            stored: Any = Stored[self.metadata, self._class(topic)]  # type: ignore[name-defined,misc]
            decoder = self._decoders[topic] = Decoder(stored)
        return decoder

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

    def schema_of(self, topic: str) -> JsonObject | None:
        """The JSON Schema of the bytes that are stored under a topic; None for one that is only upcast, or unknown."""
        if topic not in self._classes:
            return None
        stored: Any = Stored[self.metadata, self._class(topic)]  # type: ignore[name-defined,misc]
        return schema(stored)

    def encode(self, event: object, meta: Metadata) -> tuple[str, bytes]:
        """The topic and the bytes to store. Raises UnknownEvent."""
        topic = self.topic_of(event)
        if type(meta) is not self.metadata:
            meta = self._of_this_service(meta)
        return topic, self._encoder.encode(Stored(meta, event))

    def _of_this_service(self, meta: Metadata) -> Metadata:
        known = self.metadata.__struct_fields__
        return self.metadata(**{name: getattr(meta, name) for name in meta.__struct_fields__ if name in known})

    def decode(self, topic: str, state: bytes) -> tuple[Any, Metadata]:
        """The event, upcast to its present shape, and its metadata.

        Raises UnknownTopic, and ValidationError (of msgspec) for bytes that are no such event.
        """
        if topic not in self._upcasts:
            read = self._decoder(topic).decode(state)
            return read.data, read.meta
        stored: JsonObject = _PLAIN.decode(state)
        while (upcast := self._upcasts.get(topic)) is not None:
            stored["data"] = upcast.change(stored["data"])
            topic = upcast.to
        return convert(stored["data"], self._class(topic)), convert(stored["meta"], self.metadata)


_PLAIN = Decoder(JsonObject)


def _by_topic(rows: Iterable[EventRow]) -> dict[str, type]:
    topics: dict[str, type] = {}
    for row in rows:
        if topics.setdefault(row.stored, row.event) is not row.event:
            msg = f"two events are stored as {row.stored}"
            raise ValueError(msg)
    return topics
