"""The packet: the minimal data that a mentoring organisation needs to decide, and the guard that it passes.

A draft's packet may lack anything but the person and the programme; a submitted one is complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from contracts.codes import OrganisationKind, ProgrammeKind
from services.chassis.modelling.callers_clock import by_our_clock, in_the_future
from services.chassis.modelling.decider import Fault, Refused
from services.referral.domain.case_key import CaseKey
from services.referral.domain.legal_basis import LegalBasisGiven
from services.referral.domain.organisation import Organisation
from services.referral.domain.person import Elsewhere
from services.referral.domain.programme import ProgrammeVersionPublished, pointer_token

OCCUPATIONS_MAX = 3


class LanguageSkill(Struct, frozen=True, kw_only=True):
    """A language (BCP 47), its CEFR level, and whether it was declared or tested."""

    tag: str
    level: str
    evidence: str


class Occupation(Struct, frozen=True, kw_only=True):
    """An occupation wanted: ISCO-08 code and, where known, the ESCO concept URI."""

    isco: str
    esco: str | None = None


class ParticipationChoice(Struct, frozen=True, kw_only=True):
    """The jobseeker's own yes to mentoring; it is not the consent to share data."""

    chosen_at: datetime
    method: str
    language: str


class Packet(Struct, frozen=True, kw_only=True):
    """What a counsellor has filled in, field for field as the public body has it.

    `contact_ref` is the vault reference of the contact data, which stand in no event. Each of the `sectors` has its
    revision of NACE before it (`2.1:N`), unless the packet is older than that rule.
    """

    programme: str
    client_ref: str
    to: str | None = None
    contact_ref: str | None = None
    contact_language: str | None = None
    languages: tuple[LanguageSkill, ...] = ()
    occupations: tuple[Occupation, ...] = ()
    sectors: tuple[str, ...] = ()
    region: str | None = None
    goals: tuple[str, ...] = ()
    support_needs: tuple[str, ...] = ()
    availability: tuple[str, ...] = ()
    why_mentoring: str | None = None
    alternative_considered: str | None = None
    recommended_mentor_kind: str | None = None
    eligibility: dict[str, bool] = field(default_factory=dict)
    participation_choice: ParticipationChoice | None = None
    legal_basis: LegalBasisGiven | None = None
    previous_referral: str | None = None


_MEMBERS = Packet.__struct_fields__


class CompletePacket(Packet, frozen=True, kw_only=True):
    """A packet that passed the guard: what has to be there is there."""

    to: str
    contact_language: str
    region: str
    why_mentoring: str
    alternative_considered: str
    participation_choice: ParticipationChoice
    legal_basis: LegalBasisGiven


class Circumstances(Struct, frozen=True, kw_only=True):
    """What a packet is checked against: the addressed organisation, the programme, the person's earlier referrals, now.

    The programme is `known` if it has any version; `version` is the one in force. `rival` is another live referral of
    the person, if there is one.
    """

    organisation: Organisation
    known: bool
    version: ProgrammeVersionPublished | None
    case_key: CaseKey
    elsewhere: tuple[Elsewhere, ...]
    rival: str | None
    at: datetime

    def has_ended(self, referral_id: str, programme: str) -> bool:
        """Whether the referral is an ended one of the person in the programme, however the pseudonym was written."""
        others = (other.key for other in self.elsewhere if other.programme == programme)
        return any(key.has_ended(referral_id) for key in (self.case_key, *others))


def completed(packet: Packet, around: Circumstances, contact_faults: tuple[Fault, ...] = ()) -> CompletePacket:
    """The packet, if it may be submitted. Raises Refused with every fault found, in the order of the body.

    `contact_faults` are the faults of the contact data, which only the vault and its callers see.
    """
    faults = faults_in(packet, around, contact_faults)
    if (
        faults
        or packet.to is None
        or packet.contact_language is None
        or packet.region is None
        or packet.why_mentoring is None
        or packet.alternative_considered is None
        or packet.participation_choice is None
        or packet.legal_basis is None
    ):
        raise Refused.input(*faults)
    given = {name: getattr(packet, name) for name in _MEMBERS}
    # A caller's clock may run ahead of ours; nothing is recorded as later than now.
    choice = replace(
        packet.participation_choice, chosen_at=by_our_clock(packet.participation_choice.chosen_at, around.at)
    )
    basis = replace(packet.legal_basis, given_at=by_our_clock(packet.legal_basis.given_at, around.at))
    return CompletePacket(**{**given, "participation_choice": choice, "legal_basis": basis})


def faults_in(packet: Packet, around: Circumstances, contact_faults: tuple[Fault, ...] = ()) -> list[Fault]:
    """Every fault for which a packet may not be submitted, in the order of the body."""
    submitting = [*_missing(packet), *_unmet(packet, around), *contact_faults]
    if packet.to is not None:
        submitting += _suspended(around)
    # None of these would be a fault of a draft.
    faults = [*wrong_in_draft(packet, around), *(fault.resting_on("/draft") for fault in submitting)]
    return sorted(faults, key=_place_in_body)


def wrong_in_draft(packet: Packet, around: Circumstances) -> Iterator[Fault]:
    """The faults that are faults of a draft already, because no later addition could mend them."""
    version = around.version
    if not around.known:
        yield Fault("/programme", "PROGRAMME_UNKNOWN", "no such programme")
    elif version is None:
        yield Fault("/programme", "PROGRAMME_NOT_IN_FORCE", "no version of the programme is in force yet")
    elif version.parameters.kind != ProgrammeKind.MENTORING_TO_WORK:
        yield Fault(
            "/programme",
            "PROGRAMME_KIND",
            f"the programme is of kind {version.parameters.kind}; referrals are to MENTORING_TO_WORK programmes only",
        )
    if packet.to is not None:
        yield from _wrong_addressee(packet.programme, around)
    if not packet.client_ref.strip():
        yield Fault("/client/ref", "REQUIRED", "give the agency's pseudonym of the person")
    if len(packet.occupations) > OCCUPATIONS_MAX:
        yield Fault("/occupations", "TOO_MANY", f"at most {OCCUPATIONS_MAX} occupations")
    previous = packet.previous_referral
    if previous is not None and previous != around.rival and not around.has_ended(previous, packet.programme):
        yield Fault(
            "/previousReferral",
            "PREVIOUS_REFERRAL_UNKNOWN",
            "name an ended referral of the same person, agency and programme",
            rests_on=("/client/ref", "/programme"),
        )


def _wrong_addressee(programme: str, around: Circumstances) -> Iterator[Fault]:
    addressed = around.organisation.description
    if addressed is None:
        yield Fault("/to", "ORGANISATION_UNKNOWN", "no such organisation")
    elif addressed.kind != OrganisationKind.MENTORING_ORG:
        detail = f"the organisation is {addressed.kind}; referrals go to a MENTORING_ORG"
        yield Fault("/to", "ORGANISATION_KIND", detail)
    elif around.known and programme not in addressed.programmes:
        yield Fault(
            "/to", "PROGRAMME_NOT_OFFERED", "the organisation does not offer this programme", rests_on=("/programme",)
        )


def _suspended(around: Circumstances) -> Iterator[Fault]:
    # A draft may wait until the suspension ends.
    if (addressed := around.organisation.description) is not None and addressed.suspended:
        detail = "the operator has suspended the organisation; it gets no new offers"
        yield Fault("/to", "ORGANISATION_SUSPENDED", detail)


def _missing(packet: Packet) -> Iterator[Fault]:
    needed = (
        ("/to", packet.to, "REQUIRED", "name the organisation that the referral is addressed to"),
        ("/contact", packet.contact_ref, "REQUIRED", "say how to reach the person, or why they cannot be reached"),
        ("/contactLanguage", packet.contact_language, "REQUIRED", "name the language to contact the person in"),
        ("/languages", packet.languages, "REQUIRED", "give at least one language with its level"),
        ("/region", packet.region, "REQUIRED", "give the region"),
        ("/goals", packet.goals, "GOAL_REQUIRED", "give at least one goal: a kind of capital that mentoring adds"),
        ("/whyMentoring", packet.why_mentoring, "REQUIRED", "say why mentoring was chosen"),
        (
            "/alternativeConsidered",
            packet.alternative_considered,
            "REQUIRED",
            "name the alternative to mentoring that was considered",
        ),
        (
            "/participationChoice",
            packet.participation_choice,
            "REQUIRED",
            "record the person's own choice to take part before the referral",
        ),
        ("/legalBasis", packet.legal_basis, "REQUIRED", "give the legal basis for sharing the data"),
    )
    for pointer, value, code, detail in needed:
        if not value:
            yield Fault(pointer, code, detail)


def _unmet(packet: Packet, around: Circumstances) -> Iterator[Fault]:
    if around.version is not None:
        yield from _ineligible(packet.eligibility, around.version.parameters.criteria)
    choice, basis = packet.participation_choice, packet.legal_basis
    if choice is not None:
        rule = "the choice cannot be later than its referral"
        yield from in_the_future("/participationChoice/chosenAt", choice.chosen_at, around.at, rule)
    if basis is not None and packet.to is not None and basis.recipient != packet.to:
        yield Fault(
            "/legalBasis/recipient",
            "LEGAL_BASIS_RECIPIENT",
            "the recipient of the legal basis is not the organisation that the referral is addressed to",
            rests_on=("/to",),
        )
    if basis is not None:
        rule = "the legal basis has to be valid when the data are shared"
        yield from in_the_future("/legalBasis/givenAt", basis.given_at, around.at, rule)


def _ineligible(answers: dict[str, bool], criteria: tuple[str, ...]) -> Iterator[Fault]:
    for criterion in criteria:
        pointer = f"/eligibility/{pointer_token(criterion)}"
        if criterion not in answers:
            yield Fault(pointer, "CRITERION_MISSING", "the programme requires this criterion", rests_on=("/programme",))
        elif not answers[criterion]:
            yield Fault(
                pointer,
                "INELIGIBLE",
                "the person does not meet this criterion of the programme",
                rests_on=("/programme",),
            )
    for criterion in answers:
        if criterion not in criteria:
            yield Fault(
                f"/eligibility/{pointer_token(criterion)}",
                "CRITERION_UNKNOWN",
                "the programme has no such criterion",
                rests_on=("/programme",),
            )


_BODY = (
    "programme",
    "to",
    "client",
    "contact",
    "contactLanguage",
    "languages",
    "occupations",
    "region",
    "goals",
    "whyMentoring",
    "alternativeConsidered",
    "eligibility",
    "participationChoice",
    "legalBasis",
    "previousReferral",
)


def _place_in_body(fault: Fault) -> int:
    return _BODY.index(fault.pointer.split("/")[1])
