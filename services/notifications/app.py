"""Builds the notifications service: the only file of it that names concrete classes."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI

from contracts import casefile, referral
from contracts.audited import ACCESS
from contracts.barred_roles import BARRED
from contracts.message import Message
from contracts.notifications import SOURCE, TOPIC
from services.chassis.access.identity import Caller, Verifier
from services.chassis.audit.transparency_log import TransparencyLog
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
from services.chassis.leading.sharing import Sharing
from services.chassis.log.metadata import Recorded
from services.chassis.mail.post import Post
from services.chassis.mail.postman import Postman
from services.chassis.modelling.decider import Command
from services.chassis.operating.telemetry import Telemetry
from services.chassis.reads.recorder import Recorder
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.store_opener import StoreOpener
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Scheduler, by_kind
from services.chassis.vault.tokens import Tokens
from services.notifications.actions import decide
from services.notifications.bounces import Bounces
from services.notifications.bundle_part import BundlePart
from services.notifications.catalogue import MESSAGES
from services.notifications.causes_first import CausesFirst
from services.notifications.commands import Commands
from services.notifications.context import SubscriptionContexts
from services.notifications.daily_digests import DailyDigests
from services.notifications.delivering.carrier import Carrier
from services.notifications.delivering.carriers import Carriers
from services.notifications.delivering.dispatcher import Dispatcher, Parts
from services.notifications.delivering.mail_carrier import MailCarrier
from services.notifications.delivering.recording import Recording
from services.notifications.delivering.schedule import Schedule
from services.notifications.delivering.shards import SHARDS
from services.notifications.delivery_lists import DeliveryLists
from services.notifications.digest_rows import DIGEST_DUE, DIGEST_WAITS
from services.notifications.domain.subscription import SubscriptionContext
from services.notifications.email.return_paths import ReturnPaths
from services.notifications.events import EVENT_TYPES
from services.notifications.forgetting import Forgetting, refers_in
from services.notifications.links.acting import Links
from services.notifications.links.asking import Asking
from services.notifications.links.mailing_list import MailingList
from services.notifications.links.question_rows import QUESTION
from services.notifications.live_feed import LiveFeed
from services.notifications.night_rows import NIGHT
from services.notifications.nightly import Nightly
from services.notifications.organisation_names import OrganisationNames
from services.notifications.organisation_topics import OrganisationTopics
from services.notifications.pending import Pending
from services.notifications.projection import TABLES, VERSION, Listing
from services.notifications.publishing import publish
from services.notifications.queries import Queries
from services.notifications.reactor import SYSTEM, Reactor, inbox_of
from services.notifications.read_receipts import ReadReceipts
from services.notifications.reconciling import Reconciling
from services.notifications.routes import (
    bounces,
    deliveries,
    event_catalogue,
    feed,
    link_pages,
    mail_pages,
    reconciliations,
    stream,
    subscriptions,
)
from services.notifications.routes.operations import DESCRIBED
from services.notifications.subscription_way import SubscriptionWay
from services.notifications.waiting_clock import WaitingClock
from services.notifications.waiting_rows import WaitingRows
from services.notifications.warning_rows import WARNINGS
from services.notifications.warnings_by_webhook import ORGANISATIONS_AT_ONCE, WarningsByWebhook
from services.notifications.ways import FeedWay, Ways
from services.notifications.webhook_warnings import WebhookWarnings
from services.notifications.webhooks.addresses import networks
from services.notifications.webhooks.sender import Sender

NAME = "notifications"
QUIET_SECONDS = 0.02
"""Most of what this service records is news for nobody: so that it is said together that nothing was published."""


def build(
    settings: Settings,
    stores: StoreOpener,
    bus: Bus,
    clock: Clock,
    verifier: Verifier,
    telemetry: Telemetry,
    known: Mapping[str, type[Message]] = MESSAGES,
    schedule: Schedule | None = None,
) -> FastAPI:
    """The application, with its service as `state.service`; what runs the process starts and stops it.

    `known` are the messages that it takes in, by type; `schedule` is when deliveries are tried again, without it as the
    settings have it.

    `state.end_streams` ends all server-sent event streams at once. A server calls it when it is told to stop, before
    it waits for open requests: these would not end by themselves. `state.receipts` notes who has read what.
    """
    log = stores.event_log(NAME, EVENT_TYPES)
    streams = Streams(log, stores.snapshots(NAME))
    vault = stores.vault(NAME)
    index = stores.index(NAME, TABLES, VERSION)
    consumers = stores.consumer_store(NAME)
    handler = Handler[Command, SubscriptionContext](streams, SubscriptionContexts(), decide)
    post = Post.of(settings)
    asking = Asking(streams, post, clock, OrganisationNames(streams).name_of, SYSTEM)
    returns = ReturnPaths(vault, settings.mail_bounces)
    links = Links(streams, vault, post, clock, asking, returns)
    mailing_list = MailingList(streams, handler, Tokens(vault), post.url, clock, SYSTEM)
    reactor = Reactor(streams, clock, known, links, asking)
    all_at_once = Together(streams, reactor.add, inbox_of)
    referrals = Consumer(NAME, referral.TOPIC, bus, consumers, reactor.react, together=all_at_once)
    first = CausesFirst(streams, referrals)
    followed = Together(streams, first.then_add(reactor.add), inbox_of)
    cases = Consumer(NAME, casefile.TOPIC, bus, consumers, first.then(reactor.react), together=followed)
    ways = Ways([SubscriptionWay(index, streams, clock), FeedWay(index)])
    listing = Listing(index, log, WaitingRows(index, ways, clock), asks=post.set_up)
    projection = Projection(log, index, listing.project, listing.look)
    receipts = ReadReceipts(streams, index, clock, settings.receipts_seconds)
    waiting_clock = WaitingClock(streams, index, projection, ways, receipts, clock)
    nightly = Nightly(streams, index, clock)
    topics = OrganisationTopics(bus, log, index, projection, receipts)
    letters = MailCarrier(post, vault, streams, links, mailing_list, returns)
    recording = Recording(streams, clock)
    digests = DailyDigests(streams, index, letters, recording, clock)
    sender = Sender(networks(settings.webhook_allow or ""))
    posts = Carrier(sender, vault, settings.links_begin_with)
    warner = Postman(
        index,
        projection,
        clock,
        WarningsByWebhook(streams, index, posts, clock, settings.links_begin_with).post,
        table=WARNINGS.name,
        at_once=ORGANISATIONS_AT_ONCE,
    )
    dispatcher = Dispatcher(
        Parts(
            streams=streams,
            index=index,
            projection=projection,
            consumers=consumers,
            schedule=schedule or Schedule(settings.webhook_pauses),
            clock=clock,
        ),
        Sharing(stores.shares(NAME), SHARDS),
        Carriers(posts, letters),
        recording,
    )
    forgetting = Forgetting(vault, index)
    leadership = Leadership(stores.lease(NAME))
    epochs = stores.epochs(NAME)
    recorder = Recorder.of(stores, clock)
    proven = TransparencyLog(log, epochs, stores.audit(NAME), settings.proving)
    leadership.gained += [topics.forget, forgetting.start_over, proven.builder.start_over]
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
        publisher=Publisher(log, bus, topic=TOPIC, source=SOURCE, translate=publish, pause=QUIET_SECONDS),
        scheduler=Scheduler(
            index,
            projection,
            clock,
            by_kind({DIGEST_DUE: digests.begin, NIGHT: nightly.fire, QUESTION: asking.fire}, waiting_clock.fire),
        ),
        postman=Postman(
            index,
            projection,
            clock,
            by_kind({DIGEST_WAITS: digests.post}, WebhookWarnings(streams, index, letters, clock).post),
        ),
        sources={"referral": referrals, "casefile": cases},
        more_work=dispatcher.rounds,
        tallied=dispatcher.tally,
        finishers=[dispatcher.finish, warner.finish, sender.close],
        refers=refers_in(streams),
        more_led={
            "organisation topics": topics.round,
            "forgetting": forgetting.round,
            "warnings": warner.round,
            **proven.led,
        },
        more_behind=topics.behind,
        answering={"read receipts": receipts.round},
        stores=stores.health_of(NAME),
        not_for_all=stores.own_health_of(ACCESS),
        verified=proven.verified,
        closers=[consumers.close, proven.close, recorder.close],
    )
    live = LiveFeed(service, telemetry, receipts)
    service.closers.append(live.end)
    queries = Queries(streams, vault, index, service.caught_up)
    pending = Pending(streams, index, consumers)
    deliveries_for_callers = DeliveryLists(queries, index, pending, clock, service.caught_up)
    commands = Commands(queries, handler, vault, clock, settings)
    app = service_app(
        service,
        title="Caserelay notifications",
        summary="Delivers what happens to the parties of a case, once and in order.",
        routers=[
            feed.routes(service, receipts),
            stream.routes(service, live, receipts),
            event_catalogue.routes(),
            bounces.routes(Bounces(streams, handler, returns, clock)),
            subscriptions.routes(queries, commands),
            link_pages.routes(link_pages.ActPages(links, letters.name_of)),
            mail_pages.routes(mailing_list, letters.name_of),
            deliveries.routes(deliveries_for_callers),
            reconciliations.routes(service, Reconciling(streams, index, service.caught_up)),
            audit.routes(log, proven.reader, _read_by_no_party),
        ],
        telemetry=telemetry,
        bars=BARRED,
        described=DESCRIBED,
    )
    app.state.end_streams = live.end
    app.state.receipts = receipts
    app.state.bundle_part = BundlePart(log, proven).source
    app.state.recorder = recorder
    return app


async def _read_by_no_party(_: Caller, __: Recorded) -> bool:
    """What this service records is read in the feed, as what others recorded: nobody is shown it event by event."""
    return False
