"""Q5: whether there was a moment with nobody, or with two parties, responsible. It is computed from intervals."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from services.casefile.domain.steps import BESIDE, Party
from services.casefile.questions.question import (
    Answer,
    Facts,
    Inquiry,
    Question,
    counted,
    listed,
    named,
    party,
    proofs,
    spoken,
    written,
)
from services.casefile.reports.ownership import NOBODY, Lapse, lapses
from services.casefile.reports.report import History, Moment
from services.casefile.reports.responsibility_gaps import SOURCES


class Held(Struct, frozen=True):
    """A step of the case's way, who had it, from which event on, and until when; None: it goes on."""

    step: str
    owner: Party
    begun: Moment
    end: datetime | None = None

    @property
    def begin(self) -> datetime:
        """Since when."""
        return self.begun.recorded.meta.recorded_at


def find(inquiry: Inquiry) -> Answer:
    """Every such time, from what each event says that it begins and ends, and the intervals of responsibility."""
    held, found = intervals(inquiry.history), list(lapses(inquiry.history))
    facts: Facts = {
        "lapses": [_lapse(lapse, inquiry.until) for lapse in found],
        "intervals": [
            {
                "step": each.step,
                "owner": party(each.owner),
                "from": written(each.begin),
                "to": written(each.end),
            }
            for each in held
        ],
    }
    edges = {edge for lapse in found for edge in (lapse.begin, lapse.end)}
    around = [moment for moment in inquiry.history.moments if moment.recorded.meta.recorded_at in edges]
    shown = proofs(*(each.begun for each in held), *around)
    if found:
        return Answer(f"Yes. {' '.join(_in_words(lapse, inquiry.until) for lapse in found)}", facts, shown, clear=False)
    if not held:
        return Answer("No: the case was never open.", facts, shown)
    parties = list(dict.fromkeys(named(each.owner) for each in held))
    last = max((each.end or inquiry.until for each in held), default=inquiry.until)
    text = (
        f"No. From {spoken(held[0].begin)} to {spoken(last)} exactly one person was responsible for each open step, "
        f"over {counted(len(held), 'interval')} without a gap between them: {listed(parties)}."
    )
    return Answer(text, facts, shown)


def intervals(history: History) -> list[Held]:
    """Who had which step of the case's way, in the order in which they came to it."""
    running: dict[str, Held] = {}
    over: list[Held] = []
    for moment in history.moments:
        at = moment.recorded.meta.recorded_at
        now = {step.key: step for step in moment.after.steps if step.step not in BESIDE}
        for key, held in list(running.items()):
            if key not in now or now[key].owner != held.owner:
                del running[key]
                # What begins and ends at once is none: an event only passed through it.
                if at > held.begin:
                    over.append(Held(held.step, held.owner, held.begun, at))
        for key, step in now.items():
            running.setdefault(key, Held(step.step, step.owner, moment))
    return sorted((*over, *running.values()), key=lambda held: (held.begin, held.begun.recorded.version, held.step))


def _lapse(lapse: Lapse, until: datetime) -> Facts:
    return {
        "kind": lapse.kind,
        "step": lapse.step,
        "parties": list(lapse.parties),
        "from": written(lapse.begin),
        "to": written(lapse.end),
        "hours": round(_hours(lapse, until), 2),
    }


def _in_words(lapse: Lapse, until: datetime) -> str:
    span = f"from {spoken(lapse.begin)}" + (f" to {spoken(lapse.end)}" if lapse.end is not None else " on")
    long = f"({_hours(lapse, until):.1f} hours)"
    if lapse.kind == NOBODY:
        return f"Nobody was responsible {span} {long}."
    return f"For {lapse.step} {listed(lapse.parties)} were responsible at once {span} {long}."


def _hours(lapse: Lapse, until: datetime) -> float:
    return max(0.0, ((lapse.end or until) - lapse.begin).total_seconds() / 3600)


QUESTION: Final = Question("Q5", "Was there any moment with nobody, or with two parties, responsible?", SOURCES, find)
