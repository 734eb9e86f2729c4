"""Where offers to several organisations lead a case, against the rows that say so: over HTTP, as the messages come."""

from __future__ import annotations

from services.casefile.other_commands import OTHER_COMMANDS
from tests.casefile.cases import CASES, CaseContext
from tests.support.broadcasts import BROADCASTS, broadcast
from tests.support.people import INES


def declared(told: str) -> set[tuple[str | None, str]]:
    """The ways that the rows have for a message."""
    moves = (move for row in OTHER_COMMANDS for move in row.leads_to if move.told == told)
    return {(since, move.to) for move in moves for since in move.since}


async def test_a_case_goes_where_the_rows_of_its_broadcasts_lead(context: CaseContext) -> None:
    """Opened by the first, returned by its end, referred again by the next; and nowhere else."""
    body = broadcast()
    been: dict[str, set[tuple[str | None, str]]] = {"BroadcastOpened": set(), "BroadcastEnded": set()}
    state: str | None = None
    for _ in range(2):
        made = await context.running.create(INES, BROADCASTS, body)
        assert made.status_code == 201, made.text
        path = f"{CASES}/{made.json()['case']}"
        for told in been:
            if told == "BroadcastEnded":
                await context.running.done(INES, made.headers["Location"], "withdraw", {"reason": "CLIENT_MOVED"})
            await context.running.settle()
            before, state = state, str((await context.running.read(INES, path))["state"])
            been[told].add((before, state))
    assert been == {told: declared(told) for told in been}
