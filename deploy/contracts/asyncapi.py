"""The AsyncAPI 3.0 document: the topics, the messages on them, and the stream of server-sent events."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

from contracts import casefile, referral
from contracts.message import Message
from deploy.contracts.schemas import published

MEDIA_TYPE: Final = "application/cloudevents+json"
TOPICS: Final[dict[str, ModuleType]] = {"referral": referral, "casefile": casefile}
"""The services that publish, and the messages of each."""

_DELIVERY = (
    "Delivery is at least once and in order per key, which is the case (for an organisation or a programme: its own "
    "id). Drop repeats by the CloudEvent's `id`. Fields that a reader does not know are to be ignored."
)


def asyncapi() -> dict[str, Any]:
    """The document. Schemas are referred to as the files beside it."""
    messages = {service: published(module) for service, module in TOPICS.items()}
    everything = {kind: model for models in messages.values() for kind, model in models.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Caserelay messages",
            "version": "1",
            "description": f"What the services tell each other and the parties of a case, as CloudEvents. {_DELIVERY}",
        },
        "defaultContentType": MEDIA_TYPE,
        "channels": {
            **{service: _topic(service, TOPICS[service], list(kinds)) for service, kinds in messages.items()},
            "notifications": {
                "address": "caserelay.notifications.v1",
                "title": "Topic of the notifications service",
                "description": "Kept for what the notifications service tells; today it tells nothing of its own.",
                "messages": {},
            },
            "stream": _stream(list(everything)),
        },
        "operations": {
            **{f"publish-{service}": _operation(service, list(kinds)) for service, kinds in messages.items()},
            "push-stream": _operation("stream", list(everything)),
        },
        "components": {"messages": {kind: _message(model) for kind, model in everything.items()}},
    }


def _topic(service: str, module: ModuleType, kinds: list[str]) -> dict[str, Any]:
    return {
        "address": module.TOPIC,
        "title": f"Topic of the {service} service",
        "description": (module.__doc__ or "").splitlines()[0],
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds},
    }


def _stream(kinds: list[str]) -> dict[str, Any]:
    return {
        "address": "/v1/stream",
        "title": "Server-sent events of the notifications service",
        "description": (
            "GET with a bearer token; only what the caller may see. Each event has `id`, a cursor to resume at with "
            "`Last-Event-ID` or `?after=`; `event`, the CloudEvents type; and `data`, the CloudEvent. `?types=` asks "
            "for some types only. When nothing happens, a comment comes at least every 15 seconds."
        ),
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds},
    }


def _operation(channel: str, kinds: list[str]) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{kind}"} for kind in kinds],
    }


def _message(model: type[Message]) -> dict[str, Any]:
    return {
        "name": model.TYPE,
        "title": model.NAME,
        "summary": (model.__doc__ or "").splitlines()[0],
        "contentType": MEDIA_TYPE,
        "payload": {
            "allOf": [
                {"$ref": "schemas/cloudevent.json"},
                {
                    "properties": {
                        "type": {"const": model.TYPE},
                        "dataschema": {"const": f"urn:caserelay:schema:{model.TYPE}"},
                        "data": {"$ref": f"schemas/{model.TYPE}.json"},
                    }
                },
            ]
        },
    }
