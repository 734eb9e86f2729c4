"""A mentor's profile: how well prepared, for what, and for how many; no case data but which cases take a place."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import ClassVar, assert_never

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from contracts.codes import MentorKind
from services.chassis.modelling.callers_clock import day_in_the_future
from services.chassis.modelling.decider import Command, Entity, Event, Fault, Refused
from services.chassis.modelling.growing import GrowingSet


def mentor_stream(organisation: str, mentor: str) -> str:
    """The stream of one mentor of an organisation."""
    return f"mentor-{organisation}.{mentor}"


class Profile(Struct, frozen=True, kw_only=True):
    """What the organisation vouches for. `capacity` is how many mentees at once; one unless it says otherwise.

    Dates are None as long as the thing has not been done. The insurance note is the volunteers' law's information
    note, which a professional does not need. Each of the `sectors` has its revision of NACE before it (`2.1:N`),
    unless the profile is older than that rule. The charter and the text on confidentiality were acknowledged in the
    versions that are named.
    """

    kind: str
    screened_on: date | None = None
    trained_on: date | None = None
    insurance_note_on: date | None = None
    charter_version: str | None = None
    charter_acknowledged_on: date | None = None
    confidentiality_on: date | None = None
    languages: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    capacity: int = 1
    confidentiality_version: str | None = None


class DescribeMentor(Command, frozen=True, kw_only=True):
    """Describe a mentor of the caller's organisation, or describe a new one.

    `today` is the last day that something may have been done on: the one that it is where the organisation works.
    """

    organisation: str
    mentor: str
    profile: Profile
    today: date


class MentorDescribed(Event, frozen=True, kw_only=True):
    """The profile as the organisation vouches for it; `described_at` of the first one counts the waiting time."""

    organisation: str
    mentor: str
    profile: Profile
    described_at: datetime


class GiveContact(Command, frozen=True, kw_only=True):
    """Say where a mentor is written to, by a vault reference; None: nowhere any more."""

    contact_ref: str | None


class MentorContactGiven(Event, frozen=True, kw_only=True):
    """How a mentor is written to is in the vault under the reference; None: nowhere any more."""

    contact_ref: str | None


class MentorEngaged(Event, frozen=True, kw_only=True):
    """A proposed match takes one of the mentor's places."""

    BYSTANDER: ClassVar[bool] = True
    case: str


class MentorReleased(Event, frozen=True, kw_only=True):
    """The match that took a place has ended, or came to nothing; `released_at` is when."""

    BYSTANDER: ClassVar[bool] = True
    case: str
    released_at: datetime | UnsetType = UNSET


class MentorAcknowledgedCharter(Event, frozen=True, kw_only=True):
    """The mentor acknowledged another version of the charter, in a case that it came to govern."""

    charter_version: str
    acknowledged_on: date


MentorEvent = MentorDescribed | MentorContactGiven | MentorEngaged | MentorReleased | MentorAcknowledgedCharter


class Mentor(Struct, frozen=True, kw_only=True):
    """A profile, the cases that take a place, and since when the mentor waits: described first, or free again.

    Who took nobody for a time (`capacity` 0) waits from the description on that changes it.
    """

    profile: Profile | None = None
    since: datetime | None = None
    cases: GrowingSet[str] = GrowingSet()
    contact_ref: str | None = None

    @property
    def waiting_since(self) -> datetime | None:
        """Since when the mentor waits; None as long as there is a mentee, proposed or matched, or none is taken."""
        takes = self.profile is not None and self.profile.capacity > 0
        return self.since if takes and not self.cases else None

    def has_place_for(self, case: str) -> bool:
        """Whether a match of this case finds a place, or has one."""
        return self.profile is not None and (case in self.cases or len(self.cases) < self.profile.capacity)


def lacks(profile: Profile, charter_version: str) -> tuple[str, ...]:
    """What a mentor still lacks before a match, as codes, with the version that is asked for; nothing means ready.

    Volunteers and professionals are two charters with two sets of guards (docs/domain.md, `propose-match`).
    """
    needed = {
        "SCREENING": profile.screened_on is not None,
        "TRAINING": profile.trained_on is not None,
        "INSURANCE_NOTE": profile.insurance_note_on is not None or profile.kind == MentorKind.PROFESSIONAL,
        f"CHARTER in version {charter_version}": has_acknowledged(profile, charter_version),
    }
    return tuple(code for code, done in needed.items() if not done)


def has_acknowledged(profile: Profile, charter_version: str) -> bool:
    """Whether the mentor has acknowledged that version of the charter."""
    return profile.charter_acknowledged_on is not None and profile.charter_version == charter_version


def lacks_confidentiality(profile: Profile, version: str | None) -> tuple[str, ...]:
    """The same for the text on confidentiality, binding from the agreement on; `version` None: any of its versions."""
    if profile.confidentiality_on is not None and version in (None, profile.confidentiality_version):
        return ()
    return ("CONFIDENTIALITY" if version is None else f"CONFIDENTIALITY in version {version}",)


def decide_mentor(command: DescribeMentor | GiveContact, mentor: Mentor) -> list[MentorEvent]:
    """Describes a mentor, or says where one is written to; the same again changes nothing."""
    if isinstance(command, GiveContact):
        same = command.contact_ref == mentor.contact_ref
        return [] if same else [MentorContactGiven(contact_ref=command.contact_ref)]
    if faults := list(_faults(command)):
        raise Refused.input(*faults)
    if command.profile == mentor.profile:
        return []
    return [
        MentorDescribed(
            organisation=command.organisation,
            mentor=command.mentor,
            profile=command.profile,
            described_at=command.at,
        )
    ]


def _faults(command: DescribeMentor) -> Iterable[Fault]:
    profile, rule = command.profile, "what was done has a date that is not in the future"
    dates = {
        "screenedOn": profile.screened_on,
        "trainedOn": profile.trained_on,
        "insuranceNoteOn": profile.insurance_note_on,
        "charterAcknowledgedOn": profile.charter_acknowledged_on,
        "confidentialityOn": profile.confidentiality_on,
    }
    for name, day in dates.items():
        if day is not None:
            yield from day_in_the_future(f"/{name}", day, command.today, command.at, rule)
    if profile.charter_acknowledged_on is not None and profile.charter_version is None:
        yield Fault(
            "/charterVersion",
            "REQUIRED",
            "an acknowledgement names the version of the charter",
            rests_on=("/charterAcknowledgedOn",),
        )
    if profile.capacity < 0:
        yield Fault("/capacity", "NEGATIVE", "capacity is a number of mentees, zero or more")


def evolve_mentor(mentor: Mentor, event: MentorEvent) -> Mentor:
    """The mentor after one more event."""
    match event:
        case MentorDescribed():
            takes_again = mentor.profile is not None and mentor.profile.capacity == 0 < event.profile.capacity
            begins = event.described_at if mentor.since is None or takes_again else mentor.since
            return replace(mentor, profile=event.profile, since=begins)
        case MentorContactGiven():
            return replace(mentor, contact_ref=event.contact_ref)
        case MentorEngaged():
            return replace(mentor, cases=mentor.cases | {event.case})
        case MentorReleased():
            since = mentor.since if event.released_at is UNSET else event.released_at
            return replace(mentor, cases=mentor.cases - {event.case}, since=since)
        case MentorAcknowledgedCharter() if mentor.profile is not None:
            version, day = event.charter_version, event.acknowledged_on
            profile = replace(mentor.profile, charter_version=version, charter_acknowledged_on=day)
            return replace(mentor, profile=profile)
        case MentorAcknowledgedCharter():
            return mentor
        case _:
            assert_never(event)


MENTOR: Entity[Mentor] = Entity(Mentor(), evolve_mentor)
