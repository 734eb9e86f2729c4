"""How a body becomes a command of the same fields: every value is of the type that the command says."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import cast

import pytest
from pydantic import BaseModel

from services.chassis.http.request.stamp import RequestStamp, same_fields
from services.chassis.modelling.decider import Actor, Command
from services.chassis.vault.vault import Deposit, Vault


class Colour(StrEnum):
    """Some code."""

    RED = "RED"


class Wish(BaseModel):
    """A body with codes at every depth."""

    colour: Colour = Colour.RED
    colours: list[Colour] = [Colour.RED]
    marks: dict[Colour, list[Colour]] = {Colour.RED: [Colour.RED]}


class InWords(Command, frozen=True, kw_only=True):
    """A command that holds codes as text."""

    colour: str
    colours: tuple[str, ...]
    marks: dict[str, tuple[str, ...]]


class InMembers(Command, frozen=True, kw_only=True):
    """A command that holds them as members."""

    colour: Colour
    colours: tuple[Colour, ...]
    marks: dict[Colour, tuple[Colour, ...]]


class Narrow(Command, frozen=True, kw_only=True):
    """A command that lacks fields of the body."""

    colour: str


STAMP = RequestStamp(
    at=datetime(2026, 1, 5, tzinfo=UTC),
    by=Actor(sub="tom", role="CLERK", org="shop"),
    deposit=Deposit(cast("Vault", None), "thing"),
)


@pytest.mark.parametrize(("command", "kind"), [(InWords, str), (InMembers, Colour)])
def test_codes_are_of_the_type_that_the_command_holds_at_every_depth(
    command: type[InWords | InMembers], kind: type
) -> None:
    """Text and member compare equal, so only the type tells which it is; what is stored is made of either."""
    made = same_fields(command)(Wish(), STAMP)
    ((name, marks),) = made.marks.items()
    codes = [made.colour, *made.colours, name, *marks]
    assert [type(code) for code in codes] == [kind] * 4
    assert codes == ["RED"] * 4
    assert isinstance(made.colours, tuple)
    assert isinstance(marks, tuple)


def test_the_stamp_is_on_the_command() -> None:
    """Who and when come from the request, and from nowhere else."""
    made = same_fields(Narrow)(_Narrow(), STAMP)
    assert (made.at, made.by) == (STAMP.at, STAMP.by)


class _Narrow(BaseModel):
    colour: Colour = Colour.RED


def test_a_field_that_the_command_lacks_does_not_vanish() -> None:
    """A renamed field is noticed at the first request."""
    with pytest.raises(TypeError, match="Unexpected keyword argument"):
        same_fields(Narrow)(Wish(), STAMP)
