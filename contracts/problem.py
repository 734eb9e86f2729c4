"""What a refusal looks like: problem details (RFC 9457) with a stable code."""

from __future__ import annotations

from contracts.answers import Contract


class ProblemField(Contract):
    """One fault: a JSON Pointer (RFC 6901) into the body, or `/query/…`, `/headers/…`, `/path/…`."""

    pointer: str
    code: str
    detail: str


class CharterRule(Contract):
    """A rule of the charter that refused a task: its version, and what it says of the task in that role.

    `verdict` is `S` (only with approval) or `X` (not at all); `allowedRoles` are those who carry it, and behind them
    those who may support it.
    """

    charter_version: str
    task: str
    role: str
    verdict: str
    allowed_roles: list[str]


class HolderOfTask(Contract):
    """Who leads a kind of task in a case: a role for an organisation."""

    role: str
    org: str


class Problem(Contract):
    """`application/problem+json`. `code` is UPPER_SNAKE and stable; `errors` lists every fault of a 422.

    `rule` is that of the charter which refused a task, `nextActions` the commands that are possible instead, and
    `holder` who leads a task already.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    who_can_unblock: str | None = None
    errors: list[ProblemField] | None = None
    rule: CharterRule | None = None
    next_actions: list[str] | None = None
    holder: HolderOfTask | None = None
