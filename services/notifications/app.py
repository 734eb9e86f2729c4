"""The notifications service put together: the only place that names concrete classes."""

from __future__ import annotations

from fastapi import FastAPI

from contracts import casefile, referral
from contracts.barred_roles import BARRED
from services.chassis.access.identity import Verifier
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.bus import Bus
from services.chassis.delivery.consumer import Consumer
from services.chassis.http.app import service_app
from services.chassis.index.projection import Projection
from services.chassis.leading.leadership import Leadership
from services.chassis.operating.telemetry import Telemetry
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.chassis.time.clock import Clock
from services.notifications.causes_first import after_its_cause
from services.notifications.commands import taking_in
from services.notifications.events import EVENT_TYPES
from services.notifications.live_feed import LiveFeed
from services.notifications.organisation_topics import OrganisationTopics
from services.notifications.projection import INDEX_VERSION, TABLES, FeedIndex
from services.notifications.routes import feed, stream
from services.notifications.routes.operations import DESCRIBED

NAME = "notifications"


def build(
    settings: Settings, stores: Stores, bus: Bus, clock: Clock, verifier: Verifier, telemetry: Telemetry
) -> FastAPI:
    """The application, with its service as `state.service`; whoever runs the process starts and stops that.

    `state.end_streams` ends all server-sent event streams at once. A server calls it when it is told to stop, before
    it waits for open requests: these would not end by themselves.
    """
    log = stores.event_log(NAME, EVENT_TYPES)
    streams = Streams(log)
    index = stores.index(NAME, TABLES, INDEX_VERSION)
    consumed = stores.consumer_store(NAME)
    take_in = taking_in(streams, clock)
    referrals = Consumer(NAME, referral.TOPIC, bus, consumed, take_in)
    cases = Consumer(NAME, casefile.TOPIC, bus, consumed, after_its_cause(take_in, streams, referrals))
    feed_index = FeedIndex(index)
    projection = Projection(log, index, feed_index.project, feed_index.look)
    topics = OrganisationTopics(bus, log, index, projection)
    leadership = Leadership(stores.lease(NAME))
    leadership.gained.append(topics.forget)
    service = Service(
        name=NAME,
        settings=settings,
        clock=clock,
        verifier=verifier,
        log=log,
        epochs=stores.epochs(NAME),
        streams=streams,
        index=index,
        projection=projection,
        bus=bus,
        leadership=leadership,
        sources={"referral": referrals, "casefile": cases},
        more_led={"organisation topics": topics.round},
        more_behind=topics.behind,
        stores=stores.health_of(NAME),
        closers=[consumed.close],
    )
    live = LiveFeed(service, telemetry)
    service.closers.append(live.end)
    app = service_app(
        service,
        title="Caserelay notifications",
        summary="Tells the parties of a case what happens, once and in order.",
        routers=[feed.routes(service), stream.routes(service, live)],
        telemetry=telemetry,
        bars=BARRED,
        described=DESCRIBED,
    )
    app.state.end_streams = live.end
    return app
