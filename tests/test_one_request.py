"""What counts the files that a request passes through sees them."""

from __future__ import annotations

from pathlib import Path

from tests.support.house import ROOT
from tests.support.one_request import count


async def test_the_way_of_a_request_is_counted(tmp_path: Path) -> None:
    """From the edge to the rules and the log, in files that are there; each move is between two of them."""
    way = await count(tmp_path)
    assert {"services/origin.py", "services/referral/domain/submission.py"} <= set(way.entered)
    assert any(name.startswith("services/chassis/log/") for name in way.entered)
    assert [name for name in way.entered if not (ROOT / name).exists()] == []
    assert {name for move in way.moves for name in move} <= set(way.entered)
    assert all(one != other for one, other in way.moves)
