"""`python -m deploy.bench.report FILE DIRECTORY`: what the file with the results says, as a page with plots."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from deploy.bench.ab.parts import PARTS as AB_PARTS
from deploy.bench.ab.parts import name_of
from deploy.bench.parts import PARTS
from deploy.bench.results import Ran, Record, Result, number

PAGE: Final = "benchmarks.md"
PLOTS_IN: Final = "benchmarks"
_SECTIONS: Final = {name: (part.title, part.text) for name, part in PARTS.items()} | {
    name_of(name): (part.title, part.text) for name, part in AB_PARTS.items()
}
_ABOUT: Final = """# Benchmarks

Written by `make bench-report` from [benchmarks.json](benchmarks.json); not edited by hand. Everything runs on one
machine: services, database, broker and clients. A ratio is ours divided by what it is next to, in the same
run. Figures of different machines, or of different hours, cannot be compared, and a load average above 1 per core says
that somebody else was at work. `p95` is what 95 % do not exceed. `make bench` measures the machine at hand; why it is
measured so says [0025](decisions/0025-benchmarks.md)."""


def main(file: Path, directory: Path) -> int:
    """Writes the page and the plots; the exit status."""
    # The page alone can be made without the library that draws.
    from deploy.bench.plots import PLOTS  # noqa: PLC0415 - see above

    record = Record.read(file)
    drawn = {}
    (directory / PLOTS_IN).mkdir(parents=True, exist_ok=True)
    for name, draw in PLOTS.items():
        if (ran := record.ran.get(name)) is not None and ran.results:
            plot = directory / PLOTS_IN / f"{name}.svg"
            draw(ran, plot)
            drawn[name] = f"{PLOTS_IN}/{plot.name}"
    (directory / PAGE).write_text(page(record, drawn), encoding="utf-8")
    print(f"written: {directory / PAGE}")
    return 0


def page(record: Record, drawn: Mapping[str, str]) -> str:
    """The page as text; `drawn` names the file of each plot."""
    return "\n".join(_lines(record, drawn)) + "\n"


def _lines(record: Record, drawn: Mapping[str, str]) -> Iterator[str]:
    yield _ABOUT
    for surroundings, names in _by_surroundings(record).items():
        yield ""
        yield f"## On what{_which(names, record)}"
        yield ""
        yield "| | |"
        yield "|---|---|"
        for name, value in surroundings:
            yield f"| {name} | {value} |"
    for name, (title, text) in _SECTIONS.items():
        if (ran := record.ran.get(name)) is not None:
            yield from _part(name, ran, (title, text), drawn.get(name))


def _by_surroundings(record: Record) -> dict[tuple[tuple[str, str], ...], list[str]]:
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for name, ran in record.ran.items():
        found.setdefault(tuple(ran.surroundings.items()), []).append(name)
    return found


def _which(names: list[str], record: Record) -> str:
    return "" if len(names) == len(record.ran) else f": {', '.join(names)}"


def _part(name: str, ran: Ran, section: tuple[str, str], plot: str | None) -> Iterator[str]:
    title, text = section
    yield ""
    yield f"## {title}"
    yield ""
    yield text
    yield ""
    yield (
        f"`{name}`, {ran.began[:16].replace('T', ' ')} UTC, {ran.seconds:.0f} s; load average {ran.load_before} before,"
        f" {ran.load_after} after."
    )
    for remark in ran.remarks:
        yield f"{remark[:1].upper()}{remark[1:]}."
    if ran.failure is not None:
        yield f"It failed: {ran.failure}"
    if plot is not None:
        yield ""
        yield f"![{title}]({plot})"
    if ran.results:
        yield ""
        yield from _table(ran)


def _table(ran: Ran) -> Iterator[str]:
    rates = any(result.rate is not None for result in ran.results)
    delays = any(result.median is not None for result in ran.results)
    columns = ["", "on", *(["per second"] if rates else []), *(["median", "p95"] if delays else []), "next to", ""]
    yield f"| {' | '.join(columns)} |"
    yield "|---|---|" + "---:|" * (rates + 2 * delays) + "---|---|"
    for result in ran.results:
        cells = [result.name, result.engine]
        if rates:
            cells.append(f"{result.rate:,.0f}" if result.rate is not None else "")
        if delays:
            cells += [_with_unit(result, result.median), _with_unit(result, result.p95)]
        cells.append(
            "<br>".join(f"{comparison.ratio:.2f} x {comparison.to} ({comparison.of})" for comparison in result.compared)
        )
        cells.append("<br>".join(result.notes))
        yield f"| {' | '.join(re.sub(r'[|]', '/', cell) for cell in cells)} |"


def _with_unit(result: Result, figure: float | None) -> str:
    return f"{number(figure)} {result.unit}" if figure is not None else ""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
