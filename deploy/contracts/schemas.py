"""JSON Schemas (2020-12) of all that crosses a boundary: a message's data, the envelope around it, and problems.

They describe what a reader accepts: a field that came later has a default and is not required, so that messages of
every age are valid.
"""

from __future__ import annotations

from typing import Any, Final

from contracts import casefile, notifications, referral
from contracts.json_schema import schema_of
from contracts.message import CloudEvent, published
from contracts.problem import Problem

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its name, which is a message's type, `cloudevent` or `problem`."""
    described = {
        "cloudevent": schema_of(CloudEvent),
        # A problem is an answer of the HTTP edge.
        "problem": Problem.model_json_schema(by_alias=True, mode="validation"),
        **{kind: schema_of(model) for kind, model in published(referral, casefile, notifications).items()},
    }
    # The id is what a message names as its `dataschema`.
    return {
        name: {"$schema": DIALECT, "$id": f"urn:caserelay:schema:{name}", **schema}
        for name, schema in described.items()
    }
