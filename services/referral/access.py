"""Who may do and see what of referrals: the table that the one choke point reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from contracts.barred_roles import BARRED
from contracts.codes import OrganisationKind, Role, WithdrawReason
from contracts.identifiers import is_one_person
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Denial, FieldRule, Policy, Rule
from services.chassis.modelling.decider import EXISTENCE
from services.referral.domain.context import Context
from services.referral.domain.organisation import Organisation
from services.referral.domain.programme import DEFAULT_TERMS
from services.referral.domain.referral_state import TERMINAL

NGO_ACCESS: Final = "NGO_ACCESS"
AGENCY: Final = "AGENCY"
"""Somebody of an agency, as to things that do not exist yet."""
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

_COUNSELLORS = frozenset({Role.AGENCY_COUNSELLOR, Role.AGENCY_TEAM_LEAD})
_LEADS = frozenset({Role.AGENCY_TEAM_LEAD})
_COORDINATORS = frozenset({Role.NGO_COORDINATOR, Role.NGO_LEAD})
_READERS = _COUNSELLORS | _COORDINATORS | {Role.DPO}
_AUDITORS = frozenset({Role.AUDITOR})
_MENTEES = frozenset({Role.MENTEE})
_OPERATORS = frozenset({Role.OPERATOR})
_EVERYBODY = frozenset(Role) - {Role.AGENCY_CONTROL, Role.SYSTEM}

_AGENCY_COMMANDS = ("edit", "submit", "provide-information", "withdraw", "mark-error")
_ORGANISATION_COMMANDS = ("receive", "request-information", "waitlist", "accept", "decline")
COMMANDS: Final = (*_AGENCY_COMMANDS, *_ORGANISATION_COMMANDS, "confirm-error")

POLICY: Final = Policy(
    [
        Rule("create", _COUNSELLORS, AGENCY),
        *(Rule(action, _COUNSELLORS, OWNER_AGENCY) for action in _AGENCY_COMMANDS),
        Rule("confirm-error", _LEADS, OWNER_AGENCY),
        *(Rule(action, _COORDINATORS, ADDRESSED_ORGANISATION) for action in _ORGANISATION_COMMANDS),
        # The domain answers these with the rule: 403 LEGAL_BASIS_WITHDRAWN.
        *(Rule(action, _COORDINATORS, CONSENT_WITHDRAWN) for action in _ORGANISATION_COMMANDS),
        Rule("read", _READERS, OWNER_AGENCY),
        Rule("read", _READERS, ADDRESSED_ORGANISATION),
        Rule("read", _READERS, CONSENT_WITHDRAWN),
        Rule("read", _AUDITORS, OVERSIGHT),
        Rule("read-record", _READERS, OWNER_AGENCY),
        Rule("read-record", _READERS, ADDRESSED_ORGANISATION),
        Rule("read-record", _AUDITORS, OVERSIGHT),
        Rule("read-texts", _COUNSELLORS, OWNER_AGENCY),
        Rule("read-texts", _COORDINATORS, ADDRESSED_ORGANISATION),
        Rule("list", _READERS | _AUDITORS, ANY_ORGANISATION),
        Rule("read-contact", _COUNSELLORS, OWNER_AGENCY),
        Rule("read-contact", _COORDINATORS, ADDRESSED_ORGANISATION),
        Rule("read-contact", _COORDINATORS, CONSENT_WITHDRAWN),
        # To whom the person's data went, the organisations that they went to need not be told.
        Rule("read-disclosures", _COUNSELLORS | {Role.DPO}, OWNER_AGENCY),
        Rule("read-disclosures", _AUDITORS, OVERSIGHT),
        Rule("read-legal-basis", _READERS, OWNER_AGENCY),
        Rule("read-legal-basis", _READERS, ADDRESSED_ORGANISATION),
        Rule("read-legal-basis", _READERS, CONSENT_WITHDRAWN),
        Rule("read-legal-basis", _AUDITORS, OVERSIGHT),
        Rule("read-legal-basis", _MENTEES, PERSON),
        Rule("withdraw-legal-basis", _MENTEES, PERSON),
        Rule("withdraw-legal-basis", _COUNSELLORS | {Role.DPO}, OWNER_AGENCY),
        Rule("withdraw-legal-basis", _COORDINATORS | {Role.DPO}, ADDRESSED_ORGANISATION),
        Rule("withdraw-legal-basis", _COORDINATORS | {Role.DPO}, CONSENT_WITHDRAWN),
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
            _COUNSELLORS,
            "ORGANISATION_SUSPENDED",
            "the operator has suspended your organisation: it makes no new referrals; those under way go on",
        ),
    ],
    bars=BARRED,
    fields=[
        FieldRule(
            "describe-organisation",
            frozenset({EXISTENCE, "kind", "programmes", "suspended"}),
            PLATFORM,
            "FIELD_OF_THE_OPERATOR",
            "whether an organisation is registered, as what, for which programmes, and whether it is suspended, is "
            "the OPERATOR's to say; leave these fields out, or send them as they stand",
        )
    ],
    unconcealed=(AGENCY, SUSPENDED_AGENCY, ANY_ORGANISATION, OWN_ORGANISATION, PLATFORM),
)


def relations_to_referral(caller: Caller, context: Context) -> tuple[str, ...]:
    """How the caller stands to a referral. A draft has no other party than its agency."""
    offer = context.referral.offer
    if offer is None:
        return ()
    relations = []
    if caller.org == offer.agency:
        relations.append(OWNER_AGENCY)
    if caller.org == offer.organisation:
        relations.append(_addressed(context))
    if caller.role is Role.AUDITOR:
        relations.append(OVERSIGHT)
    packet = context.referral.packet
    # The pseudonym is the agency's, and the organisation's only where the offer has told it.
    if caller.role is Role.MENTEE and relations and packet is not None and is_one_person(caller.sub, packet.client_ref):
        relations.append(PERSON)
    return tuple(relations)


def _addressed(context: Context) -> str:
    referral = context.referral
    if context.legal_basis.withdrawn_at is not None or (
        referral.ended_with is not None and referral.ended_with.reason == WithdrawReason.CONSENT_WITHDRAWN
    ):
        return CONSENT_WITHDRAWN
    if referral.access_ended:
        return FORMER_ORGANISATION
    ends = referral.access.due_at if referral.access is not None else _ends_as_of_old(context)
    return FORMER_ORGANISATION if ends is not None and context.at >= ends else ADDRESSED_ORGANISATION


def _ends_as_of_old(context: Context) -> datetime | None:
    """The end of the access to a referral that ended before its end wrote that down: days, whatever the unit."""
    referral, version = context.referral, context.programme.in_force(context.at)
    if referral.moved is None or referral.state not in TERMINAL:
        return None
    terms = version.parameters.terms if version is not None else DEFAULT_TERMS
    return referral.moved.at + timedelta(days=terms.get(NGO_ACCESS, DEFAULT_TERMS[NGO_ACCESS]).n)


def relations_of_agency(own: Organisation) -> tuple[str, ...]:
    """How somebody of the organisation stands to referrals that do not exist yet: as of an agency, or not."""
    if own.description is None or own.description.kind != OrganisationKind.AGENCY:
        return (ANY_ORGANISATION,)
    return (SUSPENDED_AGENCY,) if own.description.suspended else (AGENCY,)


def relations_to_organisation(caller: Caller, organisation: str, own_kind: str) -> tuple[str, ...]:
    """How the caller, whose own organisation is of `own_kind`, stands to an organisation that is to be described.

    An operator is one of the platform's: nobody becomes the operator of others by a role that an agency or a mentoring
    organisation gives its people.
    """
    relations = [ANY_ORGANISATION]
    if caller.org == organisation:
        relations.append(OWN_ORGANISATION)
    if caller.role is Role.OPERATOR and own_kind == OrganisationKind.PLATFORM_OPERATOR:
        relations.append(PLATFORM)
    return tuple(relations)
