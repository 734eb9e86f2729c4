"""The form by which mentor or mentee answers: yes or no to a match, or how it goes, with codes as choices."""

from __future__ import annotations

from html import escape
from typing import Final, Literal

from contracts.casefile_codes import MenteePulseReason, MentorPulseReason, RejectReason, Side
from services.notifications.links.texts import PageTexts

SCORES: Final = range(1, 6)
PULSE_REASONS: Final = {
    Side.MENTOR.value: tuple(reason.value for reason in MentorPulseReason),
    Side.MENTEE.value: tuple(reason.value for reason in MenteePulseReason),
}
"""What may weigh on each side, or do it good."""
REJECT_REASONS: Final = tuple(reason.value for reason in RejectReason)


def question_of(acts: tuple[str, ...]) -> Literal["match", "pulse"]:
    """What somebody is asked who may do these."""
    return "pulse" if "record-pulse" in acts else "match"


def answer_form(side: str, acts: tuple[str, ...], token: str, words: PageTexts) -> str:
    """The form, as markup."""
    fields = _pulse(side, words) if question_of(acts) == "pulse" else _match(acts, words)
    return (
        f'<form method="post" action="/act/{token}">{fields}'
        f'<p><label for="code">{escape(words.act["code"])}</label><input id="code" name="code" type="text" '
        'inputmode="numeric" autocomplete="one-time-code" maxlength="12" required></p>'
        f"<button>{escape(words.people['submit'])}</button></form>"
    )


def _match(acts: tuple[str, ...], words: PageTexts) -> str:
    choices = "".join(
        f'<label><input type="radio" name="action" value="{act}" required> {escape(words.acts[act])}</label>'
        for act in acts
    )
    reasons = "".join(
        f'<option value="{code}">{escape(words.reject_reasons[code])}</option>' for code in REJECT_REASONS
    )
    return (
        f"<fieldset><legend>{escape(words.people['choose'])}</legend>{choices}</fieldset>"
        f'<p><label for="reason">{escape(words.people["reason"])}</label><select id="reason" name="reason">'
        f'<option value="">{escape(words.act["no_reason"])}</option>{reasons}</select></p>'
    )


def _pulse(side: str, words: PageTexts) -> str:
    scores = "".join(
        f'<label><input type="radio" name="score" value="{score}" required> {score}</label>' for score in SCORES
    )
    reasons = "".join(
        f'<label><input type="checkbox" name="reasons" value="{code}"> {escape(words.pulse_reasons[code])}</label>'
        for code in PULSE_REASONS[side]
    )
    return (
        f"<fieldset><legend>{escape(words.people['score'])}</legend>{scores}</fieldset>"
        f"<fieldset><legend>{escape(words.people['reasons'])}</legend>{reasons}</fieldset>"
    )
