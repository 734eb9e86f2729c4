"""What a statistic may show: small counts are hidden, and so much else that they cannot be worked out.

Counts from 1 to 4 are hidden (docs/domain.md, "Service gap"): so few are people that somebody knows. A hidden count
must not follow from those that are shown, where a total is known to be the sum of its parts: then the next smaller
part is hidden as well, until the hidden parts are at least two and together no small count themselves.

All of this happens to the whole table, before anybody's filter: what is hidden does not depend on who asks for what,
so two questions that differ in a filter, or in their days, show the same cells and no difference between them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

SMALLEST_SHOWN: Final = 5
ALL: Final = "ALL"
"""In a column: the row is the total over it."""
Row = dict[str, Any]
_Cell = tuple[int, str]
_Sum = tuple[_Cell, tuple[_Cell, ...]]


def published(
    rows: Iterable[Row],
    *,
    counts: Sequence[str],
    over: str | None = None,
    by: Sequence[str] = (),
    sums: Mapping[str, Sequence[str]] | Sequence[tuple[str, Sequence[str]]] = (),
    rests_on: Mapping[str, str] | None = None,
    earliest: Mapping[str, str] | None = None,
) -> list[Row]:
    """The rows of a statistic as anybody may see them.

    `counts` are the columns that are counted. With `over`, a total is added for the rows that are equal in `by`, with
    ALL in that column. `sums` names the columns that are the sum of others in the same row, each as often as there are
    ways to split it. `rests_on` names for
    each other measure, such as hours, the count without which it is not shown either; totals have its sum, and of one
    in `earliest`, which is a date, the first.
    """
    table = [dict(row) for row in rows]
    measures = {**(rests_on or {}), **(earliest or {})}
    equations: list[_Sum] = []
    for members in _groups(table, by).values() if over is not None else ():
        here = len(table)
        total = {**table[members[0]], str(over): ALL}
        parts = [table[number] for number in members]
        total |= {column: sum(part[column] for part in parts) for column in (*counts, *(rests_on or ()))}
        total |= {column: min((p[column] for p in parts if p[column]), default=None) for column in earliest or ()}
        table.append(total)
        equations += [((here, column), tuple((number, column) for number in members)) for column in counts]
    for whole, of in sums.items() if isinstance(sums, Mapping) else sums:
        equations += [((number, whole), tuple((number, part) for part in of)) for number in range(len(table))]
    values = {(number, column): int(row[column]) for number, row in enumerate(table) for column in counts}
    hidden = hidden_cells(values, equations)
    for number, column in hidden:
        table[number] |= {measure: None for measure, count in measures.items() if count == column} | {column: None}
    return table


def _groups(table: Sequence[Row], by: Sequence[str]) -> Mapping[tuple[Any, ...], Sequence[int]]:
    groups: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for number, row in enumerate(table):
        groups[tuple(row[column] for column in by)].append(number)
    return groups


def hidden_cells(values: Mapping[_Cell, int], equations: Sequence[_Sum]) -> set[_Cell]:
    """The cells that are not shown. `values` are all cells, `equations` the totals with the parts that make them."""
    hidden = {cell for cell, value in values.items() if 0 < value < SMALLEST_SHOWN}
    moved = True
    while moved:
        moved = False
        for total, parts in equations:
            more = _to_hide(values, hidden, total, parts)
            if more is not None:
                hidden.add(more)
                moved = True
    return hidden


def _to_hide(values: Mapping[_Cell, int], hidden: set[_Cell], total: _Cell, parts: Sequence[_Cell]) -> _Cell | None:
    """One more cell to hide, so that the total tells nothing about a hidden cell; None where it tells nothing."""
    unknown = [part for part in parts if part in hidden]
    if total in hidden:
        # Who knows all parts knows the total.
        safe = bool(unknown)
    else:
        safe = not unknown or (len(unknown) > 1 and sum(values[part] for part in unknown) >= SMALLEST_SHOWN)
    if safe:
        return None
    # Of equal ones the first, so that the same table is always shown alike. That a count is 0 is no secret.
    shown = [part for part in parts if part not in hidden and values[part] > 0]
    if shown:
        return min(shown, key=lambda part: (values[part], part))
    return total if total not in hidden else None
