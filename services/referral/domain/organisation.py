"""An organisation: what it is, what it offers, and how many people it can take at once."""

from __future__ import annotations

from typing import ClassVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from services.chassis.modelling.decider import EXISTENCE, Command, Entity, Event, Fault, Refused, Reserved
from services.chassis.modelling.growing import GrowingSet


def organisation_stream(organisation: str) -> str:
    """The stream of one organisation."""
    return f"organisation-{organisation}"


class Description(Struct, frozen=True, kw_only=True):
    """An organisation as it describes itself, with its accreditation by the operator.

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
    """Describe an organisation, or change its description.

    The fields in `left_out` keep their values; the caller may name those in `reserved` only as they stand.
    """

    organisation: str
    description: Description
    left_out: frozenset[str] = frozenset()
    reserved: Reserved = Reserved()


class OrganisationDescribed(Event, frozen=True, kw_only=True):
    """The organisation as it described itself."""

    organisation: str
    description: Description


class CapacityTaken(Event, frozen=True, kw_only=True):
    """An accepted referral takes one place."""

    BESIDE: ClassVar[bool] = True
    BYSTANDER: ClassVar[bool] = True
    organisation: str
    referral_id: str


class CapacityReleased(Event, frozen=True, kw_only=True):
    """The referral that took a place has ended."""

    BESIDE: ClassVar[bool] = True
    BYSTANDER: ClassVar[bool] = True
    organisation: str
    referral_id: str


class Organisation(Struct, frozen=True, kw_only=True):
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
            f"{len(self.taken_by)} accepted referrals are under way and the organisation's limit is {limit}; "
            "it can accept again once one of them ends or the limit is raised",
            who_can_unblock="the organisation, by raising its capacity",
        )


class OrganisationContext(Struct, frozen=True, kw_only=True):
    """An organisation, and which of the programmes that it is about to name exist."""

    organisation: Organisation
    known_programmes: frozenset[str]


def decide(command: DescribeOrganisation, context: OrganisationContext) -> list[OrganisationDescribed]:
    """Describes the organisation; the same description again changes nothing."""
    current, description = context.organisation.description, command.description
    command.reserved.check(
        _accreditation(description, command.left_out), _accreditation(current) if current is not None else {}
    )
    faults = [
        Fault(f"/programmes/{place}", "PROGRAMME_UNKNOWN", f"no such programme: {programme}")
        for place, programme in enumerate(description.programmes)
        if programme not in context.known_programmes
    ]
    if current is not None:
        # Decided here, on the state that it is stored on: nobody puts back what the operator has changed meanwhile.
        kept = command.left_out | (command.reserved.fields & _accreditation(current).keys() - {EXISTENCE})
        description = replace(description, **{name: getattr(current, name) for name in kept})
    if not description.kind:
        faults.append(Fault("/kind", "REQUIRED", "an organisation has a kind"))
    if not description.name.strip():
        faults.append(Fault("/name", "REQUIRED", "an organisation has a name"))
    if description.capacity is not None and description.capacity < 0:
        faults.append(Fault("/capacity", "NEGATIVE", "the capacity is zero or more people, or null for no limit"))
    if faults:
        raise Refused.input(*faults)
    if description == current:
        return []
    return [OrganisationDescribed(organisation=command.organisation, description=description)]


def _accreditation(
    description: Description, left_out: frozenset[str] = frozenset()
) -> dict[str, str | bool | frozenset[str]]:
    """The fields that may be reserved, by their names in the body: those that are named, and EXISTENCE."""
    named: dict[str, str | bool | frozenset[str]] = {
        "kind": description.kind,
        "programmes": frozenset(description.programmes),
        "suspended": description.suspended,
    }
    return {EXISTENCE: True, **{name: value for name, value in named.items() if name not in left_out}}


OrganisationEvent = OrganisationDescribed | CapacityTaken | CapacityReleased


def evolve(organisation: Organisation, event: OrganisationEvent) -> Organisation:
    """The organisation after one more event."""
    match event:
        case OrganisationDescribed():
            return replace(organisation, description=event.description)
        case CapacityTaken():
            return replace(organisation, taken_by=organisation.taken_by | {event.referral_id})
        case CapacityReleased():
            return replace(organisation, taken_by=organisation.taken_by - {event.referral_id})
        case _:
            assert_never(event)


ORGANISATION: Entity[Organisation] = Entity(Organisation(), evolve)
