"""What a statistic may show: small counts are hidden, and so much else that they cannot be worked out.

Counts from 1 to 4 are hidden: so few are people that somebody knows. One that is hidden must not follow from what is
shown, also for who knows how it is hidden:

- Within a row, counts that split another one are shown all or not at all. One alone would follow from the others.
- Where a total over several rows is shown, at least two of them are hidden, and what they have together leaves each of
  them five or more to be. Otherwise the next row in the order of names is hidden as well, and in the end the total. The
  next smaller row would give away that none is between.

All of this happens to the whole table, before anybody's filter: what is hidden does not depend on who asks for what,
so two questions that differ in a filter, or in their days, show the same cells and no difference between them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

SMALLEST_SHOWN: Final = 5
ALL: Final = "ALL"
"""In a column: the row is the total over it."""
Row = dict[str, Any]
_Cell = tuple[int, str]
Sums = Mapping[str, Sequence[str]] | Sequence[tuple[str, Sequence[str]]]


class _Split(NamedTuple):
    """A count, and counts that it is the sum of."""

    whole: str
    parts: tuple[str, ...]


class _Group(NamedTuple):
    """The rows that a total is of, and the total's own."""

    total: int
    members: tuple[int, ...]


def published(
    rows: Iterable[Row],
    *,
    counts: Sequence[str],
    over: str | None = None,
    by: Sequence[str] = (),
    sums: Sums = (),
    rests_on: Mapping[str, str] | None = None,
    earliest: Mapping[str, str] | None = None,
) -> list[Row]:
    """The rows of a statistic as anybody may see them.

    `counts` are the columns that are counted. With `over`, a total is added for the rows that are equal in `by`, with
    ALL in that column. `sums` names each column that is the sum of others in the same row, with these, as often as
    there are ways to split it. `rests_on` names for each other measure, such as hours, the count without which it is
    not shown either; totals have its sum, and of one in `earliest`, which is a date, the first.
    """
    table = [dict(row) for row in rows]
    groups: list[_Group] = []
    for members in _alike(table, by).values() if over is not None else ():
        parts = [table[number] for number in members]
        total = {**parts[0], str(over): ALL}
        total |= {column: sum(part[column] for part in parts) for column in (*counts, *(rests_on or ()))}
        total |= {column: min((p[column] for p in parts if p[column]), default=None) for column in earliest or ()}
        groups.append(_Group(len(table), tuple(sorted(members, key=lambda number: str(table[number][str(over)])))))
        table.append(total)
    measures = {**(rests_on or {}), **(earliest or {})}
    splits = [_Split(whole, tuple(of)) for whole, of in (sums.items() if isinstance(sums, Mapping) else sums)]
    for number, column in _hidden(table, groups, counts, splits):
        table[number] |= {measure: None for measure, count in measures.items() if count == column} | {column: None}
    return table


def _alike(table: Sequence[Row], by: Sequence[str]) -> Mapping[tuple[Any, ...], Sequence[int]]:
    groups: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for number, row in enumerate(table):
        groups[tuple(row[column] for column in by)].append(number)
    return groups


def _hidden(
    table: Sequence[Row], groups: Sequence[_Group], counts: Sequence[str], splits: Sequence[_Split]
) -> set[_Cell]:
    below = {part for split in splits for part in split.parts}
    hidden = {
        (number, root) for root in counts if root not in below for number, row in enumerate(table) if _is_few(row[root])
    }
    before = -1
    while before != len(hidden):
        before = len(hidden)
        for group in groups:
            for root in counts:
                hidden |= _of_counts(table, group, root, hidden) if root not in below else set()
        for split in splits:
            for number, row in enumerate(table):
                hidden |= _of_row(number, row, split, hidden)
            for group in groups:
                hidden |= _of_parts(table, group, split, hidden)
    return hidden


def _is_few(count: int) -> bool:
    return 0 < count < SMALLEST_SHOWN


def _of_row(number: int, row: Row, split: _Split, hidden: set[_Cell]) -> set[_Cell]:
    """The parts of a count, where one of them is few or hidden, or the count is."""
    cells = {(number, part) for part in split.parts}
    if (number, split.whole) in hidden or cells & hidden or any(_is_few(row[part]) for part in split.parts):
        # The only part that there is would tell the whole, and the other way round.
        return cells if len(cells) > 1 else {*cells, (number, split.whole)}
    return set()


def _of_counts(table: Sequence[Row], group: _Group, column: str, hidden: set[_Cell]) -> set[_Cell]:
    """One more count to hide, where the total and its other parts would tell something about a hidden one."""
    unknown = [number for number in group.members if (number, column) in hidden]
    together = sum(table[number][column] for number in unknown)
    if (group.total, column) in hidden:
        safe = bool(unknown)
    else:
        # A reader who knows that each has at least one knows how many one of them has at most.
        safe = not unknown or (len(unknown) > 1 and together - len(unknown) + 1 >= SMALLEST_SHOWN)
    return set() if safe else {(_next(table, group, column, unknown), column)}


def _of_parts(table: Sequence[Row], group: _Group, split: _Split, hidden: set[_Cell]) -> set[_Cell]:
    """The parts of one more row to hide, for the same reason; there is nothing to tell of those that nobody has."""
    first = split.parts[0]
    unknown = [number for number in group.members if (number, first) in hidden]
    if (group.total, first) in hidden:
        safe = bool(unknown)
    else:
        together = [sum(table[number][part] for number in unknown) for part in split.parts]
        safe = not unknown or (len(unknown) > 1 and not any(map(_is_few, together)))
    if safe:
        return set()
    number = _next(table, group, split.whole, unknown)
    return {(number, part) for part in split.parts}


def _next(table: Sequence[Row], group: _Group, column: str, unknown: Sequence[int]) -> int:
    """The next row behind one that is hidden, round in a circle; where none has anything left, the total."""
    begin = group.members.index(unknown[0]) if unknown else 0
    circle = (*group.members[begin:], *group.members[:begin])
    return next((number for number in circle if number not in unknown and table[number][column] > 0), group.total)
