"""A version of a programme that was published before a term or a parameter existed has the default of it."""

from __future__ import annotations

from datetime import date

from msgspec import json
from msgspec.structs import replace

from services.casefile.context import CaseContexts
from services.casefile.domain.known_programme import (
    KNOWN_PROGRAMME,
    LearnProgramme,
    ProgrammeLearnt,
    TermLength,
    decide_programme,
)
from services.casefile.projection import TABLES
from services.chassis.index.memory import MemoryIndex, MemoryIndexContents
from tests.casefile.casebook import RULES
from tests.support.actors import CLOCK
from tests.support.dates import end_of, on

LEARNT = ProgrammeLearnt(
    programme="mtw-be-2026",
    version=1,
    valid_from=date(2026, 1, 1),
    rules=replace(RULES, terms={"INTAKE": TermLength(n=7, unit="DAYS")}),
)


def stored_before(event: ProgrammeLearnt) -> ProgrammeLearnt:
    """The event as it was stored when its rules ended with the closing days."""
    whole = json.decode(json.encode(event))
    for later in (
        "ladder",
        "check_in_every_days",
        "professional_for",
        "substitution_in_case",
        "substitution_in_month",
        "confidentiality_version",
    ):
        del whole["rules"][later]
    return json.decode(json.encode(whole), type=ProgrammeLearnt)


def test_a_case_under_a_version_of_old_takes_a_term_that_came_later() -> None:
    """20 working days from Monday 12 January 2026 end on Monday 9 February; the version's own terms stay."""
    known = KNOWN_PROGRAMME.evolve(KNOWN_PROGRAMME.initial, stored_before(LEARNT))
    governs = known.in_force(on(12, 1))
    assert governs is not None
    terms = CaseContexts(MemoryIndex(MemoryIndexContents(TABLES))).terms(governs)
    assert terms.deadline("SERVICE_GAP", on(12, 1)).due_at == end_of(9, 2)
    assert terms.deadline("INTAKE", on(12, 1)).due_at == end_of(19, 1)


def test_a_version_of_old_tells_who_is_told_and_what_is_a_signal() -> None:
    """By the defaults: both contacts at a breach; two exceptions of a kind in a case, five in a month."""
    known = KNOWN_PROGRAMME.evolve(KNOWN_PROGRAMME.initial, stored_before(LEARNT))
    governs = known.in_force(on(12, 1))
    assert governs is not None
    assert governs.rules.ladder["L1"] == ("OWNER", "CASE_CONTACTS")
    assert (governs.rules.substitution_in_case, governs.rules.substitution_in_month) == (2, 5)


def test_what_was_learnt_of_old_is_not_learnt_again() -> None:
    """The same message once more changes nothing, although the program knows more terms by now."""
    known = KNOWN_PROGRAMME.evolve(KNOWN_PROGRAMME.initial, stored_before(LEARNT))
    again = LearnProgramme(
        at=on(12, 1),
        by=CLOCK,
        programme=LEARNT.programme,
        version=LEARNT.version,
        valid_from=LEARNT.valid_from,
        rules=LEARNT.rules,
    )
    assert decide_programme(again, known) == []
