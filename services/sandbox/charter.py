"""The demo's charter of roles: the one that docs/domain.md proposes, as the data that an operator enters."""

from __future__ import annotations

from typing import Any, Final

VERSION: Final = "v1"
_ROLES: Final = ("VOLUNTEER_MENTOR", "PROFESSIONAL_MENTOR", "NGO_COORDINATOR", "AGENCY_COUNSELLOR")
_TABLE: Final = """
ELIGIBILITY_DECISION REFERRAL_DECISION                                                       X X X L
BENEFIT_CONTROL SANCTION_REPORT                                                              X X X X STATUTORY_UNIT
STATUTORY_PLAN VACANCY_REFERRAL TRAINING_ASSIGNMENT                                          X S X L
LEGAL_BASIS_RECORDING                                                                        X X S L
INTAKE MATCHING MENTOR_SCREENING MENTOR_TRAINING CHECK_IN                                    X X L X
SECTOR_KNOWLEDGE WORK_CULTURE NETWORK_INTRODUCTION LANGUAGE_PRACTICE ENCOURAGEMENT           L L S X
CV_FEEDBACK INTERVIEW_PRACTICE SEARCH_STRATEGY                                               L L S L
DIPLOMA_RECOGNITION_FILE                                                                     X L S L
ACCOMPANY_TO_AUTHORITY                                                                       S L S X
EMPLOYER_MEDIATION IN_JOB_SUPPORT                                                            S L L L
INTERPRETING_OFFICIAL LEGAL_ADVICE THERAPY DEBT_HELP MONEY                                   X X X X SPECIALIST
SOCIAL_BENEFIT_APPLICATION CHILDCARE_SEARCH                                                  X S S L
OUTCOME_REGISTRATION                                                                         X X S L
SAFEGUARDING_REPORT                                                                          L L L L
"""
"""Kinds of task, the verdict for each role in the order of `_ROLES`, and where a task is referred to."""


def _rules() -> list[dict[str, Any]]:
    rules = []
    for line in _TABLE.strip().splitlines():
        words = line.split()
        first = next(place for place, word in enumerate(words) if len(word) == 1)
        verdicts, refer = words[first : first + len(_ROLES)], words[first + len(_ROLES) :]
        for task in words[:first]:
            rule = {"task": task, "roles": dict(zip(_ROLES, verdicts, strict=True))}
            rules.append(rule | ({"refer": refer[0]} if refer else {}))
    return rules


CHARTER: Final[dict[str, Any]] = {"validFrom": "2026-01-01", "tasks": _rules()}
