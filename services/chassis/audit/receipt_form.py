"""The form of a receipt: what events of a stream say, what proves it, and the log's signature over all of that.

A document of JSON. Its `note` is a signed note of c2sp.org over everything else, but for what is proven by hashes that
are signed for: the stored bytes and the proof of each event.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.json import Encoder

KIND: Final = "caserelay-receipt/v1"
"""The first line of what is signed. No checkpoint begins with it: that would be an origin of this name."""
BESIDE: Final = ("stored", "proof")
"""Members of an event that are not signed for themselves."""
NOTE: Final = "note"
_SORTED: Final = Encoder(order="sorted")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)

Json = dict[str, Any]


class NoReceipt(ValueError):  # noqa: N818 - reads as what it is
    """A document that is no receipt; the message says why."""


def statement_of(receipt: Mapping[str, Any]) -> Json:
    """What is signed for: all of a receipt but its note, and of each event all but its stored bytes and its proof."""
    events = receipt.get("events")
    if not isinstance(events, list) or not events or not all(isinstance(each, dict) for each in events):
        raise NoReceipt("a receipt has events")
    bare = [{name: value for name, value in each.items() if name not in BESIDE} for each in events]
    return {**{name: value for name, value in receipt.items() if name != NOTE}, "events": bare}


def signed_text(statement: Mapping[str, Any]) -> str:
    """The text that is signed: the kind, and the statement as one line of JSON, its members in alphabetical order."""
    return f"{KIND}\n{_SORTED.encode(statement).decode()}\n"


def read_json(content: bytes) -> Any:
    """Plain data of JSON. Raises NoReceipt, also for a member that is there twice: others might read the first."""
    try:
        text = content.decode("utf-8")
        return json.loads(text, object_pairs_hook=_once, parse_float=_refused, parse_constant=_refused)
    except NoReceipt:
        raise
    except (ValueError, RecursionError):
        raise NoReceipt("no JSON in UTF-8") from None


def _once(members: Sequence[tuple[str, Any]]) -> Json:
    found = dict(members)
    if len(found) != len(members):
        raise NoReceipt("a member stands there twice")
    return found


def _refused(_: str) -> Any:
    raise NoReceipt("receipts have whole numbers alone")


def value_at(stored: Sequence[Any], place: str) -> Any:
    """What stands at a place of stored events, such as `/0/data/receiver`: the first segment counts them from 0.

    Raises NoReceipt where nothing stands there.
    """
    found: Any = stored
    for segment in place.removeprefix("/").split("/"):
        if isinstance(found, dict) and segment in found:
            found = found[segment]
        elif isinstance(found, Sequence) and not isinstance(found, str) and _is_place(segment, len(found)):
            found = found[int(segment)]
        else:
            raise NoReceipt("nothing stands at a place that the receipt names")
    return found


def _is_place(segment: str, length: int) -> bool:
    return _NUMBER.fullmatch(segment) is not None and int(segment) < length
