"""`If-Match`: the versions that a caller decides on (RFC 9110, 13.1.1)."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request

from services.chassis.http.problems.problem import ProblemError

NOTHING: Final = frozenset({0})
"""The versions of what is not there: the first is 1."""

_TAG = re.compile(r'(W/)?"([!#-~\x80-\xff]*)"')
_LIST = re.compile(rf"[ \t,]*(?:{_TAG.pattern}[ \t]*(?:,[ \t,]*|\Z))+\Z")
_OWN = re.compile(r"[1-9][0-9]{0,15}\Z")
# What servers add that compress on the way: Apache `-gzip` or `;gzip`, Jetty `--gzip`, others the coding's own name.
_SUFFIXED = re.compile(r"[1-9][0-9]{0,15}[-;:+_.]{1,2}[A-Za-z][A-Za-z0-9]{1,15}\Z")


def read_if_match(request: Request) -> frozenset[int]:
    """The versions that If-Match names, any of which is fine.

    Raises ProblemError: 428 without the header, 412 for `*` and where nothing in it is a tag of ours.
    """
    sent = request.headers.getlist("if-match")
    if not sent:
        raise ProblemError(428, "IF_MATCH_REQUIRED", "send If-Match with the ETag of your last read")
    header = ", ".join(sent)
    if "*" in (part.strip() for part in header.split(",")):
        raise ProblemError(412, "IF_MATCH_ANY_REFUSED", "If-Match: * is not allowed; send the ETag of your last read")
    tags = [found.groups() for found in _TAG.finditer(header)] if _LIST.match(header) else []
    if own := frozenset(int(tag) for weak, tag in tags if weak is None and _OWN.match(tag)):
        return own
    if any(weak is not None or _SUFFIXED.match(tag) for weak, tag in tags):
        raise ProblemError(
            412,
            "STALE_VERSION",
            "a proxy between you and the service changed this ETag, as proxies that compress answers do "
            '(W/"3" or "3-gzip" for "3"), and a changed tag names no version; have it leave ETag as it is, or read '
            "with Accept-Encoding: identity",
        )
    raise ProblemError(
        412, "STALE_VERSION", 'If-Match does not name a version; send the ETag of your last read, such as "3"'
    )
