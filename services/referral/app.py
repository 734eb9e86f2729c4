"""Builds the referral service: the only place of it that names concrete classes."""

from __future__ import annotations

from functools import partial
from typing import Final

from fastapi import FastAPI

from contracts import casefile as casefile_contracts
from contracts import notifications as notifications_contracts
from contracts.audited import ACCESS
from contracts.barred_roles import BARRED
from contracts.message import Envelope
from contracts.referral import SOURCE, TOPIC
from services.chassis.access.identity import Verifier
from services.chassis.audit.transparency_log import TransparencyLog
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Handler
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.bus import Bus
from services.chassis.delivery.consumer import Consumer
from services.chassis.delivery.publisher import Publisher
from services.chassis.delivery.together import Together
from services.chassis.http import audit
from services.chassis.http.app import service_app
from services.chassis.index.projection import Projection
from services.chassis.leading.leadership import Leadership
from services.chassis.log.pages import mentions
from services.chassis.mail.post import Post
from services.chassis.mail.postman import Postman
from services.chassis.operating.telemetry import Telemetry
from services.chassis.reads.recorder import Recorder
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.store_opener import StoreOpener
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Scheduler
from services.referral.actions import decide
from services.referral.acts_by_link import ActsByLink
from services.referral.broadcasts import Broadcasts
from services.referral.bundle_part import BundlePart
from services.referral.commands import Commands, Handlers
from services.referral.context import ReferralContexts
from services.referral.domain import broadcasting, case_key, consent_withdrawal, organisation, programme
from services.referral.domain.case_key import CaseKey, CloseCase, ReopenCase
from services.referral.domain.disclosure import NoteRefusal, note_refusal
from services.referral.events import EVENT_TYPES
from services.referral.known_before import KnownBefore
from services.referral.letters import Letters
from services.referral.lists import Lists
from services.referral.other_contexts import BroadcastContexts, LegalBasisContexts, OrganisationContexts
from services.referral.projection import INDEX_VERSION, TABLES, project
from services.referral.publishing import publish
from services.referral.queries import Queries
from services.referral.reactor import Reactor
from services.referral.reveals import Reveals
from services.referral.routes import broadcasts, bulk, legal_bases, organisations, programmes, referrals, reveals
from services.referral.routes.operations import DESCRIBED

NAME: Final = "referral"


def build(
    settings: Settings, stores: StoreOpener, bus: Bus, clock: Clock, verifier: Verifier, telemetry: Telemetry
) -> FastAPI:
    """The referral service's application; `app.state.service` is the service behind it."""
    log = stores.event_log(NAME, EVENT_TYPES)
    streams = Streams(log, stores.snapshots(NAME))
    vault = stores.vault(NAME)
    index = stores.index(NAME, TABLES, INDEX_VERSION)
    projection = Projection(log, index, project)
    known_before = KnownBefore(index, projection.catch_up, settings.wait_seconds)
    contexts = ReferralContexts(known_before)
    handlers = Handlers(
        referrals=Handler(streams, contexts, decide),
        legal_bases=Handler(streams, LegalBasisContexts(contexts), consent_withdrawal.withdraw_legal_basis),
        broadcasts=Handler(streams, BroadcastContexts(contexts), broadcasting.decide),
        organisations=Handler(streams, OrganisationContexts(), organisation.decide),
        programmes=Handler(streams, OwnState(), programme.decide),
    )
    case_keys = Handler[CloseCase | ReopenCase, CaseKey](streams, OwnState(), case_key.decide)
    disclosures = Handler[NoteRefusal, int](streams, OwnState(), note_refusal)
    reactor = Reactor(streams, handlers.referrals, case_keys, disclosures, index, projection, clock)
    consumers = stores.consumer_store(NAME)
    together = Together(streams, reactor.add)
    consumer = Consumer(NAME, casefile_contracts.TOPIC, bus, consumers, reactor.react, together=together)
    queries = Queries(streams, contexts, handlers.referrals, vault, index, clock)
    by_link = ActsByLink(streams, handlers.referrals, queries, clock)
    letters = Letters(streams, vault, Post.of(settings), index, projection, clock)

    async def hear(event: Envelope) -> None:
        await by_link.react(event)
        await letters.react(event)

    heard = Consumer(NAME, notifications_contracts.TOPIC, bus, consumers, hear)
    epochs, leadership = stores.epochs(NAME), Leadership(stores.lease(NAME))
    recorder = Recorder.of(stores, clock)
    proven = TransparencyLog(log, epochs, stores.audit(NAME), settings.proving)
    leadership.gained.append(proven.builder.start_over)

    service = Service(
        name=NAME,
        settings=settings,
        clock=clock,
        verifier=verifier,
        log=log,
        epochs=epochs,
        streams=streams,
        vault=vault,
        index=index,
        projection=projection,
        bus=bus,
        leadership=leadership,
        publisher=Publisher(log, bus, topic=TOPIC, source=SOURCE, translate=publish),
        scheduler=Scheduler(index, projection, clock, reactor.fire),
        postman=Postman(index, projection, clock, letters.postbox.fire),
        sources={"casefile": consumer, "notifications": heard},
        refers=partial(mentions, log),
        stores=stores.health_of(NAME),
        not_for_all=stores.own_health_of(ACCESS),
        verified=proven.verified,
        more_led=proven.led,
        closers=[consumers.close, proven.close, recorder.close],
    )
    lists = Lists(queries, index, service.caught_up, clock)
    commands = Commands(queries, handlers, vault, clock, known_before.all)
    app = service_app(
        service,
        title="Caserelay referral service",
        summary="Offers of jobseekers to mentoring organisations, and what they answer.",
        # Bulk first: its path would otherwise be taken for a referral's id.
        routers=[
            bulk.routes(commands),
            referrals.routes(commands, queries, lists),
            broadcasts.routes(Broadcasts(handlers.broadcasts, streams, vault, clock, known_before.all)),
            organisations.routes(commands, queries, lists),
            programmes.routes(commands, queries),
            legal_bases.routes(commands, queries),
            reveals.routes(Reveals(queries, handlers.referrals, vault, index, service.caught_up, clock)),
            audit.routes(log, proven.reader, queries.reads_event),
        ],
        telemetry=telemetry,
        bars=BARRED,
        described=DESCRIBED,
        plain=referrals.plain_routes(commands),
    )
    app.state.bundle_part = BundlePart(queries, proven).source
    app.state.recorder = recorder
    app.state.read_with = queries.read_with
    return app
