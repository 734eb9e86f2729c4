"""What the feed answers: CloudEvents, each with the data of its type. Their schemas are those of the messages."""

from __future__ import annotations

from typing import Any, Final

from contracts.json_schema import components
from contracts.message import CloudEvent, Message
from services.notifications.catalogue import MESSAGES

_IN_DOCUMENT: Final = "#/components/schemas/{name}"


def _reference(name: str) -> dict[str, str]:
    return {"$ref": _IN_DOCUMENT.format(name=name)}


def _name_of(model: type[Message]) -> str:
    words = model.TYPE.removeprefix("org.caserelay.").replace(".", "_").split("_")
    return "".join(map(str.capitalize, [*words, "event"]))


def _event_of(model: type[Message], envelope: dict[str, Any]) -> dict[str, Any]:
    """The CloudEvent that carries a message: its type says which data it has, and names it."""

    def only(name: str, value: str) -> dict[str, Any]:
        shape = envelope["properties"][name]
        return {"type": shape["type"], "const": value, "title": shape["title"]}

    return {
        **envelope,
        "title": _name_of(model),
        "description": f"A CloudEvent of the type `{model.TYPE}`. {(model.__doc__ or '').splitlines()[0]}",
        "properties": {
            **envelope["properties"],
            "type": only("type", model.TYPE),
            "dataschema": only("dataschema", f"urn:caserelay:schema:{model.TYPE}"),
            "data": _reference(model.__name__),
        },
    }


def _feed_page() -> dict[str, Any]:
    events = {kind: _reference(_name_of(model)) for kind, model in MESSAGES.items()}
    return {
        "properties": {
            "items": {
                "items": {
                    "oneOf": list(events.values()),
                    "discriminator": {
                        "propertyName": "type",
                        "mapping": {kind: reference["$ref"] for kind, reference in events.items()},
                    },
                },
                "type": "array",
                "title": "Items",
                "description": "What you may see, including your own actions.",
            },
            "next": {
                "type": "string",
                "title": "Next",
                "description": "Send it as `after`; always present, even if nothing new has arrived.",
            },
        },
        "type": "object",
        "required": ["items", "next"],
        "title": "FeedPage",
        "description": "A page of the feed, in the order in which the messages came.",
    }


def schemas() -> dict[str, dict[str, Any]]:
    """The schemas of a page, of every event in it and of all that messages are made of, by their names."""
    (envelope,) = components(CloudEvent, ref_template=_IN_DOCUMENT).values()
    return {
        **components(*MESSAGES.values(), ref_template=_IN_DOCUMENT),
        **{_name_of(model): _event_of(model, envelope) for model in MESSAGES.values()},
        "FeedPage": _feed_page(),
    }


FEED_PAGE: Final[dict[str, Any]] = {
    "description": "Successful Response",
    "content": {"application/json": {"schema": _reference("FeedPage")}},
}
"""The answer of the feed, as its operation describes it."""
