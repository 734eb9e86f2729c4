"""An example of a request and its answer for each operation, as a sandbox answered it: a file for each by its id."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PLACE: Final = Path(__file__).parent
RESOURCE: Final = "/v1/referrals/332492e0-c426-52f5-ae5c-e7670feb50d5"
"""The path of a resource, where an example needs one."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was sent, and what was answered; None where there is no body, or none that is JSON."""

    request: Any = None
    answer: Any = None


def exchange_of(operation: str) -> Exchange:
    """The example of an operation; an empty one where there is none."""
    file = PLACE / f"{operation}.json"
    if not file.exists():
        return Exchange()
    exchange = json.loads(file.read_text(encoding="utf-8"))
    return Exchange(exchange.get("request"), exchange.get("answer"))
