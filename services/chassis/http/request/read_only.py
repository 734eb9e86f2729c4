"""A GET's answer may be PUT back: what in it is not the caller's to say may come as it stands, and not otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from contracts.fields import is_read_only
from services.chassis.modelling.decider import Fault, Refused


def check_read_only(body: BaseModel, stands: Mapping[str, Any]) -> None:
    """`stands` is the resource as GET shows it to this caller now. Raises Refused with the pointer of each difference.

    Some of these members move without the ETag, so that a caller who changed nothing may be behind: it is told what
    there is instead of being believed.
    """
    fields = {field.alias or name: field for name, field in type(body).model_fields.items()}
    sent = body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    shown = to_jsonable_python(stands)
    faults = [
        Fault(f"/{name}", "READ_ONLY", "read-only; leave it out, or send the value that GET returns")
        for name, value in sent.items()
        if is_read_only(fields[name]) and value != shown.get(name)
    ]
    if faults:
        raise Refused.input(*faults)
