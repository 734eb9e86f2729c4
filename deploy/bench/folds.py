"""Whether an event of a long stream costs more than one of a short one: folds of every kind of stream that grows.

10^5 events fold next to 10^4 of the same kind, as a process does it that has just started: the events in memory, and
of an organisation, all of whose referrals are still running, from the log as well. At a ratio of rates of 1 the time is
linear in the events; where each event copies what was there before, it is below 0.1.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import uvloop
from msgspec.structs import replace

from deploy.bench.bench import Bench
from deploy.bench.engines import STORES, Place
from deploy.bench.results import Result, against
from services.casefile.domain import case, known_programme, mentor, mentoring, referral_entry, state
from services.casefile.domain.steps import Party
from services.chassis.deciding.streams import Streams
from services.chassis.log.event_log import Write
from services.chassis.log.metadata import Metadata
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Actor, Entity
from services.notifications.domain import inbox
from services.referral.domain import (
    case_key,
    deadlines,
    disclosure,
    legal_basis,
    organisation,
    person,
    programme,
    reminders,
)
from services.referral.domain.offer import Offer
from services.referral.domain.referral import REFERRAL
from services.referral.events import EVENT_TYPES

BEGAN: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)
AT_ONCE: Final = 1000
SOMEBODY: Final = Party(org="brugwerk", sub="somebody", role="NGO_COORDINATOR")

Make = Callable[[int], Any]


def about_seconds(bench: Bench) -> float:
    """How long it takes, roughly."""
    return 5 + 6 * sum(_sizes(bench)) / 10_000


def _sizes(bench: Bench) -> tuple[int, ...]:
    return (200, 400) if bench.quick else (10_000, 100_000)


def measure(bench: Bench) -> Iterator[Result]:
    """Every kind in memory, and an organisation on every engine."""
    for name, (entity, make) in _kinds().items():
        yield from _results(name, "none", {size: _in_memory(entity, make, size) for size in _sizes(bench)})
    yield from bench.on_each(STORES, _on)


def _on(bench: Bench, engine: str) -> Iterator[Result]:
    rates: dict[int, float] = {}
    for size in _sizes(bench):
        with bench.place(engine) as place:
            rates[size] = uvloop.run(_from_log(place, size))
    yield from _results("organisation, from the log", engine, rates)


def _results(name: str, engine: str, rates: Mapping[int, float]) -> Iterator[Result]:
    shortest = next(iter(rates))
    for size, rate in rates.items():
        beside = against(f"{shortest:,} events", rate, rates[shortest]) if size != shortest else ()
        yield Result(name=f"{name}, {size:,} events", engine=engine, rate=rate, compared=beside, at=size)


def _in_memory(entity: Entity[Any], make: Make, size: int) -> float:
    """Events per second of processor time."""
    state, took = entity.initial, 0.0
    for first in range(0, size, AT_ONCE):
        # A few at a time: what the collector of Python does for many that are kept is no matter of the fold.
        events = [make(number) for number in range(first, min(first + AT_ONCE, size))]
        began = time.process_time()
        for event in events:
            state = entity.evolve(state, event)
        took += time.process_time() - began
    return size / took


async def _from_log(place: Place, size: int) -> float:
    log = place.stores().event_log("referral", EVENT_TYPES)
    stream = organisation.organisation_stream("brugwerk")
    for first in range(0, size, AT_ONCE):
        numbers: Sequence[int] = range(first, min(first + AT_ONCE, size))
        await log.append([Write(stream, first, [one_place(number) for number in numbers])])
    await log.close()
    # Opened again: what was just written would still be known.
    log = place.stores().event_log("referral", EVENT_TYPES)
    began = time.perf_counter()
    folded = await Streams(log).fold(stream, organisation.ORGANISATION)
    took = time.perf_counter() - began
    assert folded.version == size  # noqa: S101 - otherwise the figure says nothing
    await log.close()
    return size / took


def one_place(number: int) -> tuple[Any, Metadata]:
    """The event that a referral took a place at an organisation, as it is appended; its id is `event-<number>`."""
    return _place(number), _metadata(number)


def _metadata(number: int) -> Metadata:
    by = Actor(sub="somebody", role="NGO_COORDINATOR", org="brugwerk")
    return Metadata(
        event_id=f"event-{number}", actor=by, occurred_at=BEGAN, recorded_at=BEGAN, correlation_id=f"event-{number}"
    )


def _at(number: int) -> datetime:
    return BEGAN + timedelta(minutes=number)


def _deadline(number: int) -> Deadline:
    return Deadline(name="DECISION", due_at=_at(number), remind_at=_at(number))


def _offer(number: int) -> Offer:
    return Offer(
        referral_id=f"referral-{number}",
        case_id="case",
        case_key="key",
        agency="vdab-gent",
        organisation="brugwerk",
        programme="mtw-be",
        programme_version=1,
    )


def _place(number: int) -> Any:
    return organisation.CapacityTaken(organisation="brugwerk", referral_id=f"referral-{number}")


def _key(number: int) -> Any:
    if number % 2 == 0:
        return case_key.CaseKeyTaken(referral_id=f"referral-{number}", case_id="case", submitted=True)
    return case_key.CaseKeyReleased(referral_id=f"referral-{number - 1}", offered=True)


def _version(number: int) -> Any:
    parameters = programme.Parameters(
        kind="MENTORING_TO_WORK",
        name="Mentoring",
        time_zone="Europe/Brussels",
        country="BE",
        criteria=("REGISTERED",),
        arrangement_id="arrangement",
        contact_point="contact",
    )
    return programme.ProgrammeVersionPublished(
        programme="mtw-be", version=number + 1, valid_from=date(2026, 1, 1), parameters=parameters
    )


def _learnt(number: int) -> Any:
    rules = known_programme.Rules(
        name="Mentoring",
        time_zone="Europe/Brussels",
        country="BE",
        terms={},
        agreement_months_max=6,
        extension_months_max=3,
        meetings_per_month_min=2,
        charter_version="v1",
    )
    return known_programme.ProgrammeLearnt(
        programme="mtw-be", version=number + 1, valid_from=date(2026, 1, 1), rules=rules
    )


def _entry(number: int) -> Any:
    return referral_entry.ReferralEntryTaken(
        name="DeadlineReminded",
        referral="referral",
        agency="vdab-gent",
        organisation="brugwerk",
        source_position=number,
        source_event_id=f"event-{number}",
        digest="",
        occurred_at=_at(number),
        recorded_at=_at(number),
        actor=SOMEBODY,
    )


def _meeting(number: int) -> Any:
    return mentoring.MeetingRecorded(happened_at=_at(number), minutes=60, mode="IN_PERSON", topics=())


def _message(number: int) -> Any:
    data = {"referral": f"referral-{number}", "agency": "vdab-gent", "organisation": "brugwerk", "case": "case"}
    return inbox.MessageTaken(
        source="/services/referral",
        sequence=number,
        type="org.caserelay.referral.submitted.v1",
        name="ReferralSubmitted",
        case="case",
        recorded_at=_at(number),
        audience=("brugwerk",),
        message={"data": data},
    )


def _in_mentoring() -> Entity[state.Case]:
    trajectory = state.Trajectory(coordinator=SOMEBODY, accepted_at=BEGAN)
    return replace(case.CASE, initial=state.Case(trajectory=trajectory))


def _kinds() -> dict[str, tuple[Entity[Any], Make]]:
    """What grows in each kind of stream."""
    return {
        "organisation": (organisation.ORGANISATION, _place),
        "programme": (programme.PROGRAMME, _version),
        "person": (
            person.PERSON,
            lambda n: person.PersonReferred(programme=f"mtw-{n}", case_key=f"key-{n}", referral_id=f"referral-{n}"),
        ),
        "case key": (case_key.CASE_KEY, _key),
        "legal basis": (
            legal_basis.LEGAL_BASIS,
            lambda n: legal_basis.LegalBasisReliedOn(
                legal_basis_id="basis", referral_id=f"referral-{n}", recipient="brugwerk", purpose="ACCEPT", at=_at(n)
            ),
        ),
        "referral": (
            REFERRAL,
            lambda n: deadlines.DeadlineMissed(
                offer=_offer(0), at=_at(n), by="vdab-gent", deadline=_deadline(n), awaited="vdab-gent"
            ),
        ),
        "reminders": (
            reminders.REMINDERS,
            lambda n: reminders.DeadlineReminded(offer=_offer(0), deadline=_deadline(n), awaited="brugwerk"),
        ),
        "disclosures": (
            disclosure.DISCLOSURES,
            lambda n: disclosure.ContactDisclosed(offer=_offer(0), at=_at(n), to="brugwerk", legal_basis_id="basis"),
        ),
        "case, messages taken in": (case.CASE, _entry),
        "case, meetings": (_in_mentoring(), _meeting),
        "mentor": (mentor.MENTOR, lambda n: mentor.MentorEngaged(case=f"case-{n}")),
        "known programme": (known_programme.KNOWN_PROGRAMME, _learnt),
        "inbox": (inbox.INBOX, _message),
    }
