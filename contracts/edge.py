"""The base of what the HTTP edge answers. Messages on the bus are Structs: `contracts/message.py`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Contract(BaseModel):
    """An answer, or a part of one: camelCase in JSON and immutable."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")
