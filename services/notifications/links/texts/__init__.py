"""The words of pages that links in letters lead to, in every language that letters are written in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from typing import Final

from msgspec import Struct
from msgspec.json import decode

from services.notifications.email.texts import DEFAULT, LANGUAGES

_HERE: Final = Path(__file__).parent


class PageTexts(Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one language, by page; words in braces are filled in. `refusals` and `reasons` are by code.

    `people` are those of mentor and mentee, who have no account; what else is said to all goes for them too.
    """

    language: str
    titles: dict[str, str]
    act: dict[str, str]
    acts: dict[str, str]
    done: dict[str, str]
    confirm: dict[str, str]
    unsubscribe: dict[str, str]
    refusals: dict[str, str]
    reasons: dict[str, str]
    people: dict[str, str]
    people_refusals: dict[str, str]
    reject_reasons: dict[str, str]
    pulse_reasons: dict[str, str]

    def refusal(self, code: str, otherwise: str = "", *, person: bool) -> str:
        """Why nothing was done; `person`: to mentor or mentee, `otherwise`: where there is no sentence for the code."""
        own = self.people_refusals.get(code) if person else None
        return own or self.refusals.get(code) or otherwise or code

    roles: dict[str, str]


@cache
def _all() -> Mapping[str, PageTexts]:
    return {name: decode((_HERE / f"{name}.json").read_bytes(), type=PageTexts) for name in LANGUAGES}


def page_texts(language: str) -> PageTexts:
    """The words of one of the languages."""
    return _all().get(language) or _all()[DEFAULT]


@cache
def page() -> Template:
    """The page, with `language`, `title` and `content` to be filled in."""
    return Template((_HERE / "page.html").read_text(encoding="utf-8"))
