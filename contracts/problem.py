"""What a refusal looks like: problem details (RFC 9457) with a stable code."""

from __future__ import annotations

from contracts.answers import Contract


class ProblemField(Contract):
    """One fault: a JSON Pointer (RFC 6901) into the body, or `/query/…`, `/headers/…`, `/path/…`."""

    pointer: str
    code: str
    detail: str


class Problem(Contract):
    """`application/problem+json`. `code` is UPPER_SNAKE and stable; `errors` lists every fault of a 422."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    who_can_unblock: str | None = None
    errors: list[ProblemField] | None = None
