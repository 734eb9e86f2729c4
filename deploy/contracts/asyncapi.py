"""The AsyncAPI 3.0 document: the topics, the messages on them, and the stream of server-sent events."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from contracts import casefile, notifications, referral
from contracts.message import Message, published
from deploy.contracts.schemas import schemas
from services.notifications.organisation_topics import PREFIX, VERSION

STRUCTURED: Final = "application/cloudevents+json"
EXAMPLES: Final = Path(__file__).parents[2] / "contracts" / "examples"
TOPICS: Final[dict[str, ModuleType]] = {
    "referral": referral,
    "casefile": casefile,
    "notifications": notifications,
}
"""The services that publish, and the messages of each."""

_DELIVERY = (
    "Delivery is at least once and in order per key, which is the case (for an organisation or a programme: its own "
    "id). Drop repeats by the CloudEvent's `id`. Fields that a reader does not know are to be ignored."
)


def asyncapi() -> dict[str, Any]:
    """The document. Schemas are referred to as the files beside it; examples are those of the golden corpus."""
    messages = {service: published(module) for service, module in TOPICS.items()}
    everything = {kind: model for models in messages.values() for kind, model in models.items()}
    # Whether somebody was told is no news for their feed.
    fed = [kind for kind in everything if kind not in messages["notifications"]]
    records = [_record(kind) for kind in fed]
    return {
        "asyncapi": "3.0.0",
        "id": "urn:caserelay:messages",
        "info": {
            "title": "Caserelay messages",
            "version": "1",
            "description": f"What the services tell each other and the parties of a case, as CloudEvents. {_DELIVERY}",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [{"name": "cases", "description": "What happens to referrals and cases."}],
        },
        "defaultContentType": STRUCTURED,
        "servers": _servers(),
        "channels": {
            **{service: _topic(service, TOPICS[service], list(kinds)) for service, kinds in messages.items()},
            "organisation": _organisation(records),
            "stream": _stream(fed),
        },
        "operations": {
            **{
                f"publish-{service}": _operation(
                    service, [_record(kind) for kind in kinds], f"The {service} service publishes an event.", "kafka"
                )
                for service, kinds in messages.items()
            },
            "publish-organisation": _operation(
                "organisation", records, "The notifications service hands an organisation its feed.", "kafka"
            ),
            "push-stream": _operation(
                "stream", fed, "The notifications service pushes what the caller may see.", "https"
            ),
        },
        "components": {
            "messages": {
                **{kind: _message(model) for kind, model in everything.items()},
                **{_record(kind): _message_in_kafka(model) for kind, model in everything.items()},
            },
            "schemas": {"headers": _headers()},
            "securitySchemes": _SECURITY,
        },
    }


_SECURITY: Final[dict[str, dict[str, Any]]] = {
    "scram": {"type": "scramSha512", "description": "A user in Kafka for every service and every organisation."},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "As for every route."},
}


def _reference(*path: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(path)}


def _servers() -> dict[str, Any]:
    return {
        "kafka": {
            "host": "{brokers}",
            "protocol": "kafka-secure",
            "description": (
                "The brokers of CASERELAY_KAFKA_SERVERS. CASERELAY_KAFKA_PREFIX, where it is set, stands before every "
                "topic and every consumer group."
            ),
            "variables": {
                "brokers": {"default": "kafka.example.org:9093", "description": "Host and port of a broker."}
            },
            "security": [_reference("components", "securitySchemes", "scram")],
        },
        "https": {
            "host": "{host}",
            "protocol": "https",
            "description": "The origin of all routes; the sandbox answers on http://127.0.0.1:8640.",
            "variables": {"host": {"default": "caserelay.example.org", "description": "Where the system runs."}},
            "security": [_reference("components", "securitySchemes", "bearer")],
        },
    }


def _record(kind: str) -> str:
    """The name of a message as it travels in Kafka."""
    return f"{kind}.record"


def _named(kinds: list[str]) -> dict[str, Any]:
    return {kind: _reference("components", "messages", kind) for kind in kinds}


def _topic(service: str, module: ModuleType, kinds: list[str]) -> dict[str, Any]:
    return {
        "address": module.TOPIC,
        "title": f"Topic of the {service} service",
        "description": (module.__doc__ or "").splitlines()[0],
        "servers": [_reference("servers", "kafka")],
        "messages": _named([_record(kind) for kind in kinds]),
    }


def _organisation(records: list[str]) -> dict[str, Any]:
    return {
        "address": f"{PREFIX}{{organisation}}{VERSION}",
        "title": "Topic of an organisation",
        "description": (
            "What `/v1/feed` shows the organisation, in the same order, kept for 30 days. The operator makes it by "
            "`caserelay bus topics --organisation`; the organisation reads it in consumer groups whose names begin "
            "with its id and a dot."
        ),
        "servers": [_reference("servers", "kafka")],
        "parameters": {"organisation": {"description": "The organisation's id.", "examples": ["brugwerk"]}},
        "messages": _named(records),
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
        "servers": [_reference("servers", "https")],
        "messages": _named(kinds),
    }


def _operation(channel: str, kinds: list[str], summary: str, server: str) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": _reference("channels", channel),
        "summary": summary,
        "security": [_reference("components", "securitySchemes", "scram" if server == "kafka" else "bearer")],
        "messages": [_reference("channels", channel, "messages", kind) for kind in kinds],
    }


def _about(model: type[Message]) -> dict[str, Any]:
    return {"name": model.TYPE, "title": model.NAME, "summary": (model.__doc__ or "").splitlines()[0]}


def _message(model: type[Message]) -> dict[str, Any]:
    return {
        **_about(model),
        "contentType": STRUCTURED,
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
        "examples": [{"payload": _example(model)}],
    }


def _message_in_kafka(model: type[Message]) -> dict[str, Any]:
    """In binary mode: the attributes are headers, and the value holds the data alone."""
    envelope = _example(model)
    data, content = envelope.pop("data"), envelope.pop("datacontenttype")
    headers = {"content-type": content, **{f"ce_{name}": value for name, value in envelope.items()}}
    return {
        **_about(model),
        "contentType": content,
        "headers": _reference("components", "schemas", "headers"),
        "payload": {"$ref": f"schemas/{model.TYPE}.json"},
        "bindings": {"kafka": {"key": {"type": "string", "description": "The `partitionkey`: the case."}}},
        "examples": [{"headers": headers, "payload": data}],
    }


def _headers() -> dict[str, Any]:
    """Those of a CloudEvent in binary mode (CloudEvents Kafka binding 1.0.2, section 3.2). All are text in UTF-8."""
    attributes = schemas()["cloudevent"]
    required = [name for name in attributes["required"] if name != "data"]
    return {
        "type": "object",
        "description": "The attributes of the CloudEvent, as headers of a Kafka record.",
        "properties": {
            "content-type": {"const": "application/json"},
            **{
                f"ce_{name}": {"type": "string"}
                for name in attributes["properties"]
                if name not in ("data", "datacontenttype")
            },
            "position": {"type": "string", "description": "Of the services' own; readers ignore it."},
            "previous": {"type": "string", "description": "Of the services' own; readers ignore it."},
        },
        "required": ["content-type", "ce_specversion", *(f"ce_{name}" for name in required)],
    }


def _example(model: type[Message]) -> dict[str, Any]:
    """The newest sample of the golden corpus, in its envelope."""
    newest = max((EXAMPLES / model.TYPE).glob("*.json"), key=lambda file: int(file.stem))
    sample: dict[str, Any] = json.loads(newest.read_text(encoding="utf-8"))
    return sample
