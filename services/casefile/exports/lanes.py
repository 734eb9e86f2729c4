"""Lanes of responsibility: who was responsible for what, on a time axis, a lane for each person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from contracts.staff import COORDINATORS, COUNSELLORS
from services.casefile.domain.steps import Party
from services.casefile.exports.axis import Strip, strips
from services.casefile.exports.contents import Contents
from services.casefile.exports.fonts import SANS, drawable, lines, width
from services.casefile.exports.sheets import BLACK, GREY, LEFT, PALE, RIGHT, Area, Sheets, Stroke, Style, Words
from services.casefile.exports.spells import LEAD, Charge, Spell
from services.casefile.exports.words import in_words

_NAMES: Final = 112.0
"""How wide the names beside the lanes are."""
_ROW: Final = 11.0
_THICK: Final = 8.0
_LEAST: Final = 1.5
"""How wide the shortest bar is, in points."""
_MOST_ROWS: Final = 9
_HIGHEST: Final = 600.0
"""How high lanes that are drawn together may be; it leaves room for the axis on a sheet."""
_LABEL: Final = Style(size=6.5, lead=8.0)
_AXIS: Final = 16.0
_RED: Final = "#b3261e"
_AGENCY: Final = ("#cfdef0", "#2b5c8a")
_ORGANISATION: Final = ("#d3ead9", "#2e7d4f")
_OTHERS: Final = ("#f3e3c3", "#9a6a12")
_LED: Final = "#ffffff"


class Stretch(NamedTuple):
    """A spell of responsibility with its number in the table, within a strip, in a row of its lane."""

    spell: Spell[Charge]
    number: int
    left: float
    right: float
    row: int
    label: str


class Lane(NamedTuple):
    """What somebody was responsible for within a strip, and what was missed then."""

    party: Party
    bars: Sequence[Stretch]
    missed: Sequence[float]

    @property
    def height(self) -> float:
        """How high it is, with the room below."""
        return max(2, max(bar.row for bar in self.bars) + 1) * _ROW + 5


def draw(sheets: Sheets, contents: Contents) -> None:
    """Draws the lanes of a case, strip below strip, where anything is to be drawn."""
    charges = contents.spells.charges
    if not charges:
        return
    at = contents.basis.at
    last = max([at, *(spell.end for spell in charges if spell.end is not None), *(each.begin for each in charges)])
    for strip in strips(charges[0].begin, last):
        for found in _on_sheets(_lanes(contents, strip)):
            sheets.need(_AXIS + 6 + sum(lane.height for lane in found))
            _draw_strip(sheets, strip, found, at)
            sheets.down(12)


def _on_sheets(found: Iterable[Lane]) -> Iterator[list[Lane]]:
    """The lanes of a strip, as many at once as a sheet has room for: each such piece has the axis above it."""
    piece: list[Lane] = []
    for lane in found:
        if piece and sum(each.height for each in (*piece, lane)) > _HIGHEST:
            yield piece
            piece = []
        piece.append(lane)
    if piece:
        yield piece


def _lanes(contents: Contents, strip: Strip) -> Iterable[Lane]:
    by_party: dict[Party, list[tuple[int, Spell[Charge]]]] = {}
    for number, spell in enumerate(contents.spells.charges, 1):
        ends = spell.end or max(contents.basis.at, spell.begin)
        if spell.begin < strip.end and (ends > strip.begin or spell.begin >= strip.begin):
            by_party.setdefault(spell.what.party, []).append((number, spell))
    missed = [(term, contents.spells.missed_at(term)) for term in (spell.what for spell in contents.spells.terms)]
    for party, spells in by_party.items():
        late = [
            _x(term.due_at, strip)
            for term, missed_at in missed
            if missed_at is not None
            and (term.sub, term.role, term.organisation) == (party.sub, party.role, party.org)
            and strip.begin <= term.due_at < strip.end
        ]
        yield Lane(party, _packed(spells, strip, contents.basis.at), late)


def _packed(spells: Sequence[tuple[int, Spell[Charge]]], strip: Strip, at: datetime) -> list[Stretch]:
    """The bars in rows, so that none lies on another; where that takes too many, they are drawn without labels."""
    bars: list[Stretch] = []
    taken: list[float] = []
    for number, spell in spells:
        left = _x(max(spell.begin, strip.begin), strip)
        right = max(_x(min(spell.end or max(at, spell.begin), strip.end), strip), left + _LEAST)
        label = drawable(f"{number} {in_words(spell.what.step)}")
        reaches = max(right, left + width(label, SANS, _LABEL.size) + 4)
        if reaches > RIGHT:
            # Beside its left end, where there is no room at the right one.
            label, reaches = (label, right) if right - left > reaches - left else (f"{number}", right)
        row = next((index for index, until in enumerate(taken) if until <= left), len(taken))
        if row >= _MOST_ROWS:
            row, label, reaches = _MOST_ROWS - 1, "", right
        if row == len(taken):
            taken.append(0.0)
        taken[row] = max(taken[row], reaches + 2)
        bars.append(Stretch(spell, number, left, right, row, label))
    return bars


def _draw_strip(sheets: Sheets, strip: Strip, found: Sequence[Lane], at: datetime) -> None:
    top = sheets.y
    height = _AXIS + sum(lane.height for lane in found)
    for tick, text in strip.ticks:
        x = _x(tick, strip)
        sheets.draw(Stroke(x, top - 10, x, top - height, weight=0.4))
        if x + 2 + width(text, SANS, _LABEL.size) <= RIGHT:
            sheets.draw(Words(x + 2, top - 8, text, _LABEL._replace(colour=GREY)))
    sheets.down(_AXIS)
    for lane in found:
        sheets.draw(Stroke(LEFT, sheets.y, RIGHT, sheets.y, PALE, 0.4))
        _draw_lane(sheets, lane, strip, at)
        sheets.down(lane.height)
    sheets.draw(Stroke(LEFT, sheets.y, RIGHT, sheets.y, PALE, 0.4))
    if strip.begin <= at < strip.end:
        x = _x(at, strip)
        sheets.draw(Stroke(x, top - 10, x, sheets.y, BLACK, 0.7, 2.0))


def _draw_lane(sheets: Sheets, lane: Lane, strip: Strip, at: datetime) -> None:
    party = lane.party
    sheets.draw(Words(LEFT, sheets.y - 9, _fitting(party.sub, 8.0, 1)[0], Style(size=8.0)))
    for index, line in enumerate(_fitting(f"{in_words(party.role)}, {party.org}", _LABEL.size, 2)):
        sheets.draw(Words(LEFT, sheets.y - 17 - index * 7, line, _LABEL._replace(colour=GREY)))
    for bar in lane.bars:
        _draw_bar(sheets, bar, strip, sheets.y - 3 - bar.row * _ROW, at)
    for x in lane.missed:
        y = sheets.y
        sheets.draw(Area(((x, y - 4), (x - 2.5, y), (x + 2.5, y)), _RED))


def _fitting(text: str, size: float, most: int) -> list[str]:
    """A name in so many lines at most; dots say that it goes on, as the table below has it."""
    found = lines(text, SANS, size, _NAMES - 6)
    return found if len(found) <= most else [*found[: most - 1], f"{found[most - 1][:-1]}…"]


def _draw_bar(sheets: Sheets, bar: Stretch, strip: Strip, top: float, at: datetime) -> None:
    inside, outside = _colours(bar.spell.what.party.role)
    if bar.spell.what.step == LEAD:
        inside = _LED
    left, right, foot = bar.left, bar.right, top - _THICK
    sheets.draw(Area(((left, top), (right, top), (right, foot), (left, foot)), inside))
    sheets.draw(Stroke(left, top, right, top, outside, 0.6))
    sheets.draw(Stroke(left, foot, right, foot, outside, 0.6))
    if bar.spell.begin >= strip.begin:
        sheets.draw(Stroke(left, top, left, foot, outside, 1.2))
    # What goes on, on the next strip or after all of them, is left open there.
    if bar.spell.end is not None and bar.spell.end <= min(strip.end, max(at, bar.spell.end)):
        sheets.draw(Stroke(right, top, right, foot, outside, 0.6))
    if bar.label:
        sheets.draw(Words(left + 2.5, foot + 2.0, bar.label, _LABEL))


def _colours(role: str) -> tuple[str, str]:
    if role in {known.value for known in COUNSELLORS}:
        return _AGENCY
    return _ORGANISATION if role in {known.value for known in COORDINATORS} else _OTHERS


def _x(at: datetime, strip: Strip) -> float:
    share = (at - strip.begin) / (strip.end - strip.begin)
    return LEFT + _NAMES + share * (RIGHT - LEFT - _NAMES)
