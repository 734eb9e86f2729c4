"""Who may do and see what of cases and mentors: the table of access, for commands as their rows say it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from contracts.barred_roles import BARRED
from contracts.codes import OrganisationKind, Role
from contracts.identifiers import is_one_person
from contracts.staff import AGENCY_LEADS, COORDINATORS, COUNSELLORS, LEADS, MENTORS, ORGANISATION_LEADS
from services.casefile.action_rows import MENTEES
from services.casefile.actions import ACTIONS
from services.casefile.domain.disclosure import was_mentor_when_stopped
from services.casefile.domain.open_matters import Gap
from services.casefile.domain.state import Case, MentorAccess
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Denial, Policy, Rule

OWNER_AGENCY: Final = "OWNER_AGENCY"
ADDRESSED_ORGANISATION: Final = "ADDRESSED_ORGANISATION"
FORMER_ORGANISATION: Final = "FORMER_ORGANISATION"
"""Its referral ended, its access has not."""
CONSENT_WITHDRAWN: Final = "CONSENT_WITHDRAWN"
"""The person withdrew the legal basis of its referral: only the stop remains visible."""
ACCESS_ENDED: Final = "ACCESS_ENDED"
MATCHED_MENTOR: Final = "MATCHED_MENTOR"
FORMER_MENTOR: Final = "FORMER_MENTOR"
"""The match has ended, and the time in which its mentor may still read it has not."""
STOPPED_MENTOR: Final = "STOPPED_MENTOR"
"""The mentor whose match ended when the person withdrew the legal basis."""
STOPPED: Final = frozenset({CONSENT_WITHDRAWN, STOPPED_MENTOR})
MENTEE_OF_CASE: Final = "MENTEE_OF_CASE"
OVERSIGHT: Final = "OVERSIGHT"
ANY_ORGANISATION: Final = "ANY_ORGANISATION"
OWN_ORGANISATION: Final = "OWN_ORGANISATION"
ONESELF: Final = "ONESELF"
"""The person who is, or will be, away."""
REPORTER: Final = "REPORTER"
"""A mentor reported the gap, and the mentor's organisation still reads it."""
PLATFORM: Final = "PLATFORM"
"""A member of the platform's operator."""
PARTY_AGENCY: Final = "PARTY_AGENCY"
PARTY_ORGANISATION: Final = "PARTY_ORGANISATION"
"""A member of an agency, or of a mentoring organisation: both are parties to the charter."""

_READERS = COUNSELLORS | COORDINATORS | {Role.DPO}
_AUDITORS = frozenset({Role.AUDITOR})
_OVERSEERS = _AUDITORS | {Role.DPO}
_OPERATORS = frozenset({Role.OPERATOR})

_STAND_AS: Final[Mapping[frozenset[Role], tuple[str, ...]]] = {
    COUNSELLORS: (OWNER_AGENCY,),
    # The domain answers former parties with the rule that ended their part: 403 with its code.
    COORDINATORS: (ADDRESSED_ORGANISATION, FORMER_ORGANISATION, CONSENT_WITHDRAWN),
    MENTORS: (MATCHED_MENTOR, STOPPED_MENTOR),
    MENTEES: (MENTEE_OF_CASE,),
}
"""How those who give commands stand to the case."""
_REFUSED_LATER: Final = frozenset({FORMER_ORGANISATION, CONSENT_WITHDRAWN, STOPPED_MENTOR})
_REPORT_ROWS: Final = "read-report-rows"
"""Refuses nobody: rows are left out."""
_READS = ("read", "read-timeline", "read-responsibility", "read-record", "read-bundle")

POLICY: Final = Policy(
    [
        *(
            Rule(action.name, action.roles & roles, relation, refused_later=relation in _REFUSED_LATER)
            for action in ACTIONS.values()
            for roles, relations in _STAND_AS.items()
            if action.roles & roles
            for relation in relations
        ),
        *(
            Rule(action, _READERS, relation)
            for action in _READS
            for relation in (OWNER_AGENCY, ADDRESSED_ORGANISATION, FORMER_ORGANISATION, CONSENT_WITHDRAWN)
        ),
        *(Rule(action, _AUDITORS, OVERSIGHT) for action in _READS),
        # Why something was corrected is for the parties who read the case; other texts are for those who work on it.
        # None is for auditors: what people write is about people.
        *(
            Rule("read-corrections", _READERS, relation)
            for relation in (OWNER_AGENCY, ADDRESSED_ORGANISATION, FORMER_ORGANISATION)
        ),
        Rule("read-texts", COUNSELLORS, OWNER_AGENCY),
        Rule("read-texts", COORDINATORS, ADDRESSED_ORGANISATION),
        Rule("read", MENTORS, MATCHED_MENTOR),
        Rule("read", MENTORS, FORMER_MENTOR),
        Rule("read", MENTEES, MENTEE_OF_CASE),
        Rule("list", _READERS | _AUDITORS, ANY_ORGANISATION),
        Rule("read-worklist", COUNSELLORS | COORDINATORS | MENTORS | MENTEES, ANY_ORGANISATION),
        *(
            Rule("read-gap", _READERS, relation)
            for relation in (OWNER_AGENCY, ADDRESSED_ORGANISATION, FORMER_ORGANISATION)
        ),
        Rule("read-gap", _AUDITORS, OVERSIGHT),
        Rule("read-gap", MENTORS, REPORTER),
        *(
            Rule("read-gap-words", _READERS, relation)
            for relation in (OWNER_AGENCY, ADDRESSED_ORGANISATION, FORMER_ORGANISATION)
        ),
        Rule("read-gap-words", MENTORS, REPORTER),
        Rule("list-gaps", _READERS | _AUDITORS | MENTORS, ANY_ORGANISATION),
        # Whose rows a report shows depends on the caller (`services.casefile.reports.answers`).
        Rule("read-report", _AUDITORS | LEADS, ANY_ORGANISATION),
        # A row of a case shows an organisation no more than the case does: nothing once its access has ended.
        *(
            Rule(_REPORT_ROWS, ORGANISATION_LEADS, relation)
            for relation in (ADDRESSED_ORGANISATION, FORMER_ORGANISATION)
        ),
        # Of a case from end to end, whichever organisations it was with.
        Rule("read-report-across", _AUDITORS | AGENCY_LEADS, ANY_ORGANISATION),
        # A moment that is over is for those who read the whole of today's case; a pair reads today's alone.
        *(
            Rule("read-at", _READERS, relation)
            for relation in (OWNER_AGENCY, ADDRESSED_ORGANISATION, FORMER_ORGANISATION, CONSENT_WITHDRAWN)
        ),
        Rule("read-at", _AUDITORS, OVERSIGHT),
        Rule("read-as", _AUDITORS, OVERSIGHT),
        # Of a case from end to end: an organisation's own data protection officer sees a part of it alone.
        Rule("list-questions", _OVERSEERS, ANY_ORGANISATION),
        Rule("ask-question", _AUDITORS, OVERSIGHT),
        Rule("ask-question", frozenset({Role.DPO}), OWNER_AGENCY),
        Rule("read-accesses", _AUDITORS, OVERSIGHT),
        Rule("read-accesses", frozenset({Role.DPO}), OWNER_AGENCY),
        Rule("describe-mentor", COORDINATORS, OWN_ORGANISATION),
        Rule("read-mentor", COORDINATORS | {Role.DPO}, OWN_ORGANISATION),
        Rule("read-mentor", _AUDITORS, OVERSIGHT),
        Rule("name-substitute", COUNSELLORS | COORDINATORS, ONESELF),
        Rule("name-substitute", LEADS, OWN_ORGANISATION),
        Rule("read-absence", _READERS, OWN_ORGANISATION),
        Rule("read-absence", _AUDITORS, OVERSIGHT),
        Rule("read-charter", frozenset(Role) - {Role.AGENCY_CONTROL, Role.SYSTEM}, ANY_ORGANISATION),
        Rule("write-charter", _OPERATORS, PLATFORM),
        Rule("sign-charter", AGENCY_LEADS, PARTY_AGENCY),
        Rule("sign-charter", ORGANISATION_LEADS, PARTY_ORGANISATION),
    ],
    [
        Denial(
            ACCESS_ENDED,
            _READERS,
            "ACCESS_ENDED",
            "the organisation's access to the case ended twelve weeks after its part in it",
        )
    ],
    bars=BARRED,
    unconcealed=(ANY_ORGANISATION, OWN_ORGANISATION, ONESELF, PLATFORM, PARTY_AGENCY, PARTY_ORGANISATION),
    words={
        OWNER_AGENCY: "of the agency whose case it is",
        ADDRESSED_ORGANISATION: "of the organisation that the case is offered to, or is with",
        FORMER_ORGANISATION: "of an organisation whose part in the case is over",
        CONSENT_WITHDRAWN: "of an organisation whose part ended when the person withdrew the consent",
        ACCESS_ENDED: "of an organisation whose access to the case has ended",
        MATCHED_MENTOR: "as the mentor of the match",
        FORMER_MENTOR: "as the mentor of a match that is over",
        STOPPED_MENTOR: "as the mentor whose match ended when the person withdrew the consent",
        MENTEE_OF_CASE: "as the person whom the case is about",
        OVERSIGHT: "with oversight of all organisations",
        ANY_ORGANISATION: "of any organisation",
        OWN_ORGANISATION: "of the same organisation",
        ONESELF: "for themselves",
        REPORTER: "as the mentor who reported the gap",
        PLATFORM: "of the platform's operator",
        PARTY_AGENCY: "of an agency",
        PARTY_ORGANISATION: "of a mentoring organisation",
    },
    acts={
        "read": "reading the case",
        "read-timeline": "reading the timeline",
        "read-responsibility": "reading who is responsible",
        "read-record": "reading the raw record",
        "read-bundle": "taking away what proves a case",
        "read-corrections": "reading the texts of a case",
        "read-texts": "reading the free texts",
        "list": "listing cases",
        "read-worklist": "reading a worklist",
        "read-gap": "reading a gap in services",
        "read-gap-words": "reading the words about a gap in services",
        "list-gaps": "listing gaps in services",
        "read-report": "reading reports",
        _REPORT_ROWS: "reading the rows of a report",
        "read-report-across": "reading reports over all organisations",
        "read-at": "reading the case as of a moment",
        "read-as": "reading a case as an organisation saw it",
        "list-questions": "asking questions of auditors",
        "ask-question": "asking a question of a case",
        "read-accesses": "reading who has read the case",
        "describe-mentor": "describing a mentor",
        "read-mentor": "reading the mentors of an organisation",
        "name-substitute": "naming a substitute",
        "read-absence": "reading who is away",
        "read-charter": "reading the charter",
        "write-charter": "writing a version of the charter",
        "sign-charter": "signing the charter",
    },
)


def was_stopped(caller: Caller, action: str, relations: Collection[str]) -> bool:
    """Whether nothing keeps the caller from an action but that the person withdrew the legal basis."""
    if STOPPED.isdisjoint(relations) or POLICY.permits(caller, action, relations):
        return False
    return POLICY.permits(caller, action, (MATCHED_MENTOR if STOPPED_MENTOR in relations else ADDRESSED_ORGANISATION,))


def relations_to_case(caller: Caller, case: Case, reads_at: datetime | None = None) -> tuple[str, ...]:
    """How the caller stands to a case. `reads_at` is when a caller reads it who only may do so for a time."""
    if case.state is None:
        return ()
    # Mentors and mentees stand to a case as themselves, never as their organisation.
    if caller.role in MENTORS:
        matched = case.match is not None and (caller.org, caller.sub) == (case.organisation, case.match.mentor)
        if matched:
            return (MATCHED_MENTOR,)
        if was_mentor_when_stopped(case, caller.org, caller.sub, reads_at):
            return (STOPPED_MENTOR,)
        return (FORMER_MENTOR,) if reads_at is not None and still_reads(caller, case, reads_at) is not None else ()
    if caller.role is Role.MENTEE:
        # The pseudonym is the agency's: that of another agency is another person.
        known_here = caller.org in (case.agency, case.organisation)
        return (MENTEE_OF_CASE,) if known_here and is_one_person(caller.sub, case.client_ref) else ()
    return relations_of_row(caller, case.agency, caller.org, standing_of(caller.org, case))


def relations_of_row(caller: Caller, agency: str, organisation: str | None, standing: str | None) -> tuple[str, ...]:
    """How a caller who is neither mentor nor mentee stands to a case, by what the index knows of it.

    `standing` is that of the `organisation`, as `standing_of` has it.
    """
    relations = []
    if caller.org == agency:
        relations.append(OWNER_AGENCY)
    if caller.role is Role.AUDITOR:
        relations.append(OVERSIGHT)
    if standing is not None and caller.org == organisation:
        relations.append(standing)
    return tuple(relations)


def standing_of(organisation: str, case: Case) -> str | None:
    """How an organisation stands to a case; of several parts that it had, the one that shows most counts."""
    parts = [access for access in case.accesses if access.organisation == organisation]
    if not parts:
        return None
    if any(part.ended is None and not part.closed for part in parts):
        return ADDRESSED_ORGANISATION
    if any(not part.closed for part in parts):
        return FORMER_ORGANISATION
    return CONSENT_WITHDRAWN if parts[-1].ended == "CONSENT_WITHDRAWN" else ACCESS_ENDED


def standings_in_reports(caller: Caller) -> frozenset[str]:
    """How the caller's organisation may stand to a case whose rows reports show them."""
    # Whose access has ended may do nothing at all.
    how = (ADDRESSED_ORGANISATION, FORMER_ORGANISATION, CONSENT_WITHDRAWN)
    return frozenset(standing for standing in how if POLICY.permits(caller, _REPORT_ROWS, (standing,)))


def still_reads(mentor: Caller, case: Case, at: datetime) -> MentorAccess | None:
    """By what a mentor reads a match that has ended, the latest one; None from the end of that time on.

    Nobody reads longer than the organisation that they were a mentor of.
    """
    return next(
        (
            access
            for access in reversed(case.mentor_accesses)
            if (access.organisation, access.mentor) == (mentor.org, mentor.sub)
            and at < access.expires.due_at
            and _is_open(case, access.referral)
        ),
        None,
    )


def _is_open(case: Case, referral: str | None) -> bool:
    return any(access.referral == referral and not access.closed for access in case.accesses)


def reads_gap(case: Case, gap: Gap) -> bool:
    """Whether the organisation that a gap was reported with still reads it: as long as its referral gives it access."""
    return _is_open(case, gap.referral)


def relations_to_gap(caller: Caller, case: Case, gap: Gap) -> tuple[str, ...]:
    """How the caller stands to a gap of a case: as to the case, but for an organisation that was not there then.

    A mentor stands to the own gaps, also once the match is over.
    """
    if caller.role in MENTORS:
        own = (gap.reported_by.org, gap.reported_by.sub) == (caller.org, caller.sub) and reads_gap(case, gap)
        return (REPORTER,) if own else ()
    related = relations_to_case(caller, case)
    if caller.org in (case.agency, gap.organisation):
        return related
    return (OVERSIGHT,) if OVERSIGHT in related else ()


def relations_to_mentors(caller: Caller, organisation: str) -> tuple[str, ...]:
    """How the caller stands to the mentors of an organisation. Mentors themselves and agencies have no part in them."""
    relations = []
    if caller.org == organisation:
        relations.append(OWN_ORGANISATION)
    if caller.role is Role.AUDITOR:
        relations.append(OVERSIGHT)
    return tuple(relations)


def relations_to_absence(caller: Caller, organisation: str, sub: str | None = None) -> tuple[str, ...]:
    """How the caller stands to the absence of a member of an organisation's staff; without a `sub`, of all of them."""
    relations = relations_to_mentors(caller, organisation)
    return (ONESELF, *relations) if (caller.org, caller.sub) == (organisation, sub) else relations


def relations_to_charter(own_kind: str | None) -> tuple[str, ...]:
    """How a caller whose own organisation is of `own_kind` stands to the charter.

    Only members of the platform's operator write it: a role that an agency or a mentoring organisation gives its
    members makes nobody one.
    """
    relations = [ANY_ORGANISATION]
    if own_kind == OrganisationKind.PLATFORM_OPERATOR:
        relations.append(PLATFORM)
    if own_kind == OrganisationKind.AGENCY:
        relations.append(PARTY_AGENCY)
    if own_kind == OrganisationKind.MENTORING_ORG:
        relations.append(PARTY_ORGANISATION)
    return tuple(relations)
