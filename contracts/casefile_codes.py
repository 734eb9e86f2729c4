"""The closed code lists of the case, as they appear in requests, messages and answers (UPPER_SNAKE)."""

from enum import StrEnum
from typing import Final


class Side(StrEnum):
    """The two sides of a match."""

    MENTOR = "MENTOR"
    MENTEE = "MENTEE"


class AcknowledgingSide(StrEnum):
    """Who acknowledges a charter that changes under a running match."""

    MENTOR = "MENTOR"
    COORDINATOR = "COORDINATOR"


class OnBehalfReason(StrEnum):
    """Why somebody's yes or no is passed on by another person."""

    BY_PHONE = "BY_PHONE"
    ON_PAPER = "ON_PAPER"
    NO_ACCOUNT = "NO_ACCOUNT"
    INTERPRETER = "INTERPRETER"
    OTHER = "OTHER"


class ContactChannel(StrEnum):
    """How somebody was, or was to be, reached."""

    PHONE = "PHONE"
    EMAIL = "EMAIL"
    MESSAGE = "MESSAGE"
    LETTER = "LETTER"
    VIDEO = "VIDEO"
    IN_PERSON = "IN_PERSON"


class MatchCriterion(StrEnum):
    """What a match was made on; the decision is a human one."""

    SECTOR = "SECTOR"
    OCCUPATION = "OCCUPATION"
    GOALS = "GOALS"
    SKILLS = "SKILLS"
    LANGUAGE = "LANGUAGE"
    INTERESTS = "INTERESTS"
    EXPECTATIONS = "EXPECTATIONS"
    AVAILABILITY = "AVAILABILITY"
    REGION = "REGION"
    DIGITAL_SKILLS = "DIGITAL_SKILLS"
    AGE = "AGE"
    GENDER_PREFERENCE = "GENDER_PREFERENCE"


class RejectReason(StrEnum):
    """Why one side says no to a proposed match; it costs nobody anything."""

    NO_CLICK = "NO_CLICK"
    AVAILABILITY = "AVAILABILITY"
    LANGUAGE = "LANGUAGE"
    SECTOR = "SECTOR"
    EXPECTATIONS = "EXPECTATIONS"
    CONFLICT_OF_INTEREST = "CONFLICT_OF_INTEREST"
    PERSONAL_PREFERENCE = "PERSONAL_PREFERENCE"
    OTHER = "OTHER"


class MeetingMode(StrEnum):
    """How a meeting or check-in was held."""

    IN_PERSON = "IN_PERSON"
    VIDEO = "VIDEO"
    PHONE = "PHONE"
    ONLINE = "ONLINE"


class MeetingTopic(StrEnum):
    """What a meeting was about."""

    SECTOR_KNOWLEDGE = "SECTOR_KNOWLEDGE"
    WORK_CULTURE = "WORK_CULTURE"
    NETWORK_INTRODUCTION = "NETWORK_INTRODUCTION"
    LANGUAGE_PRACTICE = "LANGUAGE_PRACTICE"
    ENCOURAGEMENT = "ENCOURAGEMENT"
    CV_FEEDBACK = "CV_FEEDBACK"
    INTERVIEW_PRACTICE = "INTERVIEW_PRACTICE"
    SEARCH_STRATEGY = "SEARCH_STRATEGY"
    EXPECTATIONS = "EXPECTATIONS"
    OTHER = "OTHER"


class MentorPulseReason(StrEnum):
    """What weighs on a mentor, or does them good."""

    LOW_MENTEE_ENGAGEMENT = "LOW_MENTEE_ENGAGEMENT"
    NO_SHOWS = "NO_SHOWS"
    ONE_SIDED = "ONE_SIDED"
    GOAL_UNREALISTIC = "GOAL_UNREALISTIC"
    ROLE_OVERLOAD = "ROLE_OVERLOAD"
    PUBLIC_SERVICE_BLOCKER = "PUBLIC_SERVICE_BLOCKER"
    LACK_OF_SUPPORT = "LACK_OF_SUPPORT"
    SAFETY = "SAFETY"
    GOOD_CLICK = "GOOD_CLICK"
    MENTEE_ENGAGED = "MENTEE_ENGAGED"
    PROGRESS_SEEN = "PROGRESS_SEEN"
    APPRECIATED = "APPRECIATED"
    LEARNT_MYSELF = "LEARNT_MYSELF"


class MenteePulseReason(StrEnum):
    """What weighs on a mentee, or does them good."""

    NO_CLICK = "NO_CLICK"
    NO_CONTACT = "NO_CONTACT"
    PRESSURE = "PRESSURE"
    NOT_MY_SECTOR = "NOT_MY_SECTOR"
    SAFETY = "SAFETY"
    GOOD_CLICK = "GOOD_CLICK"
    NETWORK_GROWS = "NETWORK_GROWS"
    SECTOR_UNDERSTOOD = "SECTOR_UNDERSTOOD"
    CONFIDENCE_GROWS = "CONFIDENCE_GROWS"
    LANGUAGE_IMPROVES = "LANGUAGE_IMPROVES"


DOES_GOOD: Final = frozenset(
    {
        "GOOD_CLICK",
        "MENTEE_ENGAGED",
        "PROGRESS_SEEN",
        "APPRECIATED",
        "LEARNT_MYSELF",
        "NETWORK_GROWS",
        "SECTOR_UNDERSTOOD",
        "CONFIDENCE_GROWS",
        "LANGUAGE_IMPROVES",
    }
)
"""The reasons of a pulse that do somebody good; all others weigh."""


class Progress(StrEnum):
    """How far a goal has come, per type of capital."""

    LESS = "-"
    SAME = "="
    MORE = "+"


class ReportOccasion(StrEnum):
    """Why progress is reported: the date has come, or something changed."""

    SCHEDULED = "SCHEDULED"
    MATERIAL_CHANGE = "MATERIAL_CHANGE"


class SuspendReason(StrEnum):
    """Why a trajectory pauses. Illness is health data: it is PERSONAL_CIRCUMSTANCES."""

    PERSONAL_CIRCUMSTANCES = "PERSONAL_CIRCUMSTANCES"
    TEMPORARY_WORK = "TEMPORARY_WORK"
    TRAINING = "TRAINING"
    HOLIDAY = "HOLIDAY"
    MENTOR_UNAVAILABLE = "MENTOR_UNAVAILABLE"
    MENTEE_UNAVAILABLE = "MENTEE_UNAVAILABLE"
    OTHER = "OTHER"


class EndReason(StrEnum):
    """Why a match or a trajectory ends."""

    TERM_REACHED = "TERM_REACHED"
    GOAL_REACHED = "GOAL_REACHED"
    EMPLOYMENT = "EMPLOYMENT"
    TRAINING = "TRAINING"
    MENTEE_WITHDREW = "MENTEE_WITHDREW"
    MENTEE_UNREACHABLE = "MENTEE_UNREACHABLE"
    MENTOR_WITHDREW = "MENTOR_WITHDREW"
    MISMATCH = "MISMATCH"
    EXPECTATIONS_UNMET = "EXPECTATIONS_UNMET"
    NEEDS_OTHER_SUPPORT = "NEEDS_OTHER_SUPPORT"
    PERSONAL_CIRCUMSTANCES = "PERSONAL_CIRCUMSTANCES"
    MOVED = "MOVED"
    NO_LONGER_ELIGIBLE = "NO_LONGER_ELIGIBLE"
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"
    PROGRAMME_ENDED = "PROGRAMME_ENDED"
    SAFEGUARDING = "SAFEGUARDING"
    ERROR = "ERROR"
    OTHER = "OTHER"


class AfterMatch(StrEnum):
    """What follows the end of a match."""

    REMATCH = "REMATCH"
    HANDBACK = "HANDBACK"


class OpenNeed(StrEnum):
    """What the person still needs when the organisation hands back."""

    DIPLOMA_EQUIVALENCE = "DIPLOMA_EQUIVALENCE"
    RECOGNITION_FILE = "RECOGNITION_FILE"
    LANGUAGE_COURSE = "LANGUAGE_COURSE"
    TRAINING = "TRAINING"
    JOB_COACHING = "JOB_COACHING"
    COUNSELLING = "COUNSELLING"
    CAREER_ORIENTATION = "CAREER_ORIENTATION"
    CHILDCARE = "CHILDCARE"
    MOBILITY = "MOBILITY"
    DRIVING_LICENCE = "DRIVING_LICENCE"
    DIGITAL_SKILLS = "DIGITAL_SKILLS"
    INTERPRETER = "INTERPRETER"
    SOCIAL_NETWORK = "SOCIAL_NETWORK"
    OTHER = "OTHER"


class NextStep(StrEnum):
    """What is recommended, answered to a need, or decided as the next service."""

    NONE = "NONE"
    DIPLOMA_DESK = "DIPLOMA_DESK"
    JOB_COACHING = "JOB_COACHING"
    COUNSELLING = "COUNSELLING"
    LANGUAGE_COURSE = "LANGUAGE_COURSE"
    TRAINING = "TRAINING"
    BUDDY = "BUDDY"
    MENTORING_AT_WORK = "MENTORING_AT_WORK"
    NEW_REFERRAL = "NEW_REFERRAL"
    CONTINUE = "CONTINUE"
    REMATCH = "REMATCH"
    JOB_SEARCH = "JOB_SEARCH"
    SOCIAL_SERVICES = "SOCIAL_SERVICES"
    OTHER = "OTHER"


class HandbackDecision(StrEnum):
    """What the agency does with a case that it takes back."""

    CLOSE = "CLOSE"
    RE_REFER = "RE_REFER"
    OTHER_SERVICE = "OTHER_SERVICE"


class MissingItem(StrEnum):
    """What a handback report lacks."""

    OUTCOME_PER_GOAL = "OUTCOME_PER_GOAL"
    CLOSURE_REASON = "CLOSURE_REASON"
    OPEN_NEEDS = "OPEN_NEEDS"
    RECOMMENDED_NEXT_STEP = "RECOMMENDED_NEXT_STEP"


class CloseReason(StrEnum):
    """Why the agency closes a case."""

    EMPLOYMENT = "EMPLOYMENT"
    TRAINING = "TRAINING"
    CLIENT_WITHDREW = "CLIENT_WITHDREW"
    MOVED = "MOVED"
    NO_LONGER_ELIGIBLE = "NO_LONGER_ELIGIBLE"
    NO_ORGANISATION_FOUND = "NO_ORGANISATION_FOUND"
    OTHER_SERVICE = "OTHER_SERVICE"
    OTHER = "OTHER"


class OutcomePoint(StrEnum):
    """When a result is taken: at the exit, and four weeks, six and twelve months after it."""

    EXIT = "EXIT"
    W4 = "W4"
    M6 = "M6"
    M12 = "M12"


class Outcome(StrEnum):
    """What became of the person (crosswalk to the ESF+ indicators in the domain documents)."""

    EMPLOYED_STABLE = "EMPLOYED_STABLE"
    EMPLOYED_SHORT = "EMPLOYED_SHORT"
    SELF_EMPLOYED = "SELF_EMPLOYED"
    SUBSIDISED_JOB = "SUBSIDISED_JOB"
    INTERNSHIP = "INTERNSHIP"
    TRAINING = "TRAINING"
    QUALIFICATION = "QUALIFICATION"
    ACTIVE_SEARCH = "ACTIVE_SEARCH"
    IMPROVED_SITUATION = "IMPROVED_SITUATION"
    NO_CHANGE = "NO_CHANGE"
    UNKNOWN = "UNKNOWN"


class OutcomeSource(StrEnum):
    """Where an outcome is known from."""

    REGISTER = "REGISTER"
    DECLARED = "DECLARED"
    EMPLOYER_DOC = "EMPLOYER_DOC"


class WaiveReason(StrEnum):
    """Why a follow-up is not taken."""

    LOST_CONTACT = "LOST_CONTACT"
    PERSON_DECLINED = "PERSON_DECLINED"
    MOVED = "MOVED"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    OTHER = "OTHER"


class CharterRole(StrEnum):
    """The roles that the charter divides the tasks between: its four columns."""

    VOLUNTEER_MENTOR = "VOLUNTEER_MENTOR"
    PROFESSIONAL_MENTOR = "PROFESSIONAL_MENTOR"
    NGO_COORDINATOR = "NGO_COORDINATOR"
    AGENCY_COUNSELLOR = "AGENCY_COUNSELLOR"


class Verdict(StrEnum):
    """What the charter says of a role and a kind of task."""

    CARRIES = "L"
    SUPPORTS = "S"
    """May support it, under approval."""
    MUST_NOT = "X"
