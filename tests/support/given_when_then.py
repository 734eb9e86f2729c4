"""Decisions told as stories: given what happened, when somebody asks for something, then this happens, or is refused.

    programmes = Decisions(PROGRAMME, decide)
    programmes.given(published).when(publish(2)).then(VersionPublished(...))
    programmes.given(published).when(publish(1)).is_refused("VERSION_PUBLISHED")

It works for whatever folds and decides, in all services: an `Entity`, and a function of a command and the entity's
state. Where a decision rests on more than one stream, the function makes the context of the state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pytest

from services.chassis.modelling.decider import Because, Command, Entity, Refused, To

S = TypeVar("S")
C = TypeVar("C", bound=Command)


@dataclass(frozen=True, slots=True)
class Decisions(Generic[S, C]):
    """What is decided about an entity, and how it folds."""

    entity: Entity[S]
    decide: Callable[[C, S], Sequence[Any]]

    def given(self, *events: Any) -> Given[S, C]:
        """The events that were stored before, oldest first."""
        state = self.entity.initial
        for event in events:
            state = self.entity.evolve(state, event)
        return Given(self, state)

    def after(self, *commands: C) -> Given[S, C]:
        """What is there once these commands were done, one after the other."""
        given = self.given()
        for command in commands:
            given = Given(self, given.when(command).state)
        return given


@dataclass(frozen=True, slots=True)
class Given(Generic[S, C]):
    """An entity with a past."""

    decisions: Decisions[S, C]
    state: S

    def when(self, command: C) -> When[S, C]:
        """Somebody asks for something; nothing is decided before it is said what is expected."""
        return When(self.decisions, self.state, command)


@dataclass(frozen=True, slots=True)
class When(Generic[S, C]):
    """A command on an entity with a past, yet to be decided."""

    decisions: Decisions[S, C]
    before: S
    command: C

    @property
    def events(self) -> list[Any]:
        """What happens. Raises Refused."""
        return list(self.decisions.decide(self.command, self.before))

    @property
    def state(self) -> S:
        """The entity after what happens to it. Raises Refused."""
        state = self.before
        for event in self.events:
            if not isinstance(event, To):
                state = self.decisions.entity.evolve(state, event)
        return state

    def then(self, *events: Any) -> None:
        """Exactly these happen, in this order; `To(stream, event)` in another stream. None: nothing changes."""
        assert self.events == list(events)

    def is_refused(
        self, code: str, *, because: Because | None = None, faults: Sequence[tuple[str, str]] | None = None
    ) -> Refused:
        """A rule says no, with this code; `faults` are the pointer and code of every fault of the input."""
        with pytest.raises(Refused) as refused:
            self.decisions.decide(self.command, self.before)
        refusal = refused.value
        assert refusal.code == code, refusal
        assert because is None or refusal.because is because, refusal
        assert faults is None or faults_of(refusal) == list(faults), refusal
        return refusal


def faults_of(refusal: Refused) -> list[tuple[str, str]]:
    """Pointer and code of every fault that a refusal lists."""
    return [(fault.pointer, fault.code) for fault in refusal.faults]
