"""Pages that links in letters lead to: plain HTML with forms, no script, nothing from elsewhere, no personal data."""

from __future__ import annotations

from html import escape
from typing import Final, Literal

from fastapi import Response

from services.notifications.domain.link import Link
from services.notifications.email.texts import texts
from services.notifications.links.question import answer_form, question_of
from services.notifications.links.texts import page, page_texts

Question = Literal["confirm", "unsubscribe"]

HEADERS: Final = {
    "Cache-Control": "no-store",
    # The address of the page is a secret: it goes to nobody else, and into no search engine.
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}


def html(language: str, title: str, content: str, status: int = 200) -> Response:
    """A page. `title` is plain text, `content` markup."""
    made = page().substitute(language=language, title=escape(title), content=content)
    return Response(made, status, HEADERS, "text/html; charset=utf-8")


def _paragraph(text: str, kind: str = "") -> str:
    return f"<p{f' class={kind!r}' if kind else ''}>{escape(text)}</p>"


def acting_page(
    link: Link,
    token: str,
    language: str,
    zone: str,
    organisation: str,
    notice: str | None = None,
    status: int = 200,
) -> Response:
    """What the link is good for, and the two forms: one that asks for a code, one that acts with it.

    `organisation` is its name, `notice` one of the texts' `refusals`, or `sent`.
    """
    words, issued, invitation = page_texts(language), link.issued, link.invitation
    if issued is None:
        return refused_page("NOT_FOUND", language, 404)
    question = question_of(issued.acts) if invitation is not None else "act"
    about = words.people[question] if invitation is not None else words.act["about"]
    role = words.roles[issued.role] if invitation is None else ""
    parts = [_paragraph(about.format(organisation=organisation, role=role))]
    if notice is not None:
        text = words.act["sent"] if notice == "sent" else words.refusal(notice, person=invitation is not None)
        parts.append(f'<p class="notice" role="status">{escape(text)}</p>')
    second = ' class="second"' if link.code is not None else ""
    button = f"<button{second}>{escape(words.act['send_code'])}</button>"
    asks = f'<form method="post" action="/act/{token}/code">{button}</form>'
    if link.code is None:
        parts += [_paragraph(words.act["code_why"]), asks]
    else:
        parts += [
            answer_form(invitation.side, issued.acts, token, words) if invitation else _acts(link, token, language),
            asks,
        ]
    until = words.act["until"].format(until=texts(language).time(issued.expires_at, zone))
    parts.append(f'<p class="quiet" style="margin-top:1.5rem">{escape(until)}</p>')
    return html(words.language, words.titles[question], "\n".join(parts), status)


def _acts(link: Link, token: str, language: str) -> str:
    words = page_texts(language)
    acts = link.issued.acts if link.issued is not None else ()
    choices = "".join(
        f'<label><input type="radio" name="action" value="{act}" required> {escape(words.acts[act])}</label>'
        for act in acts
    )
    reasons = "".join(f'<option value="{code}">{escape(text)}</option>' for code, text in words.reasons.items())
    return (
        f'<form method="post" action="/act/{token}">'
        f"<fieldset><legend>{escape(words.act['choose'])}</legend>{choices}</fieldset>"
        f'<p><label for="reason">{escape(words.act["reason"])}</label><select id="reason" name="reason">'
        f'<option value="">{escape(words.act["no_reason"])}</option>{reasons}</select></p>'
        f'<p><label for="code">{escape(words.act["code"])}</label><input id="code" name="code" type="text" '
        'inputmode="numeric" autocomplete="one-time-code" maxlength="12" required></p>'
        f"<button>{escape(words.act['submit'])}</button></form>"
    )


def acted_page(link: Link, language: str) -> Response:
    """What became of the act: done, refused, or not known yet."""
    words = page_texts(language)
    outcome = words.people if link.invitation is not None else words.done
    if link.used is None or link.answered is None:
        return html(words.language, words.titles["done"], _paragraph(outcome["pending"]), 202)
    if (code := link.answered.refusal) is not None:
        return html(words.language, words.titles["refused"], _paragraph(outcome["refused"].format(code=code)), 409)
    return html(words.language, words.titles["done"], _paragraph(words.done[link.used.action]))


def refused_page(code: str, language: str, status: int, detail: str = "", *, person: bool = False) -> Response:
    """Why nothing was done; in English where the texts have no sentence for the code.

    `person`: to mentor or mentee, who cannot sign in.
    """
    words = page_texts(language)
    title = words.titles["ended" if code.startswith("LINK_") or code == "NOT_FOUND" else "refused"]
    return html(words.language, title, _paragraph(words.refusal(code, detail, person=person)), status)


def asking_page(what: Question, organisation: str, action: str, language: str) -> Response:
    """What would happen, and the button that makes it happen."""
    words = page_texts(language)
    wording = words.confirm if what == "confirm" else words.unsubscribe
    form = f'<form method="post" action="{escape(action)}"><button>{escape(wording["button"])}</button></form>'
    about = _paragraph(wording["about"].format(organisation=organisation))
    return html(words.language, words.titles[what], about + form)


def answered_page(what: Question, organisation: str, language: str, *, already: bool) -> Response:
    """What has happened, or was so already."""
    words = page_texts(language)
    wording = (words.confirm if what == "confirm" else words.unsubscribe)["already" if already else "done"]
    return html(words.language, words.titles["done"], _paragraph(wording.format(organisation=organisation)))
