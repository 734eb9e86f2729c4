"""The request bodies of the referral service, as strict as their standards, and the plain data that they stand for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from contracts.code_lists.checks import esco_isco
from contracts.codes import (
    Alternative,
    CapitalType,
    CefrLevel,
    DeclineReason,
    LegalBasisKind,
    MentorKind,
    OrganisationKind,
    ProgrammeKind,
    Question,
    SupportNeed,
    WhyMentoring,
)
from contracts.fields import (
    UUID,
    Body,
    CalendarDate,
    Code,
    Count,
    Country,
    EscoUri,
    Flag,
    FreeText,
    HalfDay,
    Identifier,
    Instant,
    Isco,
    LanguageTag,
    Name,
    Reference,
    Region,
    Sector,
    StaffId,
    TimeZone,
    Vaulted,
    read_only,
)
from contracts.terms import LadderLevel, Notified, whole_ladder
from services.chassis.modelling.days import USUAL_ZONE
from services.referral.contact import ContactBody, point_of_contact
from services.referral.domain.organisation import Description
from services.referral.domain.programme import Parameters, Term

UuidText = Annotated[str, Field(pattern=UUID)]
MANY = 20


class ClientBody(Body):
    """The person, by the agency's pseudonym."""

    ref: Identifier


class LanguageBody(Body):
    """A language, its CEFR level, and whether the level was declared or tested."""

    tag: LanguageTag
    level: CefrLevel
    evidence: Literal["DECLARED", "TESTED"]


class OccupationBody(Body):
    """An occupation wanted."""

    isco: Isco
    esco: EscoUri | None = None

    @field_validator("esco")
    @classmethod
    def _is_mapped_to_isco(cls, esco: str | None, info: ValidationInfo) -> str | None:
        if esco is not None and (isco := info.data.get("isco")) is not None:
            mapped = esco_isco(esco)
            if not (mapped.startswith(isco) or isco.startswith(mapped)):
                raise ValueError(f"ESCO maps this to ISCO-08 {mapped}, which is not `isco`")
        return esco


class ParticipationChoiceBody(Body):
    """The jobseeker's own choice to take part."""

    chosen_at: Instant
    method: Literal["IN_PERSON", "PHONE", "VIDEO", "ONLINE", "WRITTEN"]
    language: LanguageTag


class LegalBasisBody(Body):
    """The legal basis for sharing data, and for whom."""

    kind: LegalBasisKind
    recipient: Identifier
    text_version: Reference
    language: LanguageTag
    given_at: Instant


class ReferralBody(Body):
    """A referral. A draft may leave out anything but the programme and the person."""

    programme: Identifier
    to: Identifier | None = None
    client: ClientBody
    contact: Annotated[ContactBody, Vaulted()] | None = None
    contact_language: LanguageTag | None = None
    languages: Annotated[list[LanguageBody], Field(max_length=MANY)] = []
    occupations: Annotated[list[OccupationBody], Field(max_length=MANY)] = []
    sectors: Annotated[list[Sector], Field(max_length=MANY)] = []
    region: Region | None = None
    goals: Annotated[list[CapitalType], Field(max_length=MANY)] = []
    support_needs: Annotated[list[SupportNeed], Field(max_length=MANY)] = []
    availability: Annotated[list[HalfDay], Field(max_length=MANY)] = []
    why_mentoring: WhyMentoring | None = None
    alternative_considered: Alternative | None = None
    recommended_mentor_kind: MentorKind | None = None
    eligibility: Annotated[dict[Code, Flag], Field(max_length=30)] = {}
    participation_choice: ParticipationChoiceBody | None = None
    legal_basis: LegalBasisBody | None = None
    previous_referral: UuidText | None = None
    draft: Flag = False


class BulkLine(ReferralBody):
    """A line of the bulk intake: a referral with its own key."""

    idempotency_key: Annotated[str, Field(min_length=1, max_length=255)]


class RequestInformationBody(Body):
    """The questions of the organisation."""

    codes: Annotated[list[Question], Field(min_length=1, max_length=10)]


class AnswerBody(Body):
    """One answer; its text goes to the vault."""

    code: Question
    answer: FreeText


class ProvideInformationBody(Body):
    """The agency's answers."""

    answers: Annotated[list[AnswerBody], Field(min_length=1, max_length=10)]


class AcceptBody(Body):
    """The coordinator of the organisation. A colleague becomes responsible by their first command on the case.

    Until then, the person who accepts is responsible.
    """

    coordinator: StaffId


class DeclineBody(Body):
    """Why not; `text` only with OTHER. Text and suggestion go to the vault."""

    reason: DeclineReason
    text: FreeText | None = None
    suggestion: FreeText | None = None


class WithdrawBody(Body):
    """Why the agency takes the referral back; `text` only with OTHER."""

    reason: Literal[
        "CLIENT_IN_EMPLOYMENT",
        "CLIENT_IN_TRAINING",
        "CLIENT_WITHDREW",
        "CLIENT_MOVED",
        "NO_LONGER_ELIGIBLE",
        "OTHER_ORGANISATION_CHOSEN",
        "OTHER",
    ]
    text: FreeText | None = None


class MarkErrorBody(Body):
    """Why the referral should never have been there; goes to the vault."""

    justification: FreeText


class LegalBasisWithdrawalBody(Body):
    """The side by which the person withdrew; for the record only."""

    channel: Literal["AGENCY", "ORGANISATION", "PERSON"] | None = None


class OrganisationBody(Body):
    """An organisation. It sets its own name, languages, sectors, capacity and contact point.

    The OPERATOR sets `kind`, which is required of it, `programmes` and `suspended`. An organisation leaves them out, or
    sends them as GET answered them; the same holds for the other members of GET's answer.
    """

    name: Name
    kind: Annotated[OrganisationKind | None, Field(description="The OPERATOR's, and required of it.")] = None
    programmes: Annotated[
        list[Identifier], Field(max_length=50, description="The OPERATOR's; none where the OPERATOR leaves it out.")
    ] = []
    suspended: Annotated[
        Flag, Field(description="The OPERATOR's: no new offers, what is under way goes on. Left out, it stays.")
    ] = False
    languages: Annotated[list[LanguageTag], Field(max_length=50)] = []
    sectors: Annotated[list[Sector], Field(max_length=50)] = []
    capacity: Annotated[
        Annotated[Count, Field(ge=0, le=1_000_000)] | None, Field(description="People at once; null for no limit.")
    ] = None
    contact_point: Annotated[FreeText, AfterValidator(point_of_contact)] | None = None
    id: Annotated[str | None, read_only("From GET: that of the path.")] = None
    taken: Annotated[Count | None, read_only("From GET, as it stands.")] = None
    version: Annotated[Count | None, read_only("From GET: the one that If-Match names.")] = None
    links: Annotated[dict[str, str] | None, read_only("From GET, as they stand.")] = None

    def description(self, contact_point_ref: str | None) -> Description:
        """The description; of the contact point, the vault reference alone."""
        return Description(
            name=self.name,
            kind=self.kind.value if self.kind is not None else "",
            programmes=tuple(self.programmes),
            languages=tuple(self.languages),
            sectors=tuple(self.sectors),
            capacity=self.capacity,
            contact_point_ref=contact_point_ref,
            suspended=self.suspended,
        )


class TermBody(Body):
    """A length of time in calendar or working days."""

    n: Annotated[Count, Field(ge=1, le=3660)]
    unit: Literal["DAYS", "WORKING_DAYS"]


class ProgrammeVersionBody(Body):
    """The parameters of a programme from `validFrom` on, which begins with that day in its own time zone.

    A term that is left out has its default. Working days leave out the weekends of `country`, the public holidays of
    `country` and `region`, and `closingDays`.

    A version as GET has it in the programme's `versions` may be sent back, and changes nothing.
    """

    version: Annotated[Count | None, read_only("From GET: that of the path.")] = None
    valid_from: CalendarDate
    kind: ProgrammeKind
    name: Name
    time_zone: TimeZone = USUAL_ZONE
    country: Country = "BE"
    criteria: Annotated[list[Code], Field(min_length=1, max_length=30)]
    arrangement_id: Reference
    contact_point: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(point_of_contact)]
    terms: Annotated[dict[Code, TermBody], Field(max_length=60)] = {}
    agreement_months_max: Annotated[Count, Field(ge=1, le=60)] = 6
    extension_months_max: Annotated[Count, Field(ge=0, le=60)] = 3
    meetings_per_month_min: Annotated[Count, Field(ge=1, le=31)] = 2
    information_requests_max: Annotated[Count, Field(ge=0, le=20)] = 2
    charter_version: Reference = "v1"
    region: Annotated[
        Annotated[str, Field(pattern=r"^[A-Z]{2}-[A-Za-z0-9]{1,20}$")] | None,
        Field(description="ISO 3166-2, such as DE-BY: a part of the country with public holidays of its own."),
    ] = None
    closing_days: Annotated[
        list[CalendarDate],
        Field(max_length=400, description="Further days that are not working days, such as 2026-07-11."),
    ] = []
    ladder: Annotated[dict[LadderLevel, list[Notified]], Field(description="Who hears of it at each level.")] = {}
    check_in_every_days: dict[SupportNeed, Annotated[Count, Field(ge=1, le=366)]] = {}
    professional_for: Annotated[list[SupportNeed], Field(max_length=7)] = []
    substitution_in_case: Annotated[Count, Field(ge=1, le=1000)] = 2
    substitution_in_month: Annotated[Count, Field(ge=1, le=1000)] = 5
    confidentiality_version: Reference | None = None

    def parameters(self) -> Parameters:
        """The parameters; terms that are left out get their defaults when they are published."""
        return Parameters(
            kind=self.kind.value,
            name=self.name,
            time_zone=self.time_zone,
            country=self.country,
            criteria=tuple(self.criteria),
            arrangement_id=self.arrangement_id,
            contact_point=self.contact_point,
            terms={name: Term(n=term.n, unit=term.unit) for name, term in self.terms.items()},
            agreement_months_max=self.agreement_months_max,
            extension_months_max=self.extension_months_max,
            meetings_per_month_min=self.meetings_per_month_min,
            information_requests_max=self.information_requests_max,
            charter_version=self.charter_version,
            region=self.region,
            closing_days=tuple(self.closing_days),
            ladder=whole_ladder({level.value: tuple(map(str, whom)) for level, whom in self.ladder.items()}),
            check_in_every_days={need.value: days for need, days in self.check_in_every_days.items()},
            professional_for=tuple(need.value for need in self.professional_for),
            substitution_in_case=self.substitution_in_case,
            substitution_in_month=self.substitution_in_month,
            confidentiality_version=self.confidentiality_version,
        )
