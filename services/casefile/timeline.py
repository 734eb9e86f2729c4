"""The timeline of a case: its stream, item by item, with who was responsible after each; pure folds over the log."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType

from contracts import visibility
from contracts.terms import SAME_REFUSAL
from contracts.visibility import Parties, Place
from services.casefile.domain.broadcast import ACCEPTED, OfferEntryTaken
from services.casefile.domain.case import evolve
from services.casefile.domain.correction import CorrectionRecorded
from services.casefile.domain.disclosure import DisclosureRefused
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.report_facts import Reported
from services.casefile.domain.state import Case
from services.casefile.domain.steps import Moves, Party, find, step_of
from services.casefile.domain.task_refusals import TaskRefusedByCharter
from services.casefile.events import sentence
from services.casefile.history import known, moment, occurred_at
from services.casefile.sentences import passed_on, to_substitutes
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.ladder import Receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One event as the timeline shows it.

    `position` is the event's place in the case's stream, without gaps for a reader who sees all; `responsible` owns
    `step` (None once no step is open) after the event; `digest` is the SHA-256 of the stored bytes, for a referral
    message those of the referral log. A correction names the event that it `corrects` and what `holds` instead, and
    that event the ids of its corrections. `count` says how often the same was refused, to one person within an hour.
    Of a term it says which `level` it has come to, and who is `notified`.
    """

    position: int
    event: str
    type: str
    occurred_at: datetime
    recorded_at: datetime
    actor: Party
    on_behalf_of: str | None
    on_behalf_reason: str | None
    substitute_for: str | None
    responsible: Party | None
    step: str | None
    due_at: datetime | None
    text: str
    digest: str
    corrects: str | None = None
    holds: Reported | None = None
    corrected_by: tuple[str, ...] = ()
    count: int = 1
    level: str | None = None
    notified: tuple[Receiver, ...] = ()
    method: str | None = None


def timeline(
    records: Sequence[Recorded],
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    seen_by: str | None = None,
) -> list[Item]:
    """The items of a case's stream; those that the organisation `seen_by` may see, or all without one."""
    sight = sight_of(records, seen_by) if seen_by is not None else None
    items: list[Item] = []
    refused: dict[tuple[Party, Hashable], int] = {}
    for recorded, case in followed(known(records, as_of, known_at), sight):
        if _is_repeated(recorded.event):
            continue
        item = _item(recorded, case)
        if (what := _refused(recorded.event)) is not None:
            first = refused.get((item.actor, what))
            if first is not None and item.recorded_at - items[first].recorded_at < SAME_REFUSAL:
                items[first] = replace(items[first], count=items[first].count + 1)
                continue
            refused[item.actor, what] = len(items)
        items.append(item)
    corrections: dict[str, tuple[str, ...]] = {}
    for item in items:
        if item.corrects is not None:
            corrections[item.corrects] = (*corrections.get(item.corrects, ()), item.event)
    return [replace(item, corrected_by=corrections.get(item.event, ())) for item in items] if corrections else items


def _is_repeated(event: Any) -> bool:
    """Whether an event is one of old that says what the next one of its referral does: that an offer was accepted."""
    return isinstance(event, OfferEntryTaken) and event.name == ACCEPTED


def _refused(event: Any) -> Hashable:
    """What was refused, where the event says that something was: the same again is no item of its own."""
    match event:
        case TaskRefusedByCharter() | DisclosureRefused():
            return event
        case ReferralEntryTaken(name="DisclosureRefused"):
            return event.referral, event.codes
        case _:
            return None


def _item(recorded: Recorded, after: Case) -> Item:
    event, meta = recorded.event, recorded.meta
    step = _step(event) or after.current_step
    held = find(after.steps, step, _about(event)) if step is not None else None
    if held is None and after.current_step is not None:
        held = find(after.steps, after.current_step)
    entry = event if isinstance(event, ReferralEntryTaken) else None
    receivers: tuple[Receiver, ...] = getattr(event, "notified", None) or ()
    return Item(
        position=recorded.version,
        event=entry.source_event_id if entry is not None else meta.event_id,
        type=entry.name if entry is not None else type(event).__name__,
        occurred_at=occurred_at(recorded),
        recorded_at=meta.recorded_at,
        actor=entry.actor if entry is not None else Party(role=meta.actor.role, org=meta.actor.org, sub=meta.actor.sub),
        on_behalf_of=meta.actor.on_behalf_of,
        on_behalf_reason=meta.actor.on_behalf_reason,
        substitute_for=meta.actor.stands_in_for,
        method=meta.actor.method or None,
        responsible=held.owner if held is not None else after.lead,
        step=step,
        # Of the step that the event names, where it sets no term of its own.
        due_at=_due_at(event) or (held.due_at if held is not None and held.step == _step(event) else None),
        text=f"{sentence(event)}{to_substitutes(event)}{passed_on(meta.actor)}",
        digest=entry.digest if entry is not None else recorded.digest,
        corrects=event.corrects if isinstance(event, CorrectionRecorded) else None,
        holds=event.holds if isinstance(event, CorrectionRecorded) else None,
        level=(getattr(event, "level", None) or None) if receivers else None,
        notified=receivers,
    )


def _step(event: Any) -> str | None:
    if (named := getattr(event, "step", None)) is not None:
        return str(named)
    if isinstance(event, Moves):
        begun = [step.step for step in (*event.opens, *event.renews)]
        return next(iter((*begun, *map(step_of, event.closes))), None)
    return None


def _about(event: Any) -> str | UnsetType:
    begun = (*event.opens, *event.renews) if isinstance(event, Moves) else ()
    return next((step.about for step in begun), UNSET)


def _due_at(event: Any) -> datetime | None:
    if (named := getattr(event, "due_at", None)) is not None:
        return named if isinstance(named, datetime) else None
    begun = (*event.opens, *event.renews) if isinstance(event, Moves) else ()
    return min((due for step in begun if (due := step.due_at) is not None), default=None)


# --- who may see which items ----------------------------------------------------------------------------------------


class Sight(NamedTuple):
    """What an organisation sees of a case: the stream versions, and those at which a part of it begins."""

    seen: frozenset[int] = frozenset()
    begins: frozenset[int] = frozenset()


def sight_of(records: Sequence[Recorded], organisation: str) -> Sight:
    """What an organisation sees, by the feed's rule (`contracts.visibility`)."""
    parties = Parties()
    items: dict[int, visibility.Item] = {}
    place: Place = (0,)
    before: Recorded | None = None
    for recorded in records:
        # What was recorded together stands in one place: the entry of a case belongs to its first referral.
        if before is None or moment(before) != moment(recorded):
            place = (recorded.version,)
        before = recorded
        name, facts = _public(recorded)
        for fact in visibility.facts_of(name, facts, place):
            parties = parties.take(fact)
        items[recorded.version] = visibility.item_of(name, facts, place)
    begun = (part.since for part in parties.parts if part.organisation == organisation)
    return Sight(
        frozenset(version for version, item in items.items() if parties.sees(organisation, item)),
        frozenset(since[0] for since in begun if since is not None),
    )


def visible_to(records: Sequence[Recorded], organisation: str) -> frozenset[int]:
    """The stream versions that an organisation may see."""
    return sight_of(records, organisation).seen


def version_seen(records: Sequence[Recorded], organisation: str) -> int:
    """The version of the last that an organisation sees: what others do, or it tries itself, does not move it."""
    return max(sight_of(records, organisation).seen, default=0)


def history_of(records: Sequence[Recorded], sight: Sight) -> list[Recorded]:
    """The events from which a reader's own view of the case is folded; without anything seen, none.

    That is what it sees, on top of what stood when it was addressed the last time: what happened with others before
    that has led to where its part begins.
    """
    latest = max((record.version for record in records if record.version in sight.begins), default=0)
    first = max(latest, min(sight.seen, default=0))
    return [recorded for recorded in records if recorded.version < first or recorded.version in sight.seen]


def followed(records: Iterable[Recorded], sight: Sight | None) -> Iterator[tuple[Recorded, Case]]:
    """Each event that is seen, and the case after it as the reader knows it: as in `history_of` at that moment."""
    case = whole = Case()
    first = min(sight.seen, default=0) if sight is not None else 0
    for recorded in records:
        if sight is None:
            case = evolve(case, recorded.event)
            yield recorded, case
            continue
        if recorded.version in sight.begins:
            case = whole
        whole = evolve(whole, recorded.event)
        if recorded.version < first or recorded.version in sight.seen:
            # Who is responsible after it is shown without what happened with others meanwhile.
            case = evolve(case, recorded.event)
        if recorded.version in sight.seen:
            yield recorded, case


def _public(recorded: Recorded) -> tuple[str, dict[str, Any]]:
    event = recorded.event
    named = {name: getattr(event, name, None) for name in ("referral", "agency", "organisation", "reason")}
    if isinstance(event, OfferEntryTaken):
        # Seen by whose offer it was, once that one has a part in the case; it gives nobody a part.
        return "OfferAnswered", named
    if isinstance(event, ReferralEntryTaken):
        return event.name, {**named, "closure": next(iter(event.codes), None)}
    return type(event).__name__, named
