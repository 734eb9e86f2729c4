"""The codes of gaps in services: what a public service lacked, how, and where the report of it stands."""

from __future__ import annotations

from enum import StrEnum


class ServiceKind(StrEnum):
    """A service that is the public side's to give."""

    DIPLOMA_RECOGNITION_SUPPORT = "DIPLOMA_RECOGNITION_SUPPORT"
    LANGUAGE_COURSE = "LANGUAGE_COURSE"
    CHILDCARE = "CHILDCARE"
    JOB_COACHING = "JOB_COACHING"
    COUNSELLING = "COUNSELLING"
    TRAINING = "TRAINING"
    INTERPRETATION = "INTERPRETATION"
    MOBILITY_SUPPORT = "MOBILITY_SUPPORT"
    SOCIAL_BENEFITS = "SOCIAL_BENEFITS"
    INTEGRATION_SUPPORT = "INTEGRATION_SUPPORT"
    OTHER = "OTHER"


class GapType(StrEnum):
    """What is wrong with a service."""

    ABSENT = "ABSENT"
    TOO_SLOW = "TOO_SLOW"
    INACCESSIBLE = "INACCESSIBLE"
    NOT_ADAPTED = "NOT_ADAPTED"
    QUALITY = "QUALITY"


class GapState(StrEnum):
    """Whether the agency has answered."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
