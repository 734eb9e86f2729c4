"""What the timeline shows of who was told: for each event, every organisation and channel, as it stands last."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from contracts.letter_codes import LetterResult
from contracts.telling_codes import TellingState, ToldBy
from services.casefile.domain.tellings import PersonAskedNoted, ToldNoted
from services.casefile.history import known, occurred_at
from services.chassis.http.response.rendering import Json
from services.chassis.log.metadata import Recorded


def tellings_of(
    records: Sequence[Recorded],
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    seen_by: Collection[str | None] | None = None,
) -> Mapping[str, Sequence[Json]]:
    """By the id of an event, who was told of it: as of a moment, as known at another, in order.

    `records` are of the stream beside the case. With `seen_by` no more than what those organisations were told.
    """
    found: dict[str, dict[tuple[str, ...], Json]] = {}
    for recorded in known(records, as_of, known_at):
        event = recorded.event
        if not isinstance(event, ToldNoted | PersonAskedNoted):
            continue
        if seen_by is not None and event.organisation not in seen_by:
            continue
        at = occurred_at(recorded)
        if isinstance(event, PersonAskedNoted):
            side = (event.organisation, ToldBy.EMAIL.value, event.side)
            found.setdefault(event.event, {})[side] = _of_side(event, at)
            continue
        for event_id in event.events:
            ways = found.setdefault(event_id, {})
            way = event.organisation, event.channel
            if (before := ways.get(way)) is not None and before["at"] > at:
                # An earlier state that came later.
                continue
            ways[way] = {"organisation": way[0], "channel": way[1], "state": event.state, "at": at}
    return {event: list(ways.values()) for event, ways in found.items()}


def _of_side(event: PersonAskedNoted, at: datetime) -> Json:
    """That mentor or mentee was asked by a letter; or why not, so that somebody asks them in another way."""
    sent = event.result == LetterResult.SENT
    shown: Json = {
        "organisation": event.organisation,
        "channel": ToldBy.EMAIL.value,
        "side": event.side,
        "state": (TellingState.SENT if sent else TellingState.FAILED).value,
        "at": at,
    }
    return shown if sent else {**shown, "reason": event.result}
