"""What stands in for a member that cannot be read has the right shape, in whichever body."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

import contracts.waitlist_body
import services.casefile.routes.requests
import services.referral.routes.requests
from contracts.fields import Body
from services.chassis.http.request.mending import Mended, place_of, pointer_of
from services.chassis.modelling.decider import Fault

BODIES: list[type[Body]] = [
    kind
    for module in (contracts.waitlist_body, services.casefile.routes.requests, services.referral.routes.requests)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Body) and kind is not Body and kind.__module__ == module.__name__
]


def is_mended(body: dict[str, Any], kind: type[Body]) -> bool:
    """Whether a body becomes sound by mending what is wrong with it, as often as something is."""
    mended = Mended(body, kind.model_json_schema())
    while True:
        try:
            kind.model_validate(mended.body)
        except ValidationError as error:
            if not mended.mend(one["loc"] for one in error.errors()):
                return False
        else:
            return True


EVERY_BODY = pytest.mark.parametrize("kind", BODIES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")


@EVERY_BODY
def test_a_body_without_anything_is_filled_until_it_is_sound(kind: type[Body]) -> None:
    """For every body that is sent: a field whose kind of value nothing is known for would hide all rules."""
    assert is_mended({}, kind)


@EVERY_BODY
def test_a_body_whose_every_member_is_unreadable_is_mended_until_it_is_sound(kind: type[Body]) -> None:
    """Members that may be left out are, and the others are filled."""
    assert is_mended({name: {"#": [1]} for name in kind.model_json_schema()["properties"]}, kind)


def mended_at(body: dict[str, Any], *place: str | int) -> Mended:
    """A body of some codes and a day, mended at a place."""
    schema = TypeAdapter(contracts.waitlist_body.WaitlistBody).json_schema()
    schema["properties"]["codes"] = {"type": "array", "items": {"enum": ["A", "B"]}}
    found = Mended(body, schema)
    assert found.mend([place])
    return found


def test_a_member_that_may_be_left_out_is_left_out_first_and_then_filled() -> None:
    """Who needs it says so, and is given something."""
    mended = mended_at({"expectedBy": "soon"}, "expectedBy")
    assert mended.body == {}
    assert mended.mend([("expectedBy",)])
    assert mended.body == {"expectedBy": "2000-01-01"}
    assert not mended.mend([("expectedBy",)])


def test_what_stands_behind_an_unreadable_place_in_a_list_keeps_its_place() -> None:
    """Otherwise a fault would be told at the place of another one; at last the whole list is left out."""
    mended = mended_at({"codes": ["X", "B"]}, "codes", 0)
    assert mended.body == {"codes": ["A", "B"]}
    assert mended.mend([("codes", 0)])
    assert mended.body == {}


def test_a_fault_is_known_where_nothing_that_it_rests_on_was_touched() -> None:
    """Neither the member itself, nor one in it or around it, nor another that it rests on."""
    mended = mended_at({"codes": ["X", "B"]}, "codes", 0)
    assert mended.knows(Fault("/codes/1", "C", ""))
    assert mended.knows(Fault("/codesOfOthers", "C", ""))
    for unknown in (Fault("/codes", "C", ""), Fault("/codes/0", "C", ""), Fault("/codes/0/tag", "C", "")):
        assert not mended.knows(unknown)
    assert not mended.knows(Fault("/expectedBy", "C", "", rests_on=("/codes/0",)))


@pytest.mark.parametrize("place", [("a/b", 0, "c~d"), ("x",), ()])
def test_a_pointer_leads_back_to_its_place(place: tuple[str | int, ...]) -> None:
    """Names with slashes and tildes included; a number is a place only in a list."""
    assert place_of(pointer_of(place), {"a/b": [{"c~d": 1}], "x": 2}) == place
    assert place_of("/0", {"0": 1}) == ("0",)


@pytest.mark.parametrize("place", [(), ("nothing", "in", "it")])
def test_what_has_no_place_is_not_mended(place: tuple[str | int, ...]) -> None:
    """The whole body, and a member of a member that is not there."""
    assert not Mended({"x": 1}, {}).mend([place])
