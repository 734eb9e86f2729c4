"""Which events the bundle of a case holds of this service's log, and what is made of them to stand beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

from msgspec import to_builtins

from contracts.refusals import REFUSALS
from services.casefile.domain.charter import CharterWritten, charter_stream
from services.casefile.domain.known_programme import programme_stream
from services.casefile.domain.state import case_stream
from services.casefile.domain.tellings import tellings_stream
from services.casefile.events import sentence
from services.casefile.receipts import statements
from services.chassis.audit.bundle.writing import Choice, Versions, as_member
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded

LOG: Final = "casefile"


async def referrals_of(log: EventLog, case_id: str) -> list[str]:
    """The ids of the referrals that a case has come by, in the order of their ids."""
    records = await log.read(case_stream(case_id))
    named = (getattr(recorded.event, "referral", None) for recorded in records)
    return sorted({name for name in named if isinstance(name, str)})


async def choose(log: EventLog, case_id: str, versions: Versions, through: int) -> Choice:
    """What was recorded up to a position: all of a case, or what stands at some versions of its stream alone.

    Who reads all of it gets with it who was told, and the programme and the charter as this service took them in.
    """
    stream = case_stream(case_id)
    records = [recorded for recorded in await log.read(stream) if recorded.position <= through]
    seen = [recorded for recorded in records if versions is None or recorded.version in versions]
    charters, programmes = _named(seen, "charter_version"), _named(seen, "programme_version")
    documents = {
        "charter-versions.json": as_member([each async for each in _written(log, charters, through)]),
        "programme-versions.json": as_member([each async for each in _learnt(log, programmes, through)]),
        "refusals.json": as_member({code: REFUSALS[code] for code in sorted(_refused(seen))}),
        "sentences.json": as_member([_in_words(recorded) for recorded in seen]),
    }
    receipts = statements(case_id, seen)
    if versions is not None:
        return Choice({stream: versions}, documents, receipts)
    learnt_in = {programme_stream(version.rpartition("/")[0]) for version in programmes}
    beside = (tellings_stream(case_id), *learnt_in, *map(charter_stream, charters))
    return Choice(dict.fromkeys((stream, *beside)), documents, receipts)


def _named(records: Sequence[Recorded], reference: str) -> list[str]:
    """What these events say that they were decided under."""
    return sorted({name for recorded in records if (name := recorded.meta.references.get(reference)) is not None})


async def _written(log: EventLog, versions: Sequence[str], through: int) -> AsyncIterator[dict[str, Any]]:
    """These versions of the charter, each as it was written."""
    for version in versions:
        for recorded in await log.read(charter_stream(version), most=1):
            if isinstance(recorded.event, CharterWritten) and recorded.position <= through:
                yield {"position": recorded.position, **to_builtins(recorded.event)}


async def _learnt(log: EventLog, versions: Sequence[str], through: int) -> AsyncIterator[dict[str, Any]]:
    """These versions of programmes, named as `programme/version`, each as this service learnt of it."""
    for version in versions:
        programme, _, number = version.rpartition("/")
        for recorded in await log.read(programme_stream(programme)):
            if str(recorded.event.version) == number and recorded.position <= through:
                yield {"position": recorded.position, **to_builtins(recorded.event)}


def _in_words(recorded: Recorded) -> dict[str, Any]:
    """An event in words, made of its fields alone: what was refused is said by its codes."""
    return {"position": recorded.position, "event": recorded.meta.event_id, "text": sentence(recorded.event)}


def _refused(records: Sequence[Recorded]) -> set[str]:
    """The codes of refusals that these events name."""
    return {text for recorded in records for text in _texts(to_builtins(recorded.event)) if text in REFUSALS}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
