"""What one more event costs a fold, whatever the stream: the same, however many there were of it before."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from msgspec import Struct, structs

import services
from services.casefile.events import EVENT_TYPES as CASEFILE
from services.chassis.modelling.decider import Entity
from services.chassis.modelling.growing import GrowingMap, GrowingSet, GrowingTuple
from services.chassis.modelling.plain import members
from services.notifications.events import EVENT_TYPES as NOTIFICATIONS
from services.referral.events import EVENT_TYPES as REFERRAL
from tests.support.golden import corpus

FEW, MANY = 16, 144
SPARE: Final = 40
"""What one more event may cost more after MANY than after FEW. To copy what it holds would cost 128 more."""

TYPES: Final = {"referral": REFERRAL, "casefile": CASEFILE, "notifications": NOTIFICATIONS}


def entities() -> dict[str, tuple[str, Entity[Any]]]:
    """Every kind of stream that any service folds, by the name of its constant, with its service."""
    found: dict[str, tuple[str, Entity[Any]]] = {}
    for module in pkgutil.walk_packages(services.__path__, "services."):
        service = module.name.split(".")[1]
        if service not in TYPES or module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Entity) and not name.startswith("_"):
                found[name] = service, value
    return found


ENTITIES: Final = entities()


def samples(service: str) -> list[Any]:
    """One event of every kind that the service has ever stored."""
    types = TYPES[service]
    return [types.decode(topic, state)[0] for topic, state in sorted(corpus(service).samples().items())]


def begun(service: str, entity: Entity[Any]) -> list[Any]:
    """States of the kind that stored stories went through, one of each phase."""
    found: dict[object, Any] = {None: entity.initial}
    for story in corpus(service).directory.glob("streams/*.tsv"):
        states: dict[str, Any] = {}
        for recorded in corpus(service).story(story.stem, TYPES[service]):
            before = states.get(recorded.stream, entity.initial)
            states[recorded.stream] = after = entity.evolve(before, recorded.event)
            if after != before:
                phase = getattr(after, "state", type(after).__name__), getattr(after, "trajectory", None) is None
                found.setdefault(phase, after)
    return list(found.values())


def another(value: Any, number: int) -> Any:
    """The same, told of something else: other ids, a later time."""
    if isinstance(value, Struct):
        told = {name: another(getattr(value, name), number) for name in value.__struct_fields__}
        return structs.replace(value, **told)
    if is_dataclass(value) and not isinstance(value, type):
        told = {field.name: another(getattr(value, field.name), number) for field in fields(value) if field.init}
        return replace(value, **told)
    if isinstance(value, datetime):
        return value + timedelta(seconds=number)
    if isinstance(value, str) and any(sign.isdigit() for sign in value) and len(value) > 8:
        return f"{value}-{number}"
    if isinstance(value, dict):
        return {key: another(one, number) for key, one in value.items()}
    if isinstance(value, tuple):
        return tuple(another(one, number) for one in value)
    return number if type(value) is int else value


def held(value: Any) -> Iterator[Any]:
    """Every collection within a state."""
    if (names := members(type(value))) is not None:
        for name in names:
            yield from held(getattr(value, name))
    elif isinstance(value, dict | GrowingMap):
        yield value
        for one in value.values():
            yield from held(one)
    elif isinstance(value, tuple | list | AbstractSet | GrowingTuple):
        yield value
        for one in value:
            yield from held(one)


def cost(entity: Entity[Any], state: Any, event: Any) -> int:
    """Calls made, and elements of collections that are new, for one more event. No clock is asked."""
    known, calls = {id(one): one for one in held(state)}, 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        after = entity.evolve(state, event)
    finally:
        sys.setprofile(None)
    new = {id(one): one for one in held(after) if id(one) not in known}
    # What grows without copies is new and holds what it shares.
    return calls + sum(
        1 if isinstance(one, GrowingSet | GrowingTuple | GrowingMap) else len(one) for one in new.values()
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ENTITIES))
def test_one_more_event_costs_the_same_however_many_there_were(name: str) -> None:
    """Every event that was ever stored, again and again with other ids and times, in every phase of a story."""
    service, entity = ENTITIES[name]
    moved = 0
    for state in begun(service, entity):
        for sample in samples(service):
            if entity.evolve(state, another(sample, 0)) == state:
                continue
            moved += 1
            at, costs = state, dict[int, int]()
            for number in range(MANY + 1):
                event = another(sample, number)
                if number in (FEW, MANY):
                    costs[number] = cost(entity, at, event)
                at = entity.evolve(at, event)
            assert costs[MANY] - costs[FEW] < SPARE, (type(sample).__name__, costs)
    assert moved, "no stored event is one of these streams"
