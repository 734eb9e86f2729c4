"""Who may do and see what of referrals: the table that the chassis' policy reads. Actions bring their own rules."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from contracts.barred_roles import BARRED
from contracts.codes import OrganisationKind, Role, WithdrawReason
from contracts.identifiers import is_one_person
from contracts.staff import COORDINATORS, COUNSELLORS, StaffSide
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Denial, FieldRule, Policy, Rule
from services.chassis.modelling.decider import EXISTENCE
from services.referral.actions import ACTIONS
from services.referral.domain.broadcast import Broadcast
from services.referral.domain.context import Context
from services.referral.domain.offer import Offer
from services.referral.domain.organisation import Organisation
from services.referral.domain.programme import DEFAULT_TERMS
from services.referral.domain.referral_state import TERMINAL

NGO_ACCESS: Final = "NGO_ACCESS"
AGENCY: Final = "AGENCY"
"""A member of an agency, towards referrals that do not exist yet."""
SUSPENDED_AGENCY: Final = "SUSPENDED_AGENCY"
"""The same, while the operator has suspended the agency."""
OWNER_AGENCY: Final = "OWNER_AGENCY"
ADDRESSED_ORGANISATION: Final = "ADDRESSED_ORGANISATION"
CONSENT_WITHDRAWN: Final = "CONSENT_WITHDRAWN"
"""The organisation that was addressed, after the person withdrew the legal basis: only the stop remains visible."""
FORMER_ORGANISATION: Final = "FORMER_ORGANISATION"
"""The organisation whose access ended, twelve weeks after its referral did."""
PERSON: Final = "PERSON"
"""The person whom the referral is about: they sign in at their agency, or at the organisation, by their pseudonym."""
OVERSIGHT: Final = "OVERSIGHT"
PLATFORM: Final = "PLATFORM"
OWN_ORGANISATION: Final = "OWN_ORGANISATION"
ANY_ORGANISATION: Final = "ANY_ORGANISATION"

_READERS = COUNSELLORS | COORDINATORS | {Role.DPO}
_AUDITORS = frozenset({Role.AUDITOR})
_MENTEES = frozenset({Role.MENTEE})
_OPERATORS = frozenset({Role.OPERATOR})
_EVERYBODY = frozenset(Role) - {Role.AGENCY_CONTROL, Role.SYSTEM}

_OF_SIDE: Final = {
    StaffSide.AGENCY: (OWNER_AGENCY,),
    # After the person withdrew, the domain answers an organisation with the rule: 403 LEGAL_BASIS_WITHDRAWN.
    StaffSide.ORGANISATION: (ADDRESSED_ORGANISATION, CONSENT_WITHDRAWN),
}
"""In which relations the side of an action stands to the referral."""

POLICY: Final = Policy(
    [
        Rule("create", COUNSELLORS, AGENCY),
        # To whom else the person is offered is the agency's to know.
        Rule("read-broadcast", COUNSELLORS | {Role.DPO}, OWNER_AGENCY),
        Rule("read-broadcast", _AUDITORS, OVERSIGHT),
        Rule("withdraw-broadcast", COUNSELLORS, OWNER_AGENCY),
        *(
            Rule(action.name, action.roles, relation, refused_later=relation == CONSENT_WITHDRAWN)
            for action in ACTIONS.values()
            for relation in _OF_SIDE[action.side]
        ),
        Rule("read", _READERS, OWNER_AGENCY),
        Rule("read", _READERS, ADDRESSED_ORGANISATION),
        Rule("read", _READERS, CONSENT_WITHDRAWN),
        Rule("read", _AUDITORS, OVERSIGHT),
        Rule("read-record", _READERS, OWNER_AGENCY),
        Rule("read-record", _READERS, ADDRESSED_ORGANISATION),
        Rule("read-record", _AUDITORS, OVERSIGHT),
        Rule("read-texts", COUNSELLORS, OWNER_AGENCY),
        Rule("read-texts", COORDINATORS, ADDRESSED_ORGANISATION),
        Rule("list", _READERS | _AUDITORS, ANY_ORGANISATION),
        Rule("read-contact", COUNSELLORS, OWNER_AGENCY),
        Rule("read-contact", COORDINATORS, ADDRESSED_ORGANISATION),
        Rule("read-contact", COORDINATORS, CONSENT_WITHDRAWN),
        # Who works on the referral reads the contact data; this is for who sees none otherwise.
        Rule("reveal-identity", _AUDITORS, OVERSIGHT),
        # The organisations need not know to whom else the person's data went.
        Rule("read-disclosures", COUNSELLORS | {Role.DPO}, OWNER_AGENCY),
        Rule("read-disclosures", _AUDITORS, OVERSIGHT),
        Rule("read-legal-basis", _READERS, OWNER_AGENCY),
        Rule("read-legal-basis", _READERS, ADDRESSED_ORGANISATION),
        Rule("read-legal-basis", _READERS, CONSENT_WITHDRAWN),
        Rule("read-legal-basis", _AUDITORS, OVERSIGHT),
        Rule("read-legal-basis", _MENTEES, PERSON),
        Rule("withdraw-legal-basis", _MENTEES, PERSON),
        Rule("withdraw-legal-basis", COUNSELLORS | {Role.DPO}, OWNER_AGENCY),
        Rule("withdraw-legal-basis", COORDINATORS | {Role.DPO}, ADDRESSED_ORGANISATION),
        Rule("withdraw-legal-basis", COORDINATORS | {Role.DPO}, CONSENT_WITHDRAWN),
        Rule("read-organisation", _EVERYBODY, ANY_ORGANISATION),
        Rule("describe-organisation", _OPERATORS, PLATFORM),
        Rule(
            "describe-organisation",
            frozenset({Role.NGO_LEAD, Role.NGO_COORDINATOR, Role.AGENCY_TEAM_LEAD}),
            OWN_ORGANISATION,
        ),
        Rule("read-programme", _EVERYBODY, ANY_ORGANISATION),
        Rule("publish-programme", _OPERATORS, PLATFORM),
    ],
    [
        Denial(
            FORMER_ORGANISATION,
            _READERS,
            "ACCESS_ENDED",
            "the organisation's access to the case ended twelve weeks after its referral did",
        ),
        Denial(
            SUSPENDED_AGENCY,
            COUNSELLORS,
            "ORGANISATION_SUSPENDED",
            "the operator has suspended your organisation: it makes no new referrals; those under way continue",
        ),
    ],
    bars=BARRED,
    fields=[
        FieldRule(
            "describe-organisation",
            frozenset({EXISTENCE, "kind", "programmes", "suspended"}),
            PLATFORM,
            "FIELD_OF_THE_OPERATOR",
            "only the OPERATOR sets whether an organisation is registered, its kind, its programmes, and whether it is "
            "suspended; leave these fields out, or send them as they stand",
        )
    ],
    unconcealed=(AGENCY, SUSPENDED_AGENCY, ANY_ORGANISATION, OWN_ORGANISATION, PLATFORM),
    words={
        AGENCY: "of an agency",
        SUSPENDED_AGENCY: "of an agency that is suspended",
        OWNER_AGENCY: "of the agency that refers",
        ADDRESSED_ORGANISATION: "of the organisation that it is addressed to",
        CONSENT_WITHDRAWN: "of the organisation that it was addressed to until the person withdrew the consent",
        FORMER_ORGANISATION: "of an organisation whose access has ended",
        PERSON: "as the person whom it is about",
        OVERSIGHT: "with oversight of all organisations",
        PLATFORM: "of the platform's operator",
        OWN_ORGANISATION: "of the organisation itself",
        ANY_ORGANISATION: "of any organisation",
    },
    acts={
        "create": "making a referral",
        "read-broadcast": "reading an offer to several organisations",
        "withdraw-broadcast": "withdrawing an offer to several organisations",
        "read": "reading the referral",
        "read-record": "reading the raw record",
        "read-texts": "reading the free texts",
        "list": "listing referrals",
        "read-contact": "reading the personal data",
        "reveal-identity": "having the identity of a person revealed",
        "read-disclosures": "reading to whom data were disclosed",
        "read-legal-basis": "reading the legal basis",
        "withdraw-legal-basis": "withdrawing the legal basis",
        "read-organisation": "reading organisations",
        "describe-organisation": "describing an organisation",
        "read-programme": "reading programmes",
        "publish-programme": "publishing a version of a programme",
    },
)


class Parties(NamedTuple):
    """What decides how callers stand to a referral; a row of the index holds as much.

    `access_ends` is when the organisation's access ends, or ended; None as long as its part goes on. `anonymous`: the
    organisation does not know whose offer it is.
    """

    agency: str
    organisation: str | None
    client_ref: str | None
    consent_withdrawn: bool
    access_ends: datetime | None
    anonymous: bool = False


def relations_to_referral(caller: Caller, context: Context) -> tuple[str, ...]:
    """The caller's relations to a referral. A draft has no other party than its agency."""
    parties = _parties(context)
    return relations_of_parties(caller, parties, context.at) if parties is not None else ()


def relations_of_parties(caller: Caller, parties: Parties, at: datetime) -> tuple[str, ...]:
    """The same, at an instant, of a referral with these parties."""
    relations = []
    if caller.org == parties.agency:
        relations.append(OWNER_AGENCY)
    if caller.org == parties.organisation:
        relations.append(_addressed(parties, at))
    if caller.role is Role.AUDITOR:
        relations.append(OVERSIGHT)
    # The pseudonym is the agency's; the organisation knows it only by the offer.
    person = parties.client_ref if caller.org == parties.agency or not parties.anonymous else None
    if caller.role is Role.MENTEE and relations and person is not None and is_one_person(caller.sub, person):
        relations.append(PERSON)
    return tuple(relations)


def was_stopped(caller: Caller, action: str, relations: Collection[str]) -> bool:
    """Whether nothing keeps the caller from an action but that the person withdrew the legal basis."""
    if CONSENT_WITHDRAWN not in relations or POLICY.permits(caller, action, relations):
        return False
    return POLICY.permits(caller, action, (ADDRESSED_ORGANISATION,))


def sees_only_the_stop(relations: Collection[str]) -> bool:
    """Whether all that a caller still reads of a referral is that the person withdrew the legal basis."""
    return CONSENT_WITHDRAWN in relations and not {OWNER_AGENCY, OVERSIGHT} & set(relations)


def is_anonymous_to(relations: Collection[str], offer: Offer | None) -> bool:
    """Whether a caller is not to know whose offer it is: of several organisations that it was made to, none has won."""
    return offer is not None and offer.is_anonymous and not {OWNER_AGENCY, OVERSIGHT} & set(relations)


def relations_to_broadcast(caller: Caller, broadcast: Broadcast) -> tuple[str, ...]:
    """The caller's relations to a broadcast: the organisations that are offered something have none."""
    if broadcast.whose is None:
        return ()
    owner = (OWNER_AGENCY,) if caller.org == broadcast.whose.agency else ()
    return (*owner, OVERSIGHT) if caller.role is Role.AUDITOR else owner


def _addressed(parties: Parties, at: datetime) -> str:
    if parties.consent_withdrawn:
        return CONSENT_WITHDRAWN
    ended = parties.access_ends is not None and at >= parties.access_ends
    return FORMER_ORGANISATION if ended else ADDRESSED_ORGANISATION


def _parties(context: Context) -> Parties | None:
    referral = context.referral
    if referral.offer is None:
        return None
    reason = referral.ended_with.reason if referral.ended_with is not None else None
    return Parties(
        agency=referral.offer.agency,
        organisation=referral.offer.organisation,
        client_ref=referral.packet.client_ref if referral.packet is not None else None,
        consent_withdrawn=context.legal_basis.withdrawn_at is not None or reason == WithdrawReason.CONSENT_WITHDRAWN,
        access_ends=_access_ends(context),
        anonymous=referral.offer.is_anonymous,
    )


def _access_ends(context: Context) -> datetime | None:
    referral = context.referral
    if referral.access_ended:
        return context.at
    return referral.access.due_at if referral.access is not None else _ends_as_of_old(context)


def _ends_as_of_old(context: Context) -> datetime | None:
    """The end of the access to a referral whose end did not record it yet: in days, whatever the unit."""
    referral, version = context.referral, context.in_force
    if referral.moved is None or referral.state not in TERMINAL:
        return None
    terms = version.parameters.terms if version is not None else DEFAULT_TERMS
    return referral.moved.at + timedelta(days=terms.get(NGO_ACCESS, DEFAULT_TERMS[NGO_ACCESS]).n)


def relations_of_agency(own: Organisation) -> tuple[str, ...]:
    """The relations of an organisation's members to referrals that do not exist yet."""
    if own.description is None or own.description.kind != OrganisationKind.AGENCY:
        return (ANY_ORGANISATION,)
    return (SUSPENDED_AGENCY,) if own.description.suspended else (AGENCY,)


def relations_to_organisation(caller: Caller, organisation: str, own_kind: str) -> tuple[str, ...]:
    """The relations of a caller, whose own organisation is of `own_kind`, to an organisation that they describe.

    Only members of the platform's operator are OPERATOR of others: a role that an agency or a mentoring organisation
    gives its members makes nobody one.
    """
    relations = [ANY_ORGANISATION]
    if caller.org == organisation:
        relations.append(OWN_ORGANISATION)
    if caller.role is Role.OPERATOR and own_kind == OrganisationKind.PLATFORM_OPERATOR:
        relations.append(PLATFORM)
    return tuple(relations)
