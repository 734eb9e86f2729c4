"""The plots of the report, as SVG: small, and the same for the same figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from deploy.bench.results import Ran, Result

mpl.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "caserelay",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.3,
        "legend.frameon": False,
    }
)
WIDTH: Final = 8.0


def _save(figure: Figure, file: Path) -> None:
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})


def _plot(height: float = 3.6) -> tuple[Figure, Any]:
    figure = Figure(figsize=(WIDTH, height))
    return figure, figure.subplots()


def _lines(results: Iterable[Result], of: Callable[[Result], float | None]) -> dict[str, list[tuple[float, float]]]:
    """Points of each line: results that differ in `at` only."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for result in results:
        if result.at is not None and (figure := of(result)) is not None:
            name = f"{result.name.partition(',')[0]}, {result.engine}".removesuffix(", none")
            lines.setdefault(name, []).append((result.at, figure))
    return lines


def _referrals(ran: Ran, file: Path) -> None:
    figure, axes = _plot()
    for name, points in _lines(ran.results, lambda result: result.rate).items():
        style = {"marker": "o", "linestyle": "--" if "storage" in name or "naive" in name else "-"}
        axes.plot(*zip(*points, strict=True), label=name, **style)
    axes.set_xscale("log")
    ticks = sorted({result.at for result in ran.results if result.at is not None})
    axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("connections")
    axes.set_ylabel("accepted referrals per second")
    axes.set_ylim(bottom=0)
    axes.legend(bbox_to_anchor=(1.0, 1.0), loc="upper left")
    _save(figure, file)


def _growth(ran: Ran, file: Path) -> None:
    figure, axes = _plot()
    smallest = min(result.at for result in ran.results if result.at is not None)
    for name, points in _lines(
        ran.results, lambda result: result.compared[0].ratio if result.compared else None
    ).items():
        axes.plot(*zip(*points, strict=True), marker="o", linestyle="--" if "Postgre" in name else "-", label=name)
    axes.set_xscale("log")
    axes.set_xlabel("events in the log")
    axes.set_ylabel(f"median, as a multiple of that at {smallest:,.0f}")
    axes.set_ylim(bottom=0)
    axes.legend(bbox_to_anchor=(1.0, 1.0), loc="upper left")
    _save(figure, file)


def _bars(ran: Ran, file: Path, of: Callable[[Result], float | None], label: str) -> None:
    shown = [(result, width) for result in ran.results if (width := of(result)) is not None]
    figure, axes = _plot(0.6 + 0.28 * len(shown))
    for place, (_, width) in enumerate(shown):
        axes.barh(place, width, color="#4c72b0", height=0.7)
    axes.set_yticks(range(len(shown)), [f"{result.name}, {result.engine}" for result, _ in shown])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(label)
    _save(figure, file)


def _rates(ran: Ran, file: Path) -> None:
    _bars(ran, file, lambda result: result.rate, "per second")


def _delays(ran: Ran, file: Path) -> None:
    shown = [result for result in ran.results if result.median is not None and result.p95 is not None]
    figure, axes = _plot(0.6 + 0.28 * len(shown))
    for place, result in enumerate(shown):
        axes.barh(place, result.p95, color="#c6d3e6", height=0.7, label="p95" if not place else None)
        axes.barh(place, result.median, color="#4c72b0", height=0.7, label="median" if not place else None)
    axes.set_yticks(range(len(shown)), [f"{result.name}, {result.engine}" for result in shown])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("ms")
    axes.legend(loc="lower right")
    _save(figure, file)


def _sustained(ran: Ran, file: Path) -> None:
    engines = list(dict.fromkeys(result.engine for result in ran.results))
    figure = Figure(figsize=(WIDTH, 2.4 * len(engines)))
    for engine, axes in zip(engines, figure.subplots(len(engines), squeeze=False).flat, strict=True):
        for result in ran.results:
            if result.engine == engine and result.curve:
                name = f"{result.rate:,.0f}/s, {result.name.partition(',')[0]}"
                axes.plot(*zip(*result.curve, strict=True), label=name)
        axes.set_title(engine, loc="left")
        axes.set_ylabel("positions behind")
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper left")
    axes.set_xlabel("seconds")
    figure.tight_layout()
    _save(figure, file)


PLOTS: Final[Mapping[str, Callable[[Ran, Path], None]]] = {
    "referrals": _referrals,
    "appends": _rates,
    "kafka-round-trip": _delays,
    "event-stream": _delays,
    "webhooks": _delays,
    "write-then-read": _delays,
    "many-cases": _delays,
    "growth": _growth,
    "sustained": _sustained,
}
"""What is drawn of which benchmark."""
