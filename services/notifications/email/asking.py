"""Letters to mentor and mentee, in every language: another service posts them, in the one of its reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from contracts.letters import LetterWords
from services.chassis.mail.writing import BLANK
from services.chassis.modelling.days import USUAL_ZONE
from services.notifications.domain.link_events import Invitation
from services.notifications.email.letters import Letter, parts_of
from services.notifications.email.texts import LANGUAGES, texts


def in_every_language(letter: Callable[[str], Letter]) -> dict[str, LetterWords]:
    """What a letter says, by language."""
    written = {language: parts_of(letter(language)) for language in LANGUAGES}
    return {name: LetterWords(subject=each.subject, text=each.text, html=each.html) for name, each in written.items()}


def asking_letter(acts: tuple[str, ...], invitation: Invitation, until: datetime) -> Callable[[str], Letter]:
    """The letter that asks how a match goes, or whether it suits, with a link."""
    kind = "pulse" if "record-pulse" in acts else "match"

    def letter(language: str) -> Letter:
        values = {"organisation": invitation.asker, "until": texts(language).time(until, USUAL_ZONE)}
        return Letter(kind, language, values, link=f"{invitation.url}/act/{BLANK}", signs_in=False)

    return letter


def code_letter(language: str) -> Letter:
    """The letter with a code."""
    return Letter("code", language, {}, code=BLANK, signs_in=False)
