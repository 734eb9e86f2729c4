"""An endpoint as the process that owns it knows it: how far it has come in the feed, and which cases are under way.

However many deliveries wait, little is known here: a place in the feed, and a bounded number of lanes. The rest is in
the log and the index. All that is behind the place has ended, or waits in the index.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Final, NamedTuple

from contracts.subscription_codes import Channel, SubscriptionState
from services.notifications.domain.subscription import Subscription
from services.notifications.domain.subscription_events import Choices, Person
from services.notifications.email.quiet_hours import quiet_until

CASES_AT_ONCE: Final = 8
"""Cases of one endpoint that are told side by side."""
CASES_KNOWN: Final = 64
"""Cases of one endpoint that are under way or next."""
DOUBTED_AFTER: Final = 3
"""Failures in a row after which an endpoint gets one case at a time, from among those that are doubted."""
AWAY_AFTER: Final = 10
"""Failures in a row after which no other case is begun: the endpoint is away, and those that wait find out for all."""
SLOW_MS: Final = 2_000
NOT_LOOKED_AT: Final = 2**62
"""Where the news of an endpoint are that was not looked at yet: before anything is begun without a look, one is due."""


class LaneKey(NamedTuple):
    """A lane of an endpoint: what keeps its order, the case if it is one, and the replay it belongs to, if any."""

    about: str
    case: str | None
    replay: str | None


class UnderWay:
    """A lane that is worked on, or next.

    `first` is the first position of the feed that it was begun for, None where it was not begun by the feed; nothing at
    or before `floor` is told in it. `news`: something came for it since it was looked at.
    """

    __slots__ = ("first", "floor", "news")

    def __init__(self, first: int | None, floor: int) -> None:
        self.first = first
        self.floor = floor
        self.news = True

    def more(self, first: int, floor: int) -> None:
        """The feed has something more for it."""
        self.first = first if self.first is None else min(self.first, first)
        self.floor = min(self.floor, floor)
        self.news = True


class Walk:
    """A walk along the feed, up to `after` until now and at most to `through`; `saved` is what is known of that."""

    __slots__ = ("after", "replay", "saved", "through")

    def __init__(self, after: int, *, saved: int, replay: str | None = None, through: int | None = None) -> None:
        self.after = after
        self.saved = saved
        self.replay = replay
        self.through = through

    @property
    def is_done(self) -> bool:
        """Whether there is nothing behind it."""
        return self.through is not None and self.after >= self.through


class Endpoint:
    """One endpoint."""

    __slots__ = (
        "active",
        "away_since",
        "challenges",
        "channel",
        "choices",
        "failures",
        "gone", "holding",
        "id",
        "is_challenged",
        "news",
        "organisation",
        "probed_at",
        "proven",
        "queued",
        "reads_as",
        "replay",
        "rests_until",
        "running",
        "seq",
        "shard",
        "slow",
        "soon",
        "stalled",
        "types",
        "waiting",
        "walk",
    )  # fmt: skip

    def __init__(self, subscription: str, shard: int, seq: int) -> None:
        self.id = subscription
        self.shard = shard
        self.seq = seq
        self.organisation = self.reads_as = ""
        self.channel = Channel.WEBHOOK.value
        self.choices: Choices | None = None
        self.challenges = 0
        self.news = NOT_LOOKED_AT
        """The position in the log of the newest event that it has to be looked at for."""
        self.walk: Walk | None = None
        self.replay: Walk | None = None
        self.active: dict[LaneKey, UnderWay] = {}
        self.waiting: deque[LaneKey] = deque()
        self.running = 0
        self.failures = 0
        # `stalled`: there is more to find than there was room for, or than was worth a look while it is away.
        self.slow = self.proven = self.is_challenged = self.queued = self.gone = self.stalled = False
        self.types: frozenset[str] | None = None
        self.soon: dict[LaneKey, datetime] = {}
        self.holding: set[LaneKey] = set()
        self.away_since: datetime | None = None
        self.probed_at: datetime | None = None
        self.rests_until: datetime | None = None

    @property
    def person(self) -> Person | None:
        """Who reads the e-mail; None for a webhook."""
        return None if self.choices is None else self.choices.person

    def quiet_until(self, at: datetime) -> datetime | None:
        """Until when nothing goes to its reader, by the domain's clock; None where it may now."""
        return None if self.choices is None else quiet_until(self.choices, at)

    @property
    def is_doubted(self) -> bool:
        """Whether it may keep a request waiting for long: then it waits with its like."""
        return self.slow or self.is_failing

    @property
    def is_failing(self) -> bool:
        """Whether it has taken nothing several times in a row."""
        return self.failures >= DOUBTED_AFTER

    @property
    def is_away(self) -> bool:
        """Whether nothing else is to be begun until something arrives."""
        return self.failures >= AWAY_AFTER

    @property
    def at_once(self) -> int:
        """How many cases may be told side by side."""
        return CASES_AT_ONCE if self.proven and not self.is_failing else 1

    @property
    def replays(self) -> bool:
        """Whether anything of a replay is under way."""
        return any(key.replay is not None for key in self.active)

    @property
    def room(self) -> int:
        """How many more lanes may be known."""
        return CASES_KNOWN - len(self.active)

    def learn(self, subscription: Subscription) -> None:
        """Takes in how its subscription stands."""
        self.organisation, self.reads_as = subscription.organisation, subscription.reads_as
        self.choices = subscription.choices
        if subscription.choices is not None:
            self.channel = subscription.choices.channel
        self.is_challenged = subscription.challenge_due is not None
        types = subscription.choices.types if subscription.choices is not None else None
        self.types = None if types is None else frozenset(types)
        if subscription.challenges != self.challenges:
            # It may be at another address now; and one that proves to be there has not been away for days.
            self.challenges = subscription.challenges
            self.failures, self.slow, self.proven = 0, False, False
            self.away_since = self.probed_at = None
        warned = subscription.warned if subscription.state is SubscriptionState.ACTIVE else None
        if warned is not None and self.away_since is None and not self.proven:
            # Nothing has arrived since: one attempt finds out whether it is back, as before the process began.
            self.away_since, self.failures = warned.since, AWAY_AFTER

    def wants(self, kind: str) -> bool:
        """Whether it gets messages of a type."""
        return self.types is None or kind in self.types

    @property
    def finds_out(self) -> bool:
        """Whether it is away, and some lane finds out in its time whether it is back: what is new waits for that."""
        return self.is_away and self.channel == Channel.WEBHOOK and bool(self.active or self.holding)

    @property
    def is_abreast(self) -> bool:
        """Whether its walk is past all that it was to be looked at for: what comes next may be begun without a look."""
        if self.walk is None or self.walk.after < self.news:
            return False
        return self.room > 0 and not (self.is_challenged or self.is_away) and self.rests_until is None

    @property
    def is_short(self) -> bool:
        """Whether its walk ended before what it is looked at for, though there was room: the index ends before."""
        return self.walk is not None and self.walk.after < self.news and not self.stalled

    def step_to(self, position: int, key: LaneKey) -> bool:
        """Its walk comes to something for a lane; whether it had not been there yet."""
        if self.walk is None or position <= self.walk.after:
            return False
        self.begin(key, position, self.walk.after)
        self.walk.after = position
        return True

    def begin(self, key: LaneKey, first: int | None, floor: int) -> None:
        """Has a lane worked on."""
        if (under_way := self.active.get(key)) is None:
            self.active[key] = UnderWay(first, floor)
            self.waiting.append(key)
        elif first is not None:
            under_way.more(first, floor)
        else:
            under_way.news = True

    def ended(self, key: LaneKey, *, held: bool) -> None:
        """A lane has nothing to tell at the moment; `held` by a delivery that is tried again."""
        del self.active[key]
        if not held:
            self.holding.discard(key)
        elif len(self.holding) < CASES_KNOWN:
            self.holding.add(key)

    def may_begin(self, key: LaneKey) -> bool:
        """Whether a lane may be worked on now: while the endpoint is away, those that wait find out for all.

        If none does, the next one.
        """
        # One that holds is among those that wait, whatever else the feed has for it meanwhile.
        if not self.is_away or self.active[key].first is None or key in self.holding:
            return True
        return not self.running and not self.holding

    def reached(self, walk: Walk) -> int:
        """The place up to which all has ended or waits in the index."""
        open_ = [
            lane.first for key, lane in self.active.items() if lane.first is not None and key.replay == walk.replay
        ]
        return max(walk.saved, min([walk.after, *(first - 1 for first in open_)]))

    def answered(self, *, acknowledged: bool, latency_ms: int, at: datetime) -> None:
        """Learns from an attempt that began then."""
        self.slow = latency_ms >= SLOW_MS
        if acknowledged:
            self.failures, self.away_since, self.proven = 0, None, True
        else:
            self.failures += 1
            self.away_since = self.away_since or at
