"""Writes letters: subject, a text part and an HTML part that say the same.

A letter holds no personal data: what happened, to whose organisation, and a link. Who signs in reads the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from textwrap import fill
from typing import Final, NamedTuple

from services.chassis.mail.writing import Parts
from services.notifications.email.texts import Texts, page, texts

WIDTH: Final = 72
MOST_LINES: Final = 50
"""Events that a digest names; it says how many more there are."""

_PARAGRAPH: Final = '<p style="margin:0 0 14px">{}</p>'
_SMALL: Final = '<p style="margin:0 0 6px">{}</p>'
_BUTTON: Final = (
    '<p style="margin:22px 0"><a class="button" href="{link}" style="display:inline-block;background:#0b5cad;'
    'color:#ffffff;padding:12px 22px;border-radius:6px;text-decoration:none;font-weight:600">{name}</a></p>'
)
_LINK: Final = '<a href="{link}" style="color:#0b5cad;word-break:break-all">{name}</a>'
_CODE: Final = (
    '<p style="margin:22px 0;font-family:Consolas,Menlo,monospace;font-size:28px;font-weight:700;'
    'letter-spacing:3px">{}</p>'
)


class Line(NamedTuple):
    """An event in a digest: what happened, when, and where to read of it."""

    what: str
    at: str
    link: str


class Letter(NamedTuple):
    """What a letter says. `kind` is one of the texts' `letters`, and `values` fill in their words.

    `organisation` is the one that subscribed the address, by the name that people know; None leaves the line out.
    `unsubscribe` is where the address is taken off the list at once, by a POST.
    """

    kind: str
    language: str | None
    values: Mapping[str, str]
    link: str | None = None
    lines: Sequence[Line] = ()
    code: str | None = None
    organisation: str | None = None
    unsubscribe: str | None = None
    signs_in: bool = True
    """Whether its reader has an account."""


def parts_of(letter: Letter) -> Parts:
    """What a letter says, in the words of its language."""
    words = texts(letter.language)
    subject = words.letters[letter.kind].subject.format_map(letter.values)
    return Parts(subject, _text(letter, words), _html(letter, words), words.language, letter.unsubscribe)


def _lines(letter: Letter, words: Texts) -> tuple[Sequence[Line], str | None]:
    more = len(letter.lines) - MOST_LINES
    return letter.lines[:MOST_LINES], words.more.format(count=more) if more > 0 else None


def _footer(letter: Letter, words: Texts) -> list[str]:
    lines = [words.footer.private if letter.signs_in else words.footer.without_account]
    if letter.organisation is not None:
        lines.append(words.footer.why.format(organisation=letter.organisation))
    return [*lines, words.footer.automatic]


def _text(letter: Letter, words: Texts) -> str:
    wording, parts = words.letters[letter.kind], list[str]()
    parts.append(fill(wording.heading.format_map(letter.values), WIDTH))
    parts += [fill(paragraph.format_map(letter.values), WIDTH) for paragraph in wording.paragraphs]
    if letter.code is not None:
        parts.append(f"    {letter.code}")
    shown, more = _lines(letter, words)
    # An address is never broken: it has to stay one that can be clicked.
    parts += [f"{fill(f'{line.at} / {line.what}', WIDTH, subsequent_indent='  ')}\n  {line.link}" for line in shown]
    if more is not None:
        parts.append(more)
    if letter.link is not None and wording.button is not None:
        parts.append(f"{wording.button}\n{letter.link}")
    parts += [fill(paragraph.format_map(letter.values), WIDTH) for paragraph in wording.after]
    footer = [fill(line, WIDTH) for line in _footer(letter, words)]
    if letter.unsubscribe is not None:
        footer.append(f"{words.footer.unsubscribe}\n{letter.unsubscribe}")
    # The mark behind which mail programs show a signature.
    return "\n\n".join(parts) + "\n\n-- \n" + "\n".join(footer) + "\n"


def _html(letter: Letter, words: Texts) -> str:
    wording = words.letters[letter.kind]
    parts = [_PARAGRAPH.format(escape(paragraph.format_map(letter.values))) for paragraph in wording.paragraphs]
    if letter.code is not None:
        parts.append(_CODE.format(escape(letter.code)))
    shown, more = _lines(letter, words)
    if shown:
        items = [
            f'<li style="margin:0 0 10px">{_LINK.format(link=escape(line.link), name=escape(line.what))}'
            f'<br><span class="quiet" style="color:#4d5b69;font-size:14px">{escape(line.at)}</span></li>'
            for line in shown
        ]
        parts.append(f'<ul style="margin:0 0 14px;padding-left:20px">{"".join(items)}</ul>')
    if more is not None:
        parts.append(_PARAGRAPH.format(escape(more)))
    if letter.link is not None and wording.button is not None:
        link = escape(letter.link)
        parts.append(_BUTTON.format(link=link, name=escape(wording.button)))
        copied = f"{escape(words.copy)}<br>{_LINK.format(link=link, name=link)}"
        parts.append(f'<p class="quiet" style="margin:0 0 14px;color:#4d5b69;font-size:13px">{copied}</p>')
    parts += [_PARAGRAPH.format(escape(paragraph.format_map(letter.values))) for paragraph in wording.after]
    footer = [_SMALL.format(escape(line)) for line in _footer(letter, words)]
    if letter.unsubscribe is not None:
        link = _LINK.format(link=escape(letter.unsubscribe), name=escape(words.footer.unsubscribe))
        footer.append(_SMALL.format(link))
    return page().substitute(
        language=words.language,
        heading=escape(wording.heading.format_map(letter.values)),
        content="\n".join(parts),
        footer="\n".join(footer),
    )
