"""JSON Schemas (2020-12) of all that crosses a boundary: a message's data, the envelope around it, and problems.

They describe what a reader accepts: a field that came later has a default and is not required, so that messages of
every age are valid.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

from contracts import casefile, referral
from contracts.json_schema import schema_of
from contracts.message import CloudEvent, Message
from contracts.problem import Problem

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def published(module: ModuleType) -> dict[str, type[Message]]:
    """The messages of a module by their CloudEvents type, sorted; those that are only built upon have none."""
    models = [model for model in vars(module).values() if isinstance(model, type) and issubclass(model, Message)]
    return {model.TYPE: model for model in sorted(models, key=_type_of) if _type_of(model)}


def _type_of(model: type[Message]) -> str:
    return getattr(model, "TYPE", "")


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its name, which is a message's type, `cloudevent` or `problem`."""
    messages = {**published(referral), **published(casefile)}
    described = {
        "cloudevent": schema_of(CloudEvent),
        # A problem is an answer of the HTTP edge.
        "problem": Problem.model_json_schema(by_alias=True, mode="validation"),
        **{kind: schema_of(model) for kind, model in messages.items()},
    }
    # The id is what a message names as its `dataschema`.
    return {
        name: {"$schema": DIALECT, "$id": f"urn:caserelay:schema:{name}", **schema}
        for name, schema in described.items()
    }
