"""Where a token says what: claims by JSON pointer, for issuers that put role and organisation somewhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)+\Z")
_PLACE: Final = re.compile(r"(?:0|[1-9][0-9]{0,5})\Z")


def claim_pointer(text: str) -> str:
    """The pointer as it is. Raises ValueError for one that is none (RFC 6901), or that points to the whole token."""
    if not _POINTER.match(text):
        raise ValueError('a claim is named by a JSON pointer (RFC 6901), such as "/role" or "/realm_access/roles"')
    return text


def claim_at(claims: Mapping[str, Any], pointer: str) -> Any:
    """What stands at a pointer; None where nothing does."""
    found: Any = claims
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and _PLACE.match(name) and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, dict):
            found = found.get(name)
        else:
            return None
    return found
