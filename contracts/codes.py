"""The closed code lists of the field, as they appear in requests, messages and answers (UPPER_SNAKE)."""

from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """The roles that a token may carry."""

    AGENCY_COUNSELLOR = "AGENCY_COUNSELLOR"
    AGENCY_TEAM_LEAD = "AGENCY_TEAM_LEAD"
    AGENCY_CONTROL = "AGENCY_CONTROL"
    NGO_COORDINATOR = "NGO_COORDINATOR"
    NGO_LEAD = "NGO_LEAD"
    VOLUNTEER_MENTOR = "VOLUNTEER_MENTOR"
    PROFESSIONAL_MENTOR = "PROFESSIONAL_MENTOR"
    MENTEE = "MENTEE"
    DPO = "DPO"
    AUDITOR = "AUDITOR"
    OPERATOR = "OPERATOR"
    SYSTEM = "SYSTEM"


class OrganisationKind(StrEnum):
    """What an organisation is."""

    AGENCY = "AGENCY"
    MENTORING_ORG = "MENTORING_ORG"
    AUDIT_BODY = "AUDIT_BODY"
    PLATFORM_OPERATOR = "PLATFORM_OPERATOR"


class ReferralState(StrEnum):
    """Where a referral stands (crosswalk to FHIR Task status in the domain documents)."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    RECEIVED = "RECEIVED"
    INFO_REQUESTED = "INFO_REQUESTED"
    WAITLISTED = "WAITLISTED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    COMPLETED = "COMPLETED"
    ENTERED_IN_ERROR = "ENTERED_IN_ERROR"


class CaseState(StrEnum):
    """Where a case stands."""

    OPENED = "OPENED"
    REFERRED = "REFERRED"
    INTAKE = "INTAKE"
    MATCHING = "MATCHING"
    MATCH_PROPOSED = "MATCH_PROPOSED"
    MENTORING = "MENTORING"
    SUSPENDED = "SUSPENDED"
    HANDBACK_DUE = "HANDBACK_DUE"
    HANDBACK_REQUESTED = "HANDBACK_REQUESTED"
    CLOSED = "CLOSED"
    FINALISED = "FINALISED"


class Step(StrEnum):
    """A step of a case that somebody owns while it is open."""

    REFERRAL_ANSWER = "REFERRAL_ANSWER"
    FIRST_CONTACT = "FIRST_CONTACT"
    INTAKE = "INTAKE"
    MATCHING = "MATCHING"
    MATCH_CONFIRMATION = "MATCH_CONFIRMATION"
    AGREEMENT = "AGREEMENT"
    MENTORING = "MENTORING"
    CHECK_IN = "CHECK_IN"
    PROGRESS_REPORT = "PROGRESS_REPORT"
    ESCALATION = "ESCALATION"
    SUSPENSION_REVIEW = "SUSPENSION_REVIEW"
    HANDBACK_REPORT = "HANDBACK_REPORT"
    HANDBACK_ACKNOWLEDGEMENT = "HANDBACK_ACKNOWLEDGEMENT"
    NEXT_SERVICE = "NEXT_SERVICE"
    SERVICE_GAP_ANSWER = "SERVICE_GAP_ANSWER"
    CHARTER_ACKNOWLEDGEMENT = "CHARTER_ACKNOWLEDGEMENT"
    OUTCOME_FOLLOW_UP = "OUTCOME_FOLLOW_UP"


class CapitalType(StrEnum):
    """The five kinds of capital that mentoring adds; every goal is typed by one."""

    SOCIAL = "SOCIAL"
    CULTURAL = "CULTURAL"
    INFORMATIONAL = "INFORMATIONAL"
    LINGUISTIC = "LINGUISTIC"
    PSYCHOLOGICAL = "PSYCHOLOGICAL"


class CefrLevel(StrEnum):
    """Language level of the Common European Framework of Reference."""

    PRE_A1 = "PRE_A1"
    A1 = "A1"
    A2 = "A2"
    B1 = "B1"
    B2 = "B2"
    C1 = "C1"
    C2 = "C2"


class CefrSkill(StrEnum):
    """What the framework's self-assessment grid gives a level for."""

    LISTENING = "LISTENING"
    READING = "READING"
    SPOKEN_INTERACTION = "SPOKEN_INTERACTION"
    SPOKEN_PRODUCTION = "SPOKEN_PRODUCTION"
    WRITING = "WRITING"


class WhyMentoring(StrEnum):
    """Why a mentor rather than a public service."""

    ADDED_CAPITAL = "ADDED_CAPITAL"
    SERVICE_GAP = "SERVICE_GAP"


class Alternative(StrEnum):
    """What the counsellor considered instead of mentoring."""

    JOB_COACHING = "JOB_COACHING"
    COUNSELLING = "COUNSELLING"
    LANGUAGE_COURSE = "LANGUAGE_COURSE"
    TRAINING = "TRAINING"
    BUDDY = "BUDDY"
    NONE_AVAILABLE = "NONE_AVAILABLE"


class MentorKind(StrEnum):
    """Volunteer and professional mentoring are two different charters."""

    VOLUNTEER = "VOLUNTEER"
    PROFESSIONAL = "PROFESSIONAL"


class SupportNeed(StrEnum):
    """What else the jobseeker needs that the organisation should know."""

    CHILDCARE = "CHILDCARE"
    MOBILITY = "MOBILITY"
    DIGITAL_SKILLS = "DIGITAL_SKILLS"
    RECOGNITION_FILE = "RECOGNITION_FILE"
    INTERPRETER = "INTERPRETER"
    DRIVING_LICENCE = "DRIVING_LICENCE"
    CAREER_ORIENTATION = "CAREER_ORIENTATION"


class Unreachable(StrEnum):
    """Why there is no way to reach a person directly."""

    THROUGH_COUNSELLOR = "THROUGH_COUNSELLOR"
    ADDRESS_PROTECTED = "ADDRESS_PROTECTED"
    NO_DEVICE = "NO_DEVICE"


class Question(StrEnum):
    """What an organisation may ask about a referral."""

    LANGUAGE_LEVEL = "LANGUAGE_LEVEL"
    OCCUPATION = "OCCUPATION"
    AVAILABILITY = "AVAILABILITY"
    CONTACT_CHANNEL = "CONTACT_CHANNEL"
    CURRENT_PROGRAMMES = "CURRENT_PROGRAMMES"
    WORK_EXPERIENCE = "WORK_EXPERIENCE"
    EXPECTATIONS = "EXPECTATIONS"


class LegalBasisKind(StrEnum):
    """On what the sharing of data rests (GDPR Art. 6(1))."""

    PUBLIC_TASK = "PUBLIC_TASK"
    LEGAL_OBLIGATION = "LEGAL_OBLIGATION"
    CONSENT = "CONSENT"
    CONTRACT = "CONTRACT"


class WaitlistReason(StrEnum):
    """Why a referral waits."""

    NO_SUITABLE_MENTOR = "NO_SUITABLE_MENTOR"
    CAPACITY_FULL = "CAPACITY_FULL"


class DeclineReason(StrEnum):
    """Why an organisation declines."""

    NOT_REACHABLE = "NOT_REACHABLE"
    NO_SHOW = "NO_SHOW"
    IN_EMPLOYMENT = "IN_EMPLOYMENT"
    IN_TRAINING = "IN_TRAINING"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    LANGUAGE_INSUFFICIENT = "LANGUAGE_INSUFFICIENT"
    NO_OCCUPATIONAL_PROJECT = "NO_OCCUPATIONAL_PROJECT"
    NOT_MOBILE = "NOT_MOBILE"
    NOT_INTERESTED = "NOT_INTERESTED"
    OTHER_BARRIERS_FIRST = "OTHER_BARRIERS_FIRST"
    CAPACITY_FULL = "CAPACITY_FULL"
    NO_SUITABLE_MENTOR = "NO_SUITABLE_MENTOR"
    DUPLICATE = "DUPLICATE"
    CONCURRENT_PROGRAMME = "CONCURRENT_PROGRAMME"
    PACKET_INCOMPLETE = "PACKET_INCOMPLETE"
    OUT_OF_CHARTER = "OUT_OF_CHARTER"
    OTHER = "OTHER"


class AgencyAction(StrEnum):
    """What a decline proposes to the agency; the counsellor decides."""

    CONTACT_CLIENT = "CONTACT_CLIENT"
    CLOSE_CASE = "CLOSE_CASE"
    CHECK_ELIGIBILITY = "CHECK_ELIGIBILITY"
    REFER_TO_OTHER_ORGANISATION = "REFER_TO_OTHER_ORGANISATION"
    OFFER_ORIENTATION = "OFFER_ORIENTATION"
    OFFER_OTHER_SERVICE = "OFFER_OTHER_SERVICE"
    REMOVE_BARRIERS_FIRST = "REMOVE_BARRIERS_FIRST"
    CHECK_DUPLICATE = "CHECK_DUPLICATE"
    COMPLETE_PACKET = "COMPLETE_PACKET"
    PROVIDE_PUBLIC_SERVICE = "PROVIDE_PUBLIC_SERVICE"
    CONSULT_ORGANISATION = "CONSULT_ORGANISATION"


class DeclineRule(NamedTuple):
    """What a reason for declining implies: whether mentoring may be tried again, and what the agency may do next."""

    re_referable: bool
    agency_action: AgencyAction


DECLINE_RULES: dict[DeclineReason, DeclineRule] = {
    DeclineReason.NOT_REACHABLE: DeclineRule(True, AgencyAction.CONTACT_CLIENT),
    DeclineReason.NO_SHOW: DeclineRule(True, AgencyAction.CONTACT_CLIENT),
    DeclineReason.IN_EMPLOYMENT: DeclineRule(False, AgencyAction.CLOSE_CASE),
    DeclineReason.IN_TRAINING: DeclineRule(False, AgencyAction.CLOSE_CASE),
    DeclineReason.NOT_ELIGIBLE: DeclineRule(False, AgencyAction.CHECK_ELIGIBILITY),
    DeclineReason.LANGUAGE_INSUFFICIENT: DeclineRule(True, AgencyAction.REFER_TO_OTHER_ORGANISATION),
    DeclineReason.NO_OCCUPATIONAL_PROJECT: DeclineRule(True, AgencyAction.OFFER_ORIENTATION),
    DeclineReason.NOT_MOBILE: DeclineRule(True, AgencyAction.REFER_TO_OTHER_ORGANISATION),
    DeclineReason.NOT_INTERESTED: DeclineRule(False, AgencyAction.OFFER_OTHER_SERVICE),
    DeclineReason.OTHER_BARRIERS_FIRST: DeclineRule(True, AgencyAction.REMOVE_BARRIERS_FIRST),
    DeclineReason.CAPACITY_FULL: DeclineRule(True, AgencyAction.REFER_TO_OTHER_ORGANISATION),
    DeclineReason.NO_SUITABLE_MENTOR: DeclineRule(True, AgencyAction.REFER_TO_OTHER_ORGANISATION),
    DeclineReason.DUPLICATE: DeclineRule(False, AgencyAction.CHECK_DUPLICATE),
    DeclineReason.CONCURRENT_PROGRAMME: DeclineRule(False, AgencyAction.CHECK_ELIGIBILITY),
    DeclineReason.PACKET_INCOMPLETE: DeclineRule(True, AgencyAction.COMPLETE_PACKET),
    DeclineReason.OUT_OF_CHARTER: DeclineRule(False, AgencyAction.PROVIDE_PUBLIC_SERVICE),
    DeclineReason.OTHER: DeclineRule(True, AgencyAction.CONSULT_ORGANISATION),
}


class WithdrawReason(StrEnum):
    """Why a referral is withdrawn. `SYSTEM_WITHDRAW_REASONS` are recorded by the system and accepted from nobody."""

    CLIENT_IN_EMPLOYMENT = "CLIENT_IN_EMPLOYMENT"
    CLIENT_IN_TRAINING = "CLIENT_IN_TRAINING"
    CLIENT_WITHDREW = "CLIENT_WITHDREW"
    CLIENT_MOVED = "CLIENT_MOVED"
    NO_LONGER_ELIGIBLE = "NO_LONGER_ELIGIBLE"
    OTHER_ORGANISATION_CHOSEN = "OTHER_ORGANISATION_CHOSEN"
    OTHER = "OTHER"
    DRAFT_LAPSED = "DRAFT_LAPSED"
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"


SYSTEM_WITHDRAW_REASONS = frozenset({WithdrawReason.DRAFT_LAPSED, WithdrawReason.CONSENT_WITHDRAWN})


class Closure(StrEnum):
    """How the loop of an accepted referral was closed."""

    HANDBACK_ACCEPTED = "HANDBACK_ACCEPTED"
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"


class Reliance(StrEnum):
    """For what a referral relied on its legal basis; each entry begins or continues a disclosure."""

    SUBMIT = "SUBMIT"
    PROVIDE_INFORMATION = "PROVIDE_INFORMATION"
    ACCEPT = "ACCEPT"


class ProgrammeKind(StrEnum):
    """What kind of support a programme gives. Only MENTORING_TO_WORK is referred to; the others are onward services."""

    MENTORING_TO_WORK = "MENTORING_TO_WORK"
    BUDDY = "BUDDY"
    JOB_COACHING = "JOB_COACHING"
    COUNSELLING = "COUNSELLING"
    MENTORING_AT_WORK = "MENTORING_AT_WORK"


class TermUnit(StrEnum):
    """In what a term is counted: calendar days, or working days of the programme's calendar."""

    DAYS = "DAYS"
    WORKING_DAYS = "WORKING_DAYS"


class DeadlineName(StrEnum):
    """The deadlines of a referral, as events, messages and answers name them."""

    DRAFT_LAPSE = "DRAFT_LAPSE"
    RECEIPT = "RECEIPT"
    DECISION = "DECISION"
    EXPIRY = "EXPIRY"
    INFORMATION = "INFORMATION"
    WAITLIST_REVIEW = "WAITLIST_REVIEW"
