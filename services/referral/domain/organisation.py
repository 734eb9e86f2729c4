"""An organisation: what it is, what it offers, and how many people it can take at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from services.chassis.modelling.decider import EXISTENCE, Command, Entity, Fault, Refused, Reserved
from services.chassis.modelling.growing import GrowingSet


def organisation_stream(organisation: str) -> str:
    """The stream of one organisation."""
    return f"organisation-{organisation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is said of an organisation: by itself, and of its accreditation by the operator.

    `kind`, `programmes` and `suspended` are the accreditation. A suspended organisation gets, or makes, no new offers;
    what is under way goes on. `capacity` is the number of accepted referrals it can carry at once, None for no limit;
    `contact_point_ref` is a vault reference, since a contact point may be a person. `sectors` are as in a packet.
    """

    name: str
    kind: str
    programmes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    capacity: int | None = None
    contact_point_ref: str | None = None
    suspended: bool = False


class DescribeOrganisation(Command, frozen=True, kw_only=True):
    """Describe an organisation, or describe it once more.

    What stands in `left_out` (fields of the description) keeps the value it has; `reserved` are those that the caller
    may name only as they stand.
    """

    organisation: str
    description: Description
    left_out: frozenset[str] = frozenset()
    reserved: Reserved = Reserved()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationDescribed:
    """The organisation as it described itself."""

    organisation: str
    description: Description


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityTaken:
    """An accepted referral takes one place."""

    BYSTANDER: ClassVar[bool] = True
    organisation: str
    referral_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityReleased:
    """The referral that took a place has ended."""

    BYSTANDER: ClassVar[bool] = True
    organisation: str
    referral_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """The description, and the referrals that take a place."""

    description: Description | None = None
    taken_by: GrowingSet[str] = GrowingSet()

    def full(self, referral_id: str) -> Refused | None:
        """The refusal where no place is left for the referral."""
        limit = self.description.capacity if self.description is not None else None
        if limit is None or referral_id in self.taken_by or len(self.taken_by) < limit:
            return None
        return Refused(
            "CAPACITY_FULL",
            f"{len(self.taken_by)} accepted referrals are running and the organisation's limit is {limit}; "
            "it accepts again when one of them has ended or the limit is raised",
            who_can_unblock="the organisation, by raising its capacity",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationContext:
    """An organisation, and which of the programmes that it is about to name exist."""

    organisation: Organisation
    known_programmes: frozenset[str]


def decide(command: DescribeOrganisation, context: OrganisationContext) -> list[Any]:
    """Describes the organisation; the same description again changes nothing."""
    stands, told = context.organisation.description, command.description
    command.reserved.check(_accreditation(told, command.left_out), _accreditation(stands) if stands is not None else {})
    faults = [
        Fault(f"/programmes/{place}", "PROGRAMME_UNKNOWN", f"there is no programme {programme}")
        for place, programme in enumerate(told.programmes)
        if programme not in context.known_programmes
    ]
    if stands is not None:
        # Decided here, on the state that it is stored on: nobody puts back what the operator has changed meanwhile.
        kept = command.left_out | (command.reserved.fields & _accreditation(stands).keys() - {EXISTENCE})
        told = replace(told, **{name: getattr(stands, name) for name in kept})
    if not told.kind:
        faults.append(Fault("/kind", "REQUIRED", "an organisation is registered as of a kind"))
    if not told.name.strip():
        faults.append(Fault("/name", "REQUIRED", "an organisation has a name"))
    if told.capacity is not None and told.capacity < 0:
        faults.append(Fault("/capacity", "NEGATIVE", "capacity is a number of people, zero or more, or null"))
    if faults:
        raise Refused.input(*faults)
    if told == stands:
        return []
    return [OrganisationDescribed(organisation=command.organisation, description=told)]


def _accreditation(told: Description, left_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The fields that may be reserved, by their names in the body: all that is named, and that there is one at all."""
    named = {"kind": told.kind, "programmes": frozenset(told.programmes), "suspended": told.suspended}
    return {EXISTENCE: True, **{name: value for name, value in named.items() if name not in left_out}}


def evolve(organisation: Organisation, event: Any) -> Organisation:
    """The organisation after one more event."""
    match event:
        case OrganisationDescribed():
            return replace(organisation, description=event.description)
        case CapacityTaken():
            return replace(organisation, taken_by=organisation.taken_by | {event.referral_id})
        case CapacityReleased():
            return replace(organisation, taken_by=organisation.taken_by - {event.referral_id})
        case _:
            return organisation


ORGANISATION: Entity[Organisation] = Entity(Organisation(), evolve)
