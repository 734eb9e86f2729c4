"""Builds the referral service: the only place of it that names concrete classes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from fastapi import FastAPI

from contracts import casefile as casefile_contracts
from contracts.barred_roles import BARRED
from contracts.message import CloudEvent, Message
from contracts.referral import SOURCE, TOPIC
from services.chassis.access.identity import Verifier
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.bus import Bus
from services.chassis.delivery.consumer import Consumer
from services.chassis.delivery.publisher import Publisher
from services.chassis.http.app import service_app
from services.chassis.index.index import Index, Row
from services.chassis.index.projection import Projection
from services.chassis.leading.leadership import Leadership
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Actor, Command
from services.chassis.operating.telemetry import Telemetry
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Scheduler, instant
from services.referral import api, bulk, reactions, registry
from services.referral import projection as listing
from services.referral.context import Contexts, KnownBefore, OrganisationContexts
from services.referral.domain import case_key, organisation, programme, referral
from services.referral.domain.case_key import CASE_KEY, CaseKey, case_key_stream
from services.referral.domain.context import Context
from services.referral.domain.offer import referral_stream
from services.referral.domain.organisation import DescribeOrganisation, OrganisationContext
from services.referral.domain.programme import Programme, PublishVersion
from services.referral.domain.referral import REFERRAL
from services.referral.domain.timekeeping import PassDeadline, RemindDeadline
from services.referral.events import EVENT_TYPES
from services.referral.intake import Intake
from services.referral.lists import Lists
from services.referral.operations import DESCRIBED
from services.referral.publishing import publish
from services.referral.queries import Referrals

NAME: Final = "referral"
SYSTEM: Final = Actor(sub="referral-service", role="SYSTEM", org="caserelay")

_REACTIONS: Final = {
    kind.TYPE: kind
    for kind in (
        casefile_contracts.HandbackAccepted,
        casefile_contracts.NgoAccessExpired,
        casefile_contracts.CaseClosed,
        casefile_contracts.CaseReopened,
        casefile_contracts.CorrectionRecorded,
    )
}


def _translate(recorded: Recorded) -> tuple[str, Message] | None:
    publication = publish(recorded)
    return (publication.subject, publication.message) if publication is not None else None


class _Reactor:
    """Runs the commands that messages of casefile and the scheduler give."""

    def __init__(
        self,
        streams: Streams,
        referrals: Handler[Command, Context],
        case_keys: Handler[Any, CaseKey],
        index: Index,
        projection: Projection,
        clock: Clock,
    ) -> None:
        self._streams = streams
        self._referrals = referrals
        self._case_keys = case_keys
        self._index = index
        self._projection = projection
        self._clock = clock

    async def react(self, event: CloudEvent) -> None:
        """Handles one message of casefile; what concerns nobody here passes by."""
        if (kind := _REACTIONS.get(event.type)) is None:
            return
        message = kind.model_validate(event.data)
        told = reactions.Told(at=self._clock.now(), by=SYSTEM)
        call = Call(
            actor=SYSTEM,
            causation_id=event.id,
            causation_sequence=int(event.sequence),
            correlation_id=event.id,
            occurred_at=message.occurred_at,
            traceparent=event.traceparent,
        )
        match message:
            case casefile_contracts.HandbackAccepted():
                command = reactions.when_handback_accepted_complete_the_referral(message, told)
                await self._referrals.handle(command, referral_stream(message.referral), REFERRAL, call)
            case casefile_contracts.NgoAccessExpired():
                expired = reactions.when_ngo_access_expired_end_that_to_the_referral(message, told)
                await self._referrals.handle(expired, referral_stream(message.referral), REFERRAL, call)
            case casefile_contracts.CaseClosed():
                closed = reactions.when_case_closed_let_the_next_referral_open_a_new_one(message, told)
                await self._about_case(message.case, closed, call)
            case casefile_contracts.CaseReopened():
                reopened = reactions.when_case_reopened_use_it_again(message, told)
                await self._about_case(message.case, reopened, call)
            case casefile_contracts.CorrectionRecorded():
                corrected = reactions.when_a_waiting_lists_date_is_corrected_answer_the_right_one(message, told)
                if corrected is not None:
                    await self._referrals.handle(corrected, referral_stream(corrected.referral_id), REFERRAL, call)

    async def _about_case(self, case_id: str, command: Command, call: Call) -> None:
        await self._projection.wait_through(await self._streams.log.head())
        for row in self._index.find(listing.REFERRALS.name, {"case_id": case_id}, after=0, limit=1):
            offer = (await self._streams.fold(referral_stream(row.key), REFERRAL)).state.offer
            if offer is not None:
                await self._case_keys.handle(command, case_key_stream(offer.case_key), CASE_KEY, call)

    async def fire(self, row: Row, _at: datetime) -> None:
        """A deadline fell due."""
        kind = RemindDeadline if row.columns["kind"] == "REMIND" else PassDeadline
        referral_id = str(row.columns["stream"])
        command = kind(
            at=self._clock.now(),
            by=SYSTEM,
            referral_id=referral_id,
            name=str(row.columns["name"]),
            due_at=instant(str(row.columns["due"])),
        )
        await self._referrals.handle(command, referral_stream(referral_id), REFERRAL, Call(actor=SYSTEM))


def build(
    settings: Settings, stores: Stores, bus: Bus, clock: Clock, verifier: Verifier, telemetry: Telemetry
) -> FastAPI:
    """The referral service's application; `app.state.service` is the service behind it."""
    log = stores.event_log(NAME, EVENT_TYPES)
    streams = Streams(log)
    vault = stores.vault(NAME)
    index = stores.index(NAME, listing.TABLES, listing.VERSION)
    projection = Projection(log, index, listing.project)
    known_before = KnownBefore(index, projection.catch_up, settings.wait_seconds)
    contexts = Contexts(known_before)
    referrals = Handler[Command, Context](streams, contexts, referral.decide)
    organisations = Handler[DescribeOrganisation, OrganisationContext](
        streams, OrganisationContexts(), organisation.decide
    )
    programmes = Handler[PublishVersion, Programme](streams, OwnState(), programme.decide)
    case_keys = Handler[Command, CaseKey](streams, OwnState(), case_key.decide)
    reactor = _Reactor(streams, referrals, case_keys, index, projection, clock)
    consumers = stores.consumer_store(NAME)
    consumer = Consumer(NAME, casefile_contracts.TOPIC, bus, consumers, reactor.react)

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
        publisher=Publisher(log, bus, topic=TOPIC, source=SOURCE, translate=_translate),
        scheduler=Scheduler(index, projection, clock, reactor.fire),
        sources={"casefile": consumer},
        refers=refers,
        stores=stores.health_of(NAME),
        closers=[consumers.close],
    )
    found = Referrals(streams, contexts, clock)
    intake = Intake(found, referrals, vault, clock, known_before.all)
    lists = Lists(found, index, service.caught_up)
    listed = registry.Registry(found, organisations, programmes, referrals, vault, index, service.caught_up, clock)
    return service_app(
        service,
        title="Caserelay referral service",
        summary="Offers of jobseekers to mentoring organisations, and what they answer.",
        # Bulk first: its path would otherwise be taken for a referral's id.
        routers=[bulk.routes(intake), api.routes(found, intake, lists), registry.routes(listed)],
        telemetry=telemetry,
        bars=BARRED,
        described=DESCRIBED,
        plain=api.plain_routes(intake),
    )
