"""Stories under a clock that fires: every reminder and breach at its own time, as the service's scheduler has them."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from services.casefile.domain.deadlines import PassDeadline, RemindDeadline, running
from services.casefile.domain.known_programme import KnownProgramme, ProgrammeLearnt, Rules, TermLength
from services.casefile.domain.ladder import EscalateDeadline, late_terms
from services.chassis.modelling.decider import Refused
from services.chassis.time.calendar import Calendar
from tests.casefile.casebook import LENGTHS, RULES, Casebook
from tests.casefile.stories import SECOND_MENTOR
from tests.support.actors import CLOCK
from tests.support.dates import on

WHOLE = replace(RULES, terms={name: TermLength(n=n, unit=unit) for name, (n, unit) in LENGTHS.items()})
PROGRAMME = "mtw-be-2026"


def known(rules: Rules = WHOLE) -> KnownProgramme:
    """What casefile knows of the programme: one version, from the beginning of 2026 on."""
    learnt = ProgrammeLearnt(programme=PROGRAMME, version=1, valid_from=on(1, 1).date(), rules=rules)
    return KnownProgramme(versions=KnownProgramme().versions.insert(1, learnt))


def clocked(told: Casebook, until: datetime, lengths: dict[str, tuple[int, str]] | None = None) -> Casebook:
    """What the people of another book did, each at their time, with all that falls due before and after it, `until`.

    What the rules refuse, now that the clock has fired, nobody does.
    """
    book = Casebook()
    if lengths is not None:
        book.terms = Calendar({**LENGTHS, **lengths}, "Europe/Brussels", "BE")
    for mentor in ("M-41", SECOND_MENTOR):
        book.describe_mentor(mentor=mentor)
    for command, occurred_at, cause in told.given:
        if isinstance(command, PassDeadline | RemindDeadline | EscalateDeadline):
            continue
        tick(book, command.at)
        try:
            book.give_again(command, occurred_at, cause)
        except Refused:
            continue
    tick(book, until)
    return book


def tick(book: Casebook, until: datetime) -> None:
    """Fires what falls due by an instant, in order."""
    done: set[tuple[str, str, datetime]] = set()
    now = book.history[-1].meta.recorded_at if book.history else until
    while True:
        pending = [
            (level.at, late.name, level.level, late.due_at)
            for late in late_terms(book.case)
            for level in late.to_come
            if level.at <= until and (late.name, level.level, late.due_at) not in done
        ]
        pending += [
            (at, due.name, kind, due.due_at)
            for due in running(book.case)
            for kind, at in (("PASS", due.due_at), ("REMIND", due.remind_at))
            if at is not None and at <= until and (due.name, kind, due.due_at) not in done
        ]
        if not pending:
            return
        at, name, kind, due_at = min(pending)
        done.add((name, kind, due_at))
        now = max(now, at)
        if kind in ("PASS", "REMIND"):
            command = PassDeadline if kind == "PASS" else RemindDeadline
            book.act(command(at=now, by=CLOCK, name=name, due_at=due_at))
        else:
            book.act(EscalateDeadline(at=now, by=CLOCK, name=name, due_at=due_at, level=kind))
