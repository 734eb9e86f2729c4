"""The fonts of documents with pages: Noto Sans, and a font of one width; both under the SIL Open Font License."""

from __future__ import annotations

from functools import cache, lru_cache
from io import BytesIO
from typing import Any, Final

import pymupdf_fonts
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

SANS: Final = "NotoSans"
BOLD: Final = "NotoSans-Bold"
MONO: Final = "SpaceMono"
_FILES: Final = {SANS: "notos", BOLD: "notosbo", MONO: "spacemo"}


@cache
def _glyphs() -> frozenset[int]:
    """Registers the fonts, once a process. The characters that the first of them can draw."""
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, BytesIO(pymupdf_fonts.myfont(file))))
    font: Any = pdfmetrics.getFont(SANS)
    return frozenset(font.face.charToGlyph)


def register() -> None:
    """Makes the fonts known by their names."""
    _glyphs()


def drawable(text: str) -> str:
    """A text with what the fonts cannot draw named by its code point, so that nothing is lost unseen."""
    if text.isascii():
        return text
    glyphs = _glyphs()
    return "".join(character if ord(character) in glyphs else f"[U+{ord(character):04X}]" for character in text)


@lru_cache(maxsize=20_000)
def width(text: str, font: str, size: float) -> float:
    """How wide a text is, in points."""
    return float(pdfmetrics.stringWidth(text, font, size))


def lines(text: str, font: str, size: float, room: float) -> list[str]:
    """A text in lines that are no wider than the room; words that are wider themselves are divided."""
    found, line, used = [], "", 0.0
    blank = width(" ", font, size)
    for word in drawable(text).split():
        wide = width(word, font, size)
        if line and used + blank + wide <= room:
            line, used = f"{line} {word}", used + blank + wide
            continue
        if line:
            found.append(line)
        while wide > room:
            fits = _fitting(word, font, size, room)
            found.append(word[:fits])
            word = word[fits:]  # noqa: PLW2901 - what is left of it
            wide = width(word, font, size)
        line, used = word, wide
    return [*found, line] if line or not found else found


def _fitting(word: str, font: str, size: float, room: float) -> int:
    """How many of its first characters fit, at least one."""
    used = 0.0
    for count, character in enumerate(word):
        used += width(character, font, size)
        if used > room:
            return max(1, count)
    return len(word)
