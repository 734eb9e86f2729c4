"""What an archive of a data directory says of itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT: Final = "caserelay-backup"


class Member(BaseModel):
    """What the manifest says of one file: its length in bytes and its digest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What an archive holds, and of which moment."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: Literal["caserelay-backup"] = FORMAT
    version: Literal[1] = 1
    caserelay: str
    made_at: datetime
    members: Annotated[dict[str, Member], Field(min_length=1)]
