"""Builds the casefile service: the only place of it that names concrete classes."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from fastapi import FastAPI

from contracts import referral as referral_contracts
from contracts.barred_roles import BARRED
from contracts.casefile import SOURCE, TOPIC
from contracts.message import CaseMessage, CloudEvent, Message
from services.casefile import api, mentors
from services.casefile.casework import Casework
from services.casefile.context import Contexts
from services.casefile.domain.case import Context
from services.casefile.domain.deadlines import PassDeadline, RemindDeadline
from services.casefile.domain.decisions import decide
from services.casefile.domain.known_programme import (
    KNOWN_ORGANISATION,
    KNOWN_PROGRAMME,
    KnownOrganisation,
    KnownProgramme,
    LearnOrganisation,
    LearnProgramme,
    decide_organisation,
    decide_programme,
)
from services.casefile.domain.mentor import DescribeMentor, Mentor, decide_mentor
from services.casefile.domain.transitions import CASE
from services.casefile.events import EVENT_TYPES
from services.casefile.lists import Lists
from services.casefile.operations import DESCRIBED
from services.casefile.projection import TABLES, VERSION, Listing
from services.casefile.publishing import publish
from services.casefile.queries import Cases
from services.casefile.reactions import REACTIONS, Told, stream_of
from services.chassis.access.identity import Verifier
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.bus import Bus
from services.chassis.delivery.consumer import Consumer
from services.chassis.delivery.publisher import Publisher
from services.chassis.http.app import service_app
from services.chassis.index.index import Row
from services.chassis.index.projection import Projection
from services.chassis.leading.leadership import Leadership
from services.chassis.modelling.decider import Actor, Command
from services.chassis.operating.telemetry import Telemetry
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Scheduler, instant

NAME: Final = "casefile"
SYSTEM: Final = Actor(sub="casefile-service", role="SYSTEM", org="caserelay")

_MESSAGES: Final = {kind.TYPE: kind for kind in REACTIONS}


class _Reactor:
    """Runs the commands that messages of the referral service and the scheduler give."""

    def __init__(self, streams: Streams, cases: Handler[Command, Context], clock: Clock) -> None:
        self._cases = cases
        self._clock = clock
        self._learning = asyncio.Lock()
        self._programmes = Handler[LearnProgramme, KnownProgramme](streams, OwnState(), decide_programme)
        self._organisations = Handler[LearnOrganisation, KnownOrganisation](streams, OwnState(), decide_organisation)

    async def react(self, event: CloudEvent) -> None:
        """Takes in one message; what casefile does not react to passes by."""
        if (kind := _MESSAGES.get(event.type)) is None:
            return
        message: Message = kind.model_validate(event.data)
        stream = stream_of(message)
        if stream is None:
            return
        told = Told(at=self._clock.now(), by=SYSTEM, source_event_id=event.id, source_position=int(event.sequence))
        command = REACTIONS[kind](message, told)
        call = Call(
            actor=command.by,
            causation_id=event.id,
            causation_sequence=int(event.sequence),
            correlation_id=event.id,
            occurred_at=message.occurred_at if isinstance(message, CaseMessage) else None,
            traceparent=event.traceparent,
        )
        match command:
            case LearnProgramme():
                async with self._learning:
                    await self._programmes.handle(command, stream, KNOWN_PROGRAMME, call, must_exist=False)
            case LearnOrganisation():
                await self._organisations.handle(command, stream, KNOWN_ORGANISATION, call, must_exist=False)
            case _:
                # Keys are handled side by side, and a case rests on the programme that was published before it.
                async with self._learning:
                    pass
                await self._cases.handle(command, stream, CASE, call, must_exist=False)

    async def fire(self, row: Row, _at: datetime) -> None:
        """A deadline fell due."""
        kind = RemindDeadline if row.columns["kind"] == "REMIND" else PassDeadline
        due_at = instant(str(row.columns["due"]))
        command = kind(at=self._clock.now(), by=SYSTEM, name=str(row.columns["name"]), due_at=due_at)
        await self._cases.handle(command, str(row.columns["stream"]), CASE, Call(actor=SYSTEM))


def build(
    settings: Settings, stores: Stores, bus: Bus, clock: Clock, verifier: Verifier, telemetry: Telemetry
) -> FastAPI:
    """The casefile service's application; `app.state.service` is the service behind it."""
    log = stores.event_log(NAME, EVENT_TYPES)
    streams = Streams(log)
    vault = stores.vault(NAME)
    index = stores.index(NAME, TABLES, VERSION)
    listing = Listing(streams, index)
    projection = Projection(log, index, listing.project, listing.look)
    contexts = Contexts(index)
    handler = Handler[Command, Context](streams, contexts, decide)
    mentor_handler = Handler[DescribeMentor, Mentor](streams, OwnState(), decide_mentor)
    reactor = _Reactor(streams, handler, clock)
    consumers = stores.consumer_store(NAME)

    async def refers(stream: str, ref: str) -> bool:
        return any(ref in repr(recorded.event) for recorded in await log.read(stream))

    service = Service(
        name=NAME,
        settings=settings,
        clock=clock,
        verifier=verifier,
        log=log,
        epochs=stores.epochs(NAME),
        streams=streams,
        vault=vault,
        index=index,
        projection=projection,
        bus=bus,
        leadership=Leadership(stores.lease(NAME)),
        publisher=Publisher(log, bus, topic=TOPIC, source=SOURCE, translate=publish),
        scheduler=Scheduler(index, projection, clock, reactor.fire),
        sources={"referral": Consumer(NAME, referral_contracts.TOPIC, bus, consumers, reactor.react)},
        refers=refers,
        stores=stores.health_of(NAME),
        closers=[consumers.close],
    )
    cases = Cases(streams, contexts, clock)
    casework = Casework(cases, handler, vault, clock)
    lists = Lists(cases, index, service.caught_up, clock)
    return service_app(
        service,
        title="Caserelay casefile service",
        summary="The shared case: who is responsible for which step, until when, and what happened.",
        routers=[
            api.routes(cases, casework, lists),
            mentors.routes(streams, mentor_handler, index, service.caught_up, clock),
        ],
        telemetry=telemetry,
        bars=BARRED,
        described=DESCRIBED,
    )
