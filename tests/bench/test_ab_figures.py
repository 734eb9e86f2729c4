"""The arithmetic of two sides: ratios, medians, the control, and in which order the sides are measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from deploy.bench.ab.figures import Figure, Pair
from deploy.bench.ab.revisions import Revision
from deploy.bench.ab.sides import CONTROL, A, B, Series, Side, Trial
from deploy.bench.ab.stages import BENEATH, REST, STAGES, WORK, shares
from deploy.bench.results import Compared

ROUNDS = ((4.0, 2.0), (10.0, 6.0), (5.0, 4.0))


def figure(*pairs: Pair, control: float = 1.0, unit: str = "ms") -> Figure:
    """A figure whose A is as far from itself in every round."""
    return Figure(
        name="work", engine="SQLite", unit=unit, pairs=pairs, controls=[(first, first * control) for first, _ in pairs]
    )


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    """Halves, three and four fifths: three fifths. Not the ratio of sums, which one long round would decide."""
    found = figure(*ROUNDS, control=1.01)
    assert (found.a, found.b, found.ratio) == (5.0, 4.0, 0.6)
    assert found.ratio_text == "B/A 0.60 (rounds 0.50\N{EN DASH}0.80; control 1.01)"
    assert "A    5.00  B    4.00 ms" in found.line()
    assert "B/A 0.60 (" in found.line()
    assert "WARNING" not in found.line()


@pytest.mark.parametrize(("control", "warns"), [(0.89, True), (0.9, False), (1.0, False), (1.1, False), (1.11, True)])
def test_a_control_that_is_off_by_more_than_a_tenth_is_warned_of(control: float, *, warns: bool) -> None:
    """In what is printed, and in what is kept."""
    found = figure(*ROUNDS, control=control)
    assert ("WARNING: control outside \N{PLUS-MINUS SIGN}10 %" in found.line()) is warns
    assert any("control outside" in note for note in found.result().notes) is warns


def test_what_only_one_side_has_gets_no_ratio() -> None:
    """A side without other processes used nothing there: nothing can be divided by that."""
    found = figure((0.0, 2.0), (0.0, 3.0))
    assert (found.ratio, found.warning, found.b) == (None, None, 2.5)
    assert found.result().compared == ()
    assert figure((0.0, 2.0), (4.0, 2.0)).ratio == 0.5


def test_the_record_holds_the_ratio_and_the_control() -> None:
    """A rate as a rate, anything else as a median; of B, next to A."""
    one = figure(*ROUNDS, control=1.05, unit="/s").result()
    assert (one.rate, one.median) == (4.0, None)
    assert one.compared == (
        Compared(to="A", ratio=0.6, of="rate"),
        Compared(to="A of itself (control)", ratio=1.05, of="rate"),
    )
    other = figure(*ROUNDS).result()
    assert (other.rate, other.median) == (None, 4.0)


def test_no_side_is_always_first() -> None:
    """Rounds go forth and back, and each has B and the control next to the A of the same round."""
    side, order = Side(Revision(".", Path(), Path()), {}), list[str]()
    trial = Trial(bench=cast("Any", None), a=side, b=side, rounds=2, services="all")

    def measure(label: str) -> dict[str, float]:
        order.append(label)
        return {"work": {A: 2.0, B: 1.0, CONTROL: 4.0}[label]}

    (found,) = trial.in_turn(9, measure).figures("SQLite", {"work": "ms"})
    assert order == [A, B, CONTROL, CONTROL, B, A]
    assert (found.ratio, found.control, len(found.pairs)) == (0.5, 2.0, 2)


def test_what_one_round_lacks_counts_as_nothing() -> None:
    """Stages that a sampler saw on one side only, or in one round only."""
    series = Series()
    series.add({"stage: bus": 1.0}, {"stage: vault": 3.0})
    assert [(one.name, one.pairs) for one in series.figures("SQLite", {"stage": "ms"})] == [
        ("stage: bus", [(1.0, 0.0)]),
        ("stage: vault", [(0.0, 3.0)]),
    ]


FLUSH = "run (services/chassis/http/app.py:1);flush (services/chassis/engines/group_commit.py:2)"
INSERT = "insert (services/chassis/log/sqlite.py:3);execute (services/chassis/engines/sqlite_connection.py:4)"
SAMPLES = (
    "main (services/cli.py:9);run (services/chassis/http/app.py:1);decide (services/referral/domain/offer.py:7) 30",
    f"{FLUSH};{INSERT} 40",
    "main (services/cli.py:9);wake (services/chassis/engines/bell.py:4) 20",
    "main (services/cli.py:9) 10",
)


def test_a_sample_counts_for_the_innermost_stage() -> None:
    """A connection works for the log that uses it, and counts by itself only where nobody does."""
    found = shares(SAMPLES, STAGES, BENEATH)
    assert found == {"decide and fold": 0.3, "log append and read": 0.4, "commits and waking up": 0.2, REST: 0.1}
    assert shares([], STAGES) == {}


def test_a_sample_counts_for_the_work_that_it_was_begun_for() -> None:
    """What a request leads to is the request's."""
    assert shares(SAMPLES, WORK, outermost=True) == {"requests": 0.7, REST: 0.3}
