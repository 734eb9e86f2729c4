"""The decider: commands in, events out, and the one way to say no.

A domain module offers `decide(command, state) -> list[Event | To]` and `evolve(state, event) -> state`.
`decide` is the only place that refuses; `evolve` never does, because the log is what happened.
After Jérémie Chassaing's decider pattern; see docs/decisions/0003-decider-functions.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Final, Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import replace

S = TypeVar("S")


ABSENCE: Final = "ABSENCE"
"""The reason of somebody who acts for a colleague who is away."""


class Actor(Struct, frozen=True, kw_only=True, gc=False):
    """Who acts: the organisation's own staff identifier, the role, and the organisation.

    `on_behalf_of` names for whom, where somebody acts for another: the organisation of a system user, the colleague
    for whom a substitute acts (ABSENCE), or the person whose word somebody else passes on, with the code of the reason
    why (`on_behalf_reason`). `absent` is the colleague of a substitute who passes on such a word.
    `method` is how they proved who they are, where it was not by a token: LINK_AND_CODE.
    """

    sub: str
    role: str
    org: str
    on_behalf_of: str | None = None
    # Unset, it is not written at all: those who act in their own name have the bytes that they always had.
    reason: str | UnsetType | None = field(default=UNSET, name="on_behalf_reason")
    absent: str | UnsetType = UNSET
    method: str | UnsetType = UNSET

    @property
    def on_behalf_reason(self) -> str | None:
        """Why somebody passes on another's word; None for everybody else."""
        return self.reason or None

    @property
    def stands_in_for(self) -> str | None:
        """The colleague for whom a substitute acts; None for everybody else."""
        return self.absent or (self.on_behalf_of if self.reason == ABSENCE else None)

    def speaks_for(self, sub: str) -> bool:
        """Whether the actor is that colleague, or acts as their substitute."""
        return sub in (self.sub, self.stands_in_for)

    def passing_on(self, whose: str, reason: str | None) -> Actor:
        """The same actor, who passes on somebody's word."""
        return replace(self, on_behalf_of=whose, reason=reason or UNSET, absent=self.stands_in_for or UNSET)

    def standing_in(self, absent: str) -> Actor:
        """The same actor, as the substitute of a colleague who is away; a word that they pass on stays whose it is."""
        if self.on_behalf_of is not None:
            return replace(self, absent=absent)
        return replace(self, on_behalf_of=absent, reason=ABSENCE)

    def in_own_name(self) -> Actor:
        """The same actor without the word that they passed on."""
        own = replace(self, on_behalf_of=None, reason=UNSET, absent=UNSET)
        return own if (absent := self.stands_in_for) is None else own.standing_in(absent)


class Command(Struct, frozen=True, kw_only=True):
    """What every command carries, so that nothing in the domain reads a clock: `at` is now, `by` is who asks."""

    at: datetime
    by: Actor


class Act(Struct, frozen=True):
    """Who did something, and when."""

    by: Actor
    at: datetime


class Event(Struct, frozen=True, kw_only=True):
    """What every event is: plain data, and three marks of its class that the handler goes by.

    A `BYSTANDER` happens beside what callers decide on: it leaves the ETag of its stream as it is. A `PASSED_ON` event
    names for whom its actor spoke, where they passed on somebody's word; all that follows from it the actor did.
    One that is `BESIDE` only ever follows from commands on other streams, which find their repeats there.
    """

    BESIDE: ClassVar[bool] = False
    BYSTANDER: ClassVar[bool] = False
    PASSED_ON: ClassVar[bool] = False

    @property
    def act(self) -> Act | None:
        """Whose act it was and when, where it goes on record with what somebody else did; None for most events."""
        return None


class To(Struct, frozen=True):
    """An event for a stream other than the command's own, appended in the same transaction."""

    stream: str
    event: Any


class Entity(Struct, Generic[S], frozen=True, eq=False, weakref=True):
    """How a kind of stream folds into state: where it starts, and what one event makes of it. It equals only itself."""

    initial: S
    evolve: Callable[[S, Any], S]


class Because(Enum):
    """Why a command is refused; the HTTP edge turns each into a status."""

    STATE = 409
    INPUT = 422
    RIGHTS = 403


class Fault(Struct, frozen=True):
    """One thing wrong with the input: a JSON Pointer (RFC 6901) into the body, a stable code, a sentence.

    `rests_on` are pointers to other members that it would not be a fault without: where one of them cannot be read,
    nobody knows whether it is.
    """

    pointer: str
    code: str
    detail: str
    rests_on: tuple[str, ...] = ()

    def resting_on(self, *pointers: str) -> Fault:
        """The same fault, which would be none without what stands at the pointers either."""
        return replace(self, rests_on=(*self.rests_on, *pointers))

    def under(self, place: str) -> Fault:
        """The same fault of a body that stands at `place` in another one."""
        return replace(
            self, pointer=f"{place}{self.pointer}", rests_on=tuple(f"{place}{other}" for other in self.rests_on)
        )


class Refused(Exception):  # noqa: N818 - it is the domain's word, and not an error of the program
    """A rule says no. `code` is stable and UPPER_SNAKE; `detail` names the rule and what would be accepted.

    `records` are events of bystanders that stand in the record although nothing was done: that somebody was refused.
    `members` stand in the answer beside the code, by the names that they have there.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        because: Because = Because.STATE,
        faults: tuple[Fault, ...] = (),
        who_can_unblock: str | None = None,
        records: tuple[Event | To, ...] = (),
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.because = because
        self.faults = faults
        self.who_can_unblock = who_can_unblock
        self.records = records
        self.members = members or {}

    @classmethod
    def input(cls, *faults: Fault) -> Refused:
        """The input breaks one rule or several: the first names the refusal, all are listed."""
        first = faults[0]
        return cls(first.code, first.detail, because=Because.INPUT, faults=faults)


EXISTENCE: Final = ""
"""The field that stands for the making of a resource; as a JSON Pointer, the whole of it."""


class Reserved(Struct, frozen=True):
    """Fields that the sender of a command may name only as they stand, and what is said otherwise.

    The table of access fills it, for only the table knows the caller; the decision asks it, for only the decision
    knows what stands at the version that it is stored on.
    """

    fields: frozenset[str] = frozenset()
    code: str = ""
    detail: str = ""

    def check(self, wanted: Mapping[str, Any], stands: Mapping[str, Any]) -> None:
        """Refuses a reserved field of `asked` that has another value than in `stands`. Raises Refused."""
        faults = tuple(
            Fault(f"/{name}" if name != EXISTENCE else "", self.code, self.detail)
            for name, value in wanted.items()
            if name in self.fields and (name not in stands or stands[name] != value)
        )
        if faults:
            raise Refused(self.code, self.detail, because=Because.RIGHTS, faults=faults)
