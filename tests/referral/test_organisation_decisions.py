"""What an organisation may say of itself, and how its places are counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from services.chassis.modelling.decider import EXISTENCE, Refused, Reserved
from services.referral.domain.organisation import (
    CapacityReleased,
    CapacityTaken,
    DescribeOrganisation,
    Description,
    Organisation,
    OrganisationContext,
    OrganisationDescribed,
    decide,
    evolve,
)
from tests.referral.office import LOTTE, MONDAY

BRUGWERK = Description(name="BRUGWERK vzw", kind="MENTORING_ORG", programmes=("mtw-be-2026",), capacity=2)
RESERVED = Reserved(
    frozenset({EXISTENCE, "kind", "programmes", "suspended"}), "FIELD_OF_THE_OPERATOR", "the operator's"
)


def context(organisation: Organisation = Organisation()) -> OrganisationContext:  # noqa: B008 - immutable
    """A context in a world of one programme."""
    return OrganisationContext(organisation=organisation, known_programmes=frozenset({"mtw-be-2026"}))


def describe(description: Description) -> DescribeOrganisation:
    """The command."""
    return DescribeOrganisation(at=MONDAY, by=LOTTE, organisation="brugwerk", description=description)


def test_describing_twice_changes_nothing() -> None:
    """The same description is no news, another one is."""
    described = OrganisationDescribed(organisation="brugwerk", description=BRUGWERK)
    assert decide(describe(BRUGWERK), context()) == [described]
    known = evolve(Organisation(), described)
    assert decide(describe(BRUGWERK), context(known)) == []
    assert len(decide(describe(replace(BRUGWERK, capacity=None)), context(known))) == 1


def test_every_fault_of_a_description_is_told_with_its_pointer() -> None:
    """A programme that there is not, no name, less than no capacity."""
    wrong = replace(BRUGWERK, name=" ", programmes=("mtw-be-2026", "other"), capacity=-1)
    with pytest.raises(Refused) as refusal:
        decide(describe(wrong), context())
    assert [(fault.pointer, fault.code) for fault in refusal.value.faults] == [
        ("/programmes/1", "PROGRAMME_UNKNOWN"),
        ("/name", "REQUIRED"),
        ("/capacity", "NEGATIVE"),
    ]


def test_a_place_is_counted_once_per_referral() -> None:
    """Taking it twice takes one, releasing it twice frees one."""
    organisation = Organisation(description=BRUGWERK)
    for _ in range(2):
        organisation = evolve(organisation, CapacityTaken(organisation="brugwerk", referral_id="R-1"))
    assert organisation.full("R-2") is None
    organisation = evolve(organisation, CapacityTaken(organisation="brugwerk", referral_id="R-2"))
    assert organisation.full("R-3") is not None
    assert organisation.full("R-2") is None
    for _ in range(2):
        organisation = evolve(organisation, CapacityReleased(organisation="brugwerk", referral_id="R-1"))
    assert organisation.full("R-3") is None


@pytest.mark.parametrize(("capacity", "full"), [(None, False), (0, True), (1, False)])
def test_no_limit_is_not_the_same_as_no_place(capacity: int | None, full: bool) -> None:  # noqa: FBT001 - a table
    """None says that there is no limit, zero that nobody can be taken on."""
    organisation = Organisation(description=replace(BRUGWERK, capacity=capacity))
    assert (organisation.full("R-1") is not None) is full


def test_an_organisation_keeps_the_accreditation_that_stands_when_it_is_stored() -> None:
    """Whatever the sender had read: what it leaves out, and what is reserved from it, is taken from the state."""
    changed = replace(BRUGWERK, kind="AUDIT_BODY", programmes=(), suspended=True)
    known = evolve(Organisation(), OrganisationDescribed(organisation="brugwerk", description=changed))
    left_out = frozenset({"kind", "programmes", "suspended"})
    command = structs.replace(describe(Description(name="New", kind="")), left_out=left_out, reserved=RESERVED)
    (described,) = decide(command, context(known))
    assert described.description == replace(changed, name="New", capacity=None)
    with pytest.raises(Refused) as refused:
        decide(structs.replace(describe(BRUGWERK), reserved=RESERVED), context(known))
    assert [fault.pointer for fault in refused.value.faults] == ["/kind", "/programmes", "/suspended"]


def test_the_order_of_programmes_is_no_other_value() -> None:
    """They are a set; the order that the operator gave stays."""
    known = Organisation(description=replace(BRUGWERK, programmes=("a", "b")))
    command = structs.replace(describe(replace(BRUGWERK, name="New", programmes=("b", "a"))), reserved=RESERVED)
    around = OrganisationContext(organisation=known, known_programmes=frozenset({"a", "b"}))
    (described,) = decide(command, around)
    assert described.description.programmes == ("a", "b")


def test_what_was_described_before_there_was_suspension_is_not_suspended() -> None:
    """Events of before have no such field."""
    assert BRUGWERK.suspended is False
