"""The words of letters in every language that they are written in: a data file for each, and the page around them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from string import Template
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.json import decode

LANGUAGES: Final = ("nl", "fr", "de", "en")
DEFAULT: Final = "en"
_HERE: Final = Path(__file__).parent


class LetterText(Struct, frozen=True, forbid_unknown_fields=True):
    """What a kind of letter says; words in braces are filled in. `button` is what its link is called."""

    subject: str
    heading: str
    paragraphs: list[str]
    button: str | None = None
    after: list[str] = []


class Footer(Struct, frozen=True, forbid_unknown_fields=True):
    """What every letter ends with."""

    private: str
    without_account: str
    why: str
    automatic: str
    unsubscribe: str


class Texts(Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one language. `events` has a sentence for each type of message, `steps` one for each step."""

    language: str
    months: list[str]
    day: str
    moment: str
    footer: Footer
    copy: str
    more: str
    letters: dict[str, LetterText]
    steps: dict[str, str]
    events: dict[str, str]
    other_event: str

    def event(self, kind: str) -> str:
        """What happened, by the CloudEvents type of its message."""
        return self.events.get(kind, self.other_event)

    def date(self, at: datetime, zone: str) -> str:
        """The day of an instant, as it is there."""
        there = at.astimezone(ZoneInfo(zone))
        return self.day.format(day=there.day, month=self.months[there.month - 1], year=there.year)

    def time(self, at: datetime, zone: str) -> str:
        """Day and time of an instant, as they are there."""
        there = at.astimezone(ZoneInfo(zone))
        return self.moment.format(date=self.date(at, zone), hour=f"{there:%H}", minute=f"{there:%M}")


@cache
def _all() -> Mapping[str, Texts]:
    return {name: decode((_HERE / f"{name}.json").read_bytes(), type=Texts) for name in LANGUAGES}


def texts(language: str | None) -> Texts:
    """The words of a language (BCP 47), or the nearest there are: `nl-BE` is read as `nl`, others as `en`."""
    primary = (language or DEFAULT).partition("-")[0].lower()
    return _all().get(primary) or _all()[DEFAULT]


@cache
def page() -> Template:
    """The page around a letter, with `language`, `heading`, `content` and `footer` to be filled in."""
    return Template((_HERE / "letter.html").read_text(encoding="utf-8"))
