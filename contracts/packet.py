"""The parts of a packet, as messages have them: the minimal data that an organisation needs to decide on an offer."""

from __future__ import annotations

from contracts.coded import CefrCode, LegalBasisCode
from contracts.message import Instant, Published


class LanguageSkill(Published, frozen=True, kw_only=True):
    """A language (BCP 47), its CEFR level and whether it was declared or tested."""

    tag: str
    level: CefrCode
    evidence: str


class Occupation(Published, frozen=True, kw_only=True):
    """An occupation: ISCO-08 code and, where known, the ESCO concept URI."""

    isco: str
    esco: str | None = None


class LegalBasisRef(Published, frozen=True, kw_only=True):
    """The legal basis that the referral rests on: for whom, in which text version and language, since when."""

    id: str
    kind: LegalBasisCode
    recipient: str
    text_version: str
    language: str
    given_at: Instant


class ParticipationChoice(Published, frozen=True, kw_only=True):
    """The jobseeker's own yes to mentoring, which is not the consent to share data."""

    chosen_at: Instant
    method: str
    language: str
