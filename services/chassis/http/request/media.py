"""What a request says of its body, looked at before the body is: media type, characters, coding.

Who says nothing sends what the route takes, in UTF-8: it is guessed neither from the bytes nor for a part of them.
"""

from __future__ import annotations

from collections.abc import Collection
from email.message import Message
from typing import Final

from starlette.datastructures import Headers

from services.chassis.http.problems.problem import ProblemError

JSON: Final = "application/json"
_UTF8: Final = frozenset({"utf-8", "utf8"})


def check_coding(headers: Headers) -> None:
    """Raises ProblemError 415, with what may be sent in Accept-Encoding (RFC 9110, 12.5.3), for a coded body."""
    codings = {coding.strip().lower() for line in headers.getlist("content-encoding") for coding in line.split(",")}
    if codings - {"", "identity"}:
        raise ProblemError(
            415,
            "UNSUPPORTED_CONTENT_ENCODING",
            "encoded bodies are not accepted; send it without Content-Encoding",
            headers={"Accept-Encoding": "identity"},
        )


def check_kind(headers: Headers, taken: Collection[str]) -> None:
    """Raises ProblemError 415 for a body that says it is of another kind than those taken, or not in UTF-8."""
    if not is_of_kind(headers, taken):
        kinds = " or ".join(sorted(taken))
        raise ProblemError(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            f"send the body as Content-Type: {kinds}, in UTF-8",
            headers={"Accept": ", ".join(sorted(taken))},
        )


def is_of_kind(headers: Headers, taken: Collection[str]) -> bool:
    """Whether all that a body says of itself is one of the media types taken, in UTF-8; also where it says nothing."""
    return all(_is_of_kind(header, taken) for header in headers.getlist("content-type") if header.strip())


def _is_of_kind(header: str, taken: Collection[str]) -> bool:
    if header.lower() in taken:
        return True
    message = Message()
    message["Content-Type"] = header
    charsets = [value for name, value in message.get_params([], unquote=True) if name.lower() == "charset"]
    return message.get_content_type() in taken and all(charset.strip().lower() in _UTF8 for charset in charsets)
