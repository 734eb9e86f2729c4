"""What a connection is told that meets a limit before any application can answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic_core import to_json

from services.chassis.http.problems.problem import MEDIA_TYPE, ProblemError, problem_of
from services.chassis.operating.telemetry import Limit

if TYPE_CHECKING:
    from services.chassis.settings import Settings


@dataclass(frozen=True, slots=True)
class Refusal:
    """The limit that was met, and the answer behind its status line, Date and trace: headers and a problem document."""

    limit: Limit
    status: int
    code: str
    answer: bytes


def _refusal(limit: Limit, status: int, code: str, detail: str, retry_after: int | None = None) -> Refusal:
    body = to_json(problem_of(ProblemError(status, code, detail), "/").model_dump(by_alias=True, exclude_none=True))
    lines = [f"content-type: {MEDIA_TYPE}", f"content-length: {len(body)}", "connection: close"]
    if retry_after is not None:
        lines.append(f"retry-after: {retry_after}")
    return Refusal(limit, status, code, "\r\n".join([*lines, "", ""]).encode() + body)


class Refusals:
    """All of them, written once."""

    def __init__(self, settings: Settings) -> None:
        most = settings.header_limit
        self.malformed = _refusal(
            Limit.MALFORMED, 400, "MALFORMED_REQUEST", "this is not a valid HTTP/1.1 request (RFC 9112)"
        )
        self.pipelined = _refusal(
            Limit.PIPELINED,
            429,
            "TOO_MANY_PIPELINED",
            "too many pipelined requests; read an answer before sending more",
            retry_after=1,
        )
        self.address_too_long = _refusal(
            Limit.HEADER_BYTES,
            414,
            "ADDRESS_TOO_LONG",
            f"the request line and headers may have at most {most} bytes in all",
        )
        self.headers_too_large = _refusal(
            Limit.HEADER_BYTES,
            431,
            "HEADERS_TOO_LARGE",
            f"the request line and headers may have at most {most} bytes in all",
        )
        self.too_many_headers = _refusal(
            Limit.HEADERS, 431, "TOO_MANY_HEADERS", f"a request has at most {settings.headers} headers"
        )
        self.too_much_between = _refusal(
            Limit.HEADER_BYTES,
            400,
            "TOO_MUCH_BETWEEN_CHUNKS",
            f"chunk extensions and trailers may have at most {most} bytes",
        )
        self.headers_too_slow = _refusal(
            Limit.HEADER_SECONDS,
            408,
            "HEADERS_TOO_SLOW",
            f"the request line and headers must arrive within {settings.header_seconds:g} s",
        )
        self.body_stopped = _refusal(
            Limit.BODY_SECONDS,
            408,
            "BODY_STOPPED",
            f"no part of the body arrived for {settings.body_seconds:g} s; the request changed nothing",
        )
        self.too_many_connections = _refusal(
            Limit.CONNECTIONS, 503, "TOO_MANY_CONNECTIONS", "all connections are in use; try again later", retry_after=5
        )
        self.too_many_of_address = _refusal(
            Limit.CONNECTIONS_PER_ADDRESS,
            429,
            "TOO_MANY_CONNECTIONS_OF_ADDRESS",
            "your address has reached its number of connections; reuse them, or try again later",
            retry_after=5,
        )
        self.made_room = _refusal(
            Limit.MADE_ROOM,
            503,
            "MADE_ROOM",
            "this request had not arrived when its connection was needed for another; retry",
            retry_after=1,
        )
