"""Mentor and mentee read every choice and every refusal in each of the four languages, and nothing of an account."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Final

import pytest

from contracts.casefile_codes import MenteePulseReason, MentorPulseReason, RejectReason
from services.notifications.email.texts import LANGUAGES, texts
from services.notifications.links.texts import page_texts

PULSE: Final = {*MentorPulseReason, *MenteePulseReason}
ACTS: Final = {"confirm-match", "reject-match", "record-pulse"}
ENDED: Final = {"LINK_USED", "LINK_EXPIRED", "LINK_ANSWERED", "LINK_MATCH_OVER", "LINK_CONSENT_WITHDRAWN"}
SIGN_IN: Final = {"en": "Sign in", "nl": "Meld u aan", "fr": "Connectez-vous", "de": "Melden Sie sich an"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_words(language: str) -> None:
    """No more and no fewer than the lists of codes have, and no two of a list read the same."""
    words = page_texts(language)
    assert words.pulse_reasons.keys() == PULSE
    assert words.reject_reasons.keys() == set(RejectReason)
    assert words.acts.keys() >= ACTS
    assert words.done.keys() >= ACTS
    for choices in (words.pulse_reasons, words.reject_reasons):
        assert len(set(choices.values())) == len(choices)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_without_an_account_is_told_to_sign_in(language: str) -> None:
    """Neither by a page nor by a letter."""
    words = page_texts(language)
    assert words.people_refusals.keys() >= ENDED
    said = [*words.people.values(), *words.people_refusals.values(), texts(language).footer.without_account]
    said += [text for kind in ("match", "pulse") for text in texts(language).letters[kind].paragraphs]
    assert [text for text in said if SIGN_IN[language] in text] == []


def blanks(texts_of: Mapping[str, str]) -> dict[str, set[str]]:
    """What is filled into each text."""
    return {name: {blank for _, blank, _, _ in Formatter().parse(text) if blank} for name, text in texts_of.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_is_filled_in_in_every_language(language: str) -> None:
    """So no page fails in one of them."""
    english, words = page_texts("en"), page_texts(language)
    assert blanks(words.people) == blanks(english.people)
    assert blanks(words.people_refusals) == blanks(english.people_refusals)
