"""What a follower of both services makes of their messages, in any order in which it may hear of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

from contracts.message import CaseMessage, as_json
from services.casefile.publishing import publish as publish_of_case
from services.chassis.log.metadata import Recorded
from services.notifications.domain.inbox import MessageTaken
from services.notifications.domain.standing import Known, known_from
from services.referral.publishing import publish as publish_of_referral

_PUBLISHES: Final = {"referral": publish_of_referral, "casefile": publish_of_case}


def known_of_cases(logs: Mapping[str, Sequence[Recorded]], drawn: Random) -> dict[str, Known]:
    """What is known of each case: each service's messages come in their order, and a cause before its effects."""
    referral, casefile = (list(_messages(name, logs[name])) for name in ("referral", "casefile"))
    causes, heard = {event.message["id"] for event in referral}, set[str]()
    by_case: defaultdict[str, list[MessageTaken]] = defaultdict(list)
    while referral or casefile:
        may_be_next = bool(casefile) and casefile[0].message.get("causationid") not in causes - heard
        event = (casefile if may_be_next and (not referral or drawn.random() < 0.5) else referral).pop(0)
        heard.add(event.message["id"])
        by_case[str(event.case)].append(event)
    return {case: known_from(events) for case, events in by_case.items()}


def _messages(name: str, log: Sequence[Recorded]) -> Iterator[MessageTaken]:
    for recorded in log:
        published = _PUBLISHES[name](recorded)
        if published is None or not isinstance(published[1], CaseMessage):
            continue
        case, message = published
        told: dict[str, Any] = {"id": recorded.meta.event_id, "data": as_json(message)}
        if recorded.meta.causation_sequence is not None:
            told["causationid"] = recorded.meta.causation_id
        yield MessageTaken(
            source=f"/services/{name}",
            sequence=recorded.position,
            type=message.TYPE,
            name=message.NAME,
            case=case,
            recorded_at=recorded.meta.recorded_at,
            audience=(),
            message=told,
        )
