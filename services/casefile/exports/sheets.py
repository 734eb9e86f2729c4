"""Sheets of paper that fill from top to bottom: what is drawn where is decided first, and drawn in the end.

So every sheet can say how many there are. Measures are points, from the lower left corner of a sheet in A4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from services.casefile.exports.fonts import BOLD, SANS, drawable, lines
from services.casefile.exports.pulse import Pulse

WIDTH: Final = 595.28
HEIGHT: Final = 841.89
LEFT: Final = 48.0
RIGHT: Final = WIDTH - 48.0
TOP: Final = HEIGHT - 72.0
BOTTOM: Final = 60.0

BLACK: Final = "#1a1a1a"
GREY: Final = "#5a5a5a"
PALE: Final = "#c8c8c8"


class Style(NamedTuple):
    """How words look; `lead` is from one line to the next."""

    font: str = SANS
    size: float = 9.0
    colour: str = BLACK
    lead: float = 12.0


BODY: Final = Style()
SMALL: Final = Style(size=7.5, colour=GREY, lead=10.0)
HEADING: Final = Style(BOLD, 13.0, BLACK, 20.0)
STRONG: Final = Style(BOLD, 8.0, BLACK, 11.0)


class Words(NamedTuple):
    """A line of text."""

    x: float
    y: float
    text: str
    style: Style


class Stroke(NamedTuple):
    """A straight line; `dash` is the length of its dashes, 0 for none."""

    x: float
    y: float
    to_x: float
    to_y: float
    colour: str = PALE
    weight: float = 0.5
    dash: float = 0.0


class Area(NamedTuple):
    """A filled polygon, by its corners."""

    corners: tuple[tuple[float, float], ...]
    colour: str


class Mark(NamedTuple):
    """A place that the outline of the document names."""

    title: str
    y: float


Drawn = Words | Stroke | Area | Mark


class Cell(NamedTuple):
    """A column of a table on paper: its title and its width."""

    title: str
    width: float


class Sheets:
    """Sheets under way."""

    def __init__(self, pulse: Pulse) -> None:
        self.done: list[list[Drawn]] = [[]]
        self.y = TOP
        self._pulse = pulse

    def turn(self) -> None:
        """Goes on with the next sheet."""
        self._pulse()
        self.done.append([])
        self.y = TOP

    def need(self, height: float) -> bool:
        """Makes room for something of a height; whether that took another sheet."""
        if self.y - height >= BOTTOM or self.y == TOP:
            return False
        self.turn()
        return True

    def draw(self, drawn: Drawn) -> None:
        """Puts something on the sheet."""
        self.done[-1].append(drawn)

    def down(self, height: float) -> None:
        """Leaves some room."""
        self.y -= height

    def heading(self, title: str) -> None:
        """The title of a part, with some room for what follows."""
        if self.y < TOP:
            self.down(14)
        self.need(70)
        self.draw(Mark(title, self.y))
        self.paragraph(title, HEADING)

    def paragraph(self, text: str, style: Style = BODY, x: float = LEFT, right: float = RIGHT) -> None:
        """A text over as many lines as it needs."""
        for line in lines(text, style.font, style.size, right - x):
            self.need(style.lead)
            self.down(style.lead)
            self.draw(Words(x, self.y + style.lead - style.size, line, style))

    def verbatim(self, text: str, style: Style) -> None:
        """Line by line as it is, for what somebody copies."""
        for line in text.splitlines():
            for part in lines(line, style.font, style.size, RIGHT - LEFT - 8) or [""]:
                self.need(style.lead)
                self.down(style.lead)
                self.draw(Words(LEFT + 8, self.y + style.lead - style.size, part, style))

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Names, each with a value beside it."""
        for name, value in pairs:
            parts = lines(value, SANS, BODY.size, RIGHT - LEFT - 110)
            self.need(len(parts) * BODY.lead)
            self.draw(Words(LEFT, self.y - BODY.size, name, STRONG))
            for part in parts:
                self.draw(Words(LEFT + 110, self.y - BODY.size, part, BODY))
                self.down(BODY.lead)

    def table(self, cells: Sequence[Cell], rows: Iterable[Sequence[str]], style: Style = SMALL) -> None:
        """A table, whose titles stand on every sheet that it takes."""
        style = style._replace(colour=BLACK)
        self._titles(cells)
        for row in rows:
            parts = [lines(text, style.font, style.size, cell.width - 6) for text, cell in zip(row, cells, strict=True)]
            height = max(map(len, parts)) * style.lead + 3
            if self.need(height):
                self._titles(cells)
            x = LEFT
            for column, cell in zip(parts, cells, strict=True):
                for index, line in enumerate(column):
                    self.draw(Words(x, self.y - style.size - index * style.lead - 1, line, style))
                x += cell.width
            self.down(height)
            self.draw(Stroke(LEFT, self.y, RIGHT, self.y, weight=0.3))

    def _titles(self, cells: Sequence[Cell]) -> None:
        self.need(40)
        x = LEFT
        for cell in cells:
            self.draw(Words(x, self.y - STRONG.size, cell.title, STRONG))
            x += cell.width
        self.down(STRONG.lead + 2)
        self.draw(Stroke(LEFT, self.y, RIGHT, self.y, GREY, 0.8))


def put(canvas: Any, drawn: Drawn, number: int) -> None:
    """Draws something on a canvas; `number` is that of the sheet."""
    match drawn:
        case Words(x, y, text, style):
            canvas.setFont(style.font, style.size)
            canvas.setFillColor(style.colour)
            canvas.drawString(x, y, drawable(text))
        case Stroke(x, y, to_x, to_y, colour, weight, dash):
            canvas.setStrokeColor(colour)
            canvas.setLineWidth(weight)
            canvas.setDash(*([dash, dash] if dash else []))
            canvas.line(x, y, to_x, to_y)
        case Area(corners, colour):
            path = canvas.beginPath()
            path.moveTo(*corners[0])
            for corner in corners[1:]:
                path.lineTo(*corner)
            path.close()
            canvas.setFillColor(colour)
            canvas.drawPath(path, stroke=0, fill=1)
        case Mark(title, y):
            key = f"{number}-{y:.0f}"
            canvas.bookmarkHorizontal(key, 0, y)
            canvas.addOutlineEntry(title, key, 0)
