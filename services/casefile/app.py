"""Builds the casefile service: the only place of it that names concrete classes."""

from __future__ import annotations

from functools import partial
from typing import Final

from fastapi import FastAPI

from contracts import notifications as notifications_contracts
from contracts import referral as referral_contracts
from contracts.audited import ACCESS
from contracts.barred_roles import BARRED
from contracts.casefile import SOURCE, TOPIC
from contracts.letters import LetterToPost
from contracts.notifications import AnsweredByLink
from services.casefile.absence_contexts import AbsenceCommand, AbsenceContexts
from services.casefile.accesses import Accesses
from services.casefile.actions import decide
from services.casefile.acts_by_link import ActsByLink
from services.casefile.bundles import Bundles
from services.casefile.commands import Commands
from services.casefile.context import CaseContexts, acting
from services.casefile.domain.absence import Naming, decide_absence
from services.casefile.domain.charter import Charter, SignCharter, WriteCharter, sign_charter, write_charter
from services.casefile.domain.context import Context
from services.casefile.domain.mentor import DescribeMentor, GiveContact, Mentor, decide_mentor
from services.casefile.events import EVENT_TYPES
from services.casefile.exports.answers import Exports
from services.casefile.gap_lists import GapLists
from services.casefile.letters import Letters
from services.casefile.lists import Lists
from services.casefile.projection import INDEX_VERSION, TABLES, Listing
from services.casefile.publishing import publish
from services.casefile.queries import Queries
from services.casefile.questions.answers import Questions
from services.casefile.questions.of_many import ManyQuestions
from services.casefile.reactor import Reactor, case_of
from services.casefile.receipts import HandoverReceipts
from services.casefile.reports.answers import Reports
from services.casefile.reports.evaluation import key_of
from services.casefile.reports.kept import KEPT, KEPT_AS, REPORTS_VERSION, Kept
from services.casefile.routes import (
    absences,
    accesses,
    bundles,
    cases,
    charters,
    exports,
    gaps,
    histories,
    lists,
    mentor_contacts,
    mentors,
    questions,
    receipts,
    reports,
)
from services.casefile.routes.operations import DESCRIBED
from services.casefile.telling_reactor import TellingReactor, record_of
from services.casefile.time_machine import TimeMachine
from services.casefile.work_items import WorkItems
from services.casefile.work_lists import WorkLists
from services.chassis.access.identity import Caller, Verifier
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
from services.chassis.log.metadata import Recorded
from services.chassis.log.pages import mentions
from services.chassis.mail.post import Post
from services.chassis.mail.postman import Postman
from services.chassis.modelling.decider import Command
from services.chassis.operating.telemetry import Telemetry
from services.chassis.reads.readings import Readings
from services.chassis.reads.recorder import Recorder
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.store_opener import StoreOpener
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Scheduler

NAME: Final = "casefile"


def build(
    settings: Settings, stores: StoreOpener, bus: Bus, clock: Clock, verifier: Verifier, telemetry: Telemetry
) -> FastAPI:
    """The casefile service's application; `app.state.service` is the service behind it."""
    log = stores.event_log(NAME, EVENT_TYPES)
    streams = Streams(log, stores.snapshots(NAME))
    vault = stores.vault(NAME)
    index = stores.index(NAME, TABLES, INDEX_VERSION)
    contexts = CaseContexts(index)
    items = WorkItems(streams, contexts, clock)
    listing = Listing(streams, index, items.kept)
    projection = Projection(log, index, listing.project, listing.look)
    kept_index = stores.index(NAME, (KEPT,), REPORTS_VERSION, kept_as=KEPT_AS)
    kept = Kept(log, kept_index)
    handler = Handler[Command, Context](streams, contexts, decide, acting)
    mentor_handler = Handler[DescribeMentor | GiveContact, Mentor](streams, OwnState(), decide_mentor)
    writing = Handler[WriteCharter, Charter](streams, OwnState(), write_charter)
    signing = Handler[SignCharter, Charter](streams, OwnState(), sign_charter)
    naming = Handler[AbsenceCommand, Naming](streams, AbsenceContexts(), decide_absence)
    reactor = Reactor(streams, handler, index, clock)
    consumers = stores.consumer_store(NAME)
    together = Together(streams, reactor.add, case_of)
    consumer = Consumer(NAME, referral_contracts.TOPIC, bus, consumers, reactor.react, together=together)
    queries = Queries(streams, contexts, handler, clock)
    letters = Letters(streams, vault, Post.of(settings), clock)
    alone = {AnsweredByLink.TYPE: ActsByLink(streams, handler, queries, clock).react, LetterToPost.TYPE: letters.react}
    tellings = TellingReactor(streams, handler, clock, alone)
    tellings_together = Together(streams, tellings.add, record_of)
    heard = Consumer(NAME, notifications_contracts.TOPIC, bus, consumers, tellings.react, together=tellings_together)
    epochs, leadership = stores.epochs(NAME), Leadership(stores.lease(NAME))
    proven = TransparencyLog(log, epochs, stores.audit(NAME), settings.proving)
    recorder = Recorder.of(stores, clock)
    access = TransparencyLog(recorder.log, stores.epochs(ACCESS), stores.audit(ACCESS), settings.proving)
    readings = Readings.of(recorder, stores)
    leadership.gained += [proven.builder.start_over, access.builder.start_over]

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
        sources={"referral": consumer, "notifications": heard},
        refers=partial(mentions, log),
        stores=stores.health_of(NAME),
        not_for_all=stores.own_health_of(ACCESS),
        verified=lambda: proven.verified() | access.verified(),
        more_led={
            "reports": kept.round,
            **proven.led,
            **{f"{ACCESS} {work}": do for work, do in access.led.items()},
            f"{ACCESS} index": readings.projection.round,
        },
        closers=[consumers.close, kept_index.close, proven.close, access.close, readings.close, recorder.close],
    )
    machine = TimeMachine(queries, contexts, clock)
    commands = Commands(queries, handler, vault, clock)
    bundled = Bundles(queries, proven)
    auditors = Questions(queries)
    app = service_app(
        service,
        title="Caserelay casefile service",
        summary="The shared case: who is responsible for which step, until when, and what happened.",
        routers=[
            lists.routes(
                Lists(queries, index, service.caught_up, clock),
                WorkLists(queries, items, index, service.caught_up, clock),
            ),
            cases.routes(queries, commands, vault, machine),
            histories.routes(queries, machine),
            bundles.routes(bundled),
            exports.routes(Exports(queries, proven.reader), queries, machine),
            receipts.routes(queries, HandoverReceipts(queries, proven.receipts)),
            gaps.routes(GapLists(queries, index, vault, service.caught_up), queries, commands),
            reports.routes(Reports(kept, streams, settings.wait_seconds, key_of(epochs))),
            questions.routes(auditors, ManyQuestions(auditors, queries, index, service.caught_up), queries),
            mentors.routes(streams, mentor_handler, index, service.caught_up, clock),
            mentor_contacts.routes(streams, mentor_handler, vault, clock),
            absences.routes(streams, naming, index, service.caught_up, clock),
            charters.routes(streams, writing, signing, index, service.caught_up, clock),
            accesses.routes(Accesses(queries, readings, settings.wait_seconds)),
            audit.routes(log, proven.reader, queries.reads_event),
            audit.routes(recorder.log, access.reader, _read_by_no_party),
        ],
        telemetry=telemetry,
        bars=BARRED,
        described=DESCRIBED,
    )
    app.state.bundles = bundled
    app.state.recorder = recorder
    return app


async def _read_by_no_party(_: Caller, __: Recorded) -> bool:
    """Who read what is for those who oversee."""
    return False
