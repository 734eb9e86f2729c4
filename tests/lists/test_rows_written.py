"""An index writes what an event changes, and no more: counted on the way of a referral, row by row of every tree.

The numbers are counted by hand from what lists ask. They are bounds: a new column to search in raises them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.chassis.index.sqlite import SQLiteIndex
from tests.casefile.cases import PROPOSAL, SERVICES, CaseContext
from tests.support.people import LOTTE
from tests.support.requests import INTAKE
from tests.support.rows_written import RowsWritten
from tests.support.running import running

READERS: Final = 3
"""Of a message: those who see everything, the agency, the organisation."""
MESSAGE: Final = READERS * 3
"""A row, found by its reader, and by reader and type."""
KNOWN_OF_CASE: Final = 2
"""What the agency knows of a case, and the organisation: which is open is found by a column that seldom changes."""
KNOWN: Final = KNOWN_OF_CASE + 2
"""And of a referral."""

SUBMITTED: Final = {
    # The referral and its seven lists; the case key, also by person; what is pending, also by time.
    "referral": 8 + 2 + 2,
    # The case with the key of its row and its seven lists; the organisation's part with seven; the answer as work.
    "casefile": 9 + 8 + 4,
    # That the referral was submitted, and that the case was opened; who the parties are. What both know: the case, by
    # whose it is, and the referral; the case again. The pair, also among all of them; that a night comes, also by time.
    "notifications": 2 * MESSAGE + 1 + 2 * (2 + 1) + 2 + 2 + 2,
}
RECEIVED: Final = {
    # Another state, which five lists go by; the next thing that is due.
    "referral": 6 + 2,
    # Another term: of the case in three lists, of the part in four, of the work in two.
    "casefile": 4 + 5 + 3,
    # What both know of the case and of the referral.
    "notifications": MESSAGE + KNOWN,
}
ACCEPTED: Final = {
    "referral": 6 + 2,
    # Another state and term, in all lists but that by person; two steps in the place of one; what is pending.
    "casefile": 6 + 8 + 3 + 4 + 2,
    "notifications": 2 * (MESSAGE + KNOWN),
}
ATTEMPTED: Final = {
    "referral": 0,
    # Another term, as above; a step less, in all that it was found by; what is pending.
    "casefile": 4 + 5 + 4 + 2,
    "notifications": MESSAGE + KNOWN_OF_CASE,
}
CONCLUDED: Final = {
    "referral": 0,
    # Another state, and another step in the place of the one before, with another term; what is pending.
    "casefile": 6 + 8 + 3 + 2,
    "notifications": MESSAGE + KNOWN_OF_CASE,
}
CONFIRMED_BY_ONE: Final = {
    "referral": 0,
    # Nothing that a list goes by: another version in the summary, and the position of what is pending.
    "casefile": 1 + 1,
    "notifications": MESSAGE + KNOWN_OF_CASE,
}


async def test_an_event_writes_of_the_index_what_it_changes(tmp_path: Path) -> None:
    """From the referral to a match that one side has confirmed: 154 rows until it is accepted, where there were 204."""
    async with running(tmp_path, SERVICES) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        await services.settle()
        written: dict[str, RowsWritten] = {}
        for name, service in services.services.items():
            assert isinstance(service.index, SQLiteIndex)
            written[name] = RowsWritten(service.index)

        async def told() -> dict[str, int]:
            await services.settle()
            return {name: rows.told() for name, rows in written.items()}

        def assert_at_most(most: dict[str, int], rows: dict[str, int]) -> None:
            assert all(0 <= rows[name] <= most[name] for name in most), (rows, most)
            assert sum(rows.values())

        case = await context.referred()
        assert_at_most(SUBMITTED, await told())
        await context.follow(case, LOTTE, "receive")
        assert_at_most(RECEIVED, await told())
        await context.follow(case, LOTTE, "accept", {"coordinator": LOTTE.sub})
        assert_at_most(ACCEPTED, await told())
        await services.done(LOTTE, case.path, "log-contact-attempt", {"reached": True})
        assert_at_most(ATTEMPTED, await told())
        await services.done(LOTTE, case.path, "conclude-intake", INTAKE)
        assert_at_most(CONCLUDED, await told())
        await services.done(LOTTE, case.path, "propose-match", PROPOSAL)
        await told()
        await services.done(LOTTE, case.path, "confirm-match", {"by": "MENTOR", "onBehalfReason": "NO_ACCOUNT"})
        assert_at_most(CONFIRMED_BY_ONE, await told())
