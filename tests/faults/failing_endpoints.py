"""Endpoints of webhooks that fail, each in its own way, and what came to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.certificates import Authority
from tests.support.fault_receiver import BEHAVIOURS, Behaviour, Exchange, FaultReceiver

NAME: Final = "hooks.partner.test"
"""What the endpoint is called whose name comes to mean another machine."""
RIGHT: Final = "127.0.0.1"
WRONG: Final = "another.example.org"
"""Whose certificates are shown on https."""
INSIDE: Final = "10.20.30.40"
"""An address of a network of ours, which nobody may have us call."""


@dataclass(frozen=True)
class Fault:
    """A way to fail: how it answers, which of its answers acknowledge, by their number, and what is recorded of others.

    `reasons`: pairs of the status and the error code of an attempt that acknowledged nothing.
    """

    name: str
    reasons: frozenset[tuple[int | None, str | None]] = frozenset()
    behaviour: str = "ok"
    acknowledges: Callable[[int], bool] = lambda _: False
    holds: bool = True
    """Whether nothing at all is delivered as long as it lasts."""


def _always(_count: int) -> bool:
    return True


def _every_other(count: int) -> bool:
    return count % 2 == 0


FAULTS: Final = (
    Fault("slow", behaviour="slow", acknowledges=_always, holds=False),
    Fault("500", frozenset({(500, None)}), "500"),
    Fault("flapping", frozenset({(500, None)}), "flapping", _every_other, holds=False),
    Fault("410", frozenset({(410, None)}), "410"),
    Fault("hanging", frozenset({(None, "TIMEOUT")}), "hang"),
    Fault("half-open", frozenset({(200, "TIMEOUT")}), "half-open"),
    Fault("cut", frozenset({(200, "CONNECTION"), (200, "PROTOCOL")}), "cut"),
    Fault("silent", frozenset({(None, "CONNECTION")}), "silent"),
    Fault("certificate", frozenset({(None, "TLS")})),
    Fault("redirect", frozenset({(307, "REDIRECT")}), "redirect"),
    Fault("dns", frozenset({(None, "REFUSED_ADDRESS")})),
    # The status counts although more would come: it is not read to its end.
    Fault("huge", behaviour="huge", acknowledges=_always, holds=False),
    Fault("endless-headers", frozenset({(None, "TOO_LARGE")}), "endless-headers"),
)


async def _proves(exchange: Exchange) -> bool:
    # No connection of before is left once the endpoint begins to fail.
    await BEHAVIOURS["challenge"](exchange)
    return False


@dataclass
class Endpoint:
    """One of them, or a healthy one without a fault: what came, in order, and which of it was acknowledged."""

    receiver: FaultReceiver
    fault: Fault | None = None
    host: str | None = None
    subscription: str = ""
    came: list[tuple[str, bytes, bool]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.fault.name if self.fault is not None else "healthy"

    @property
    def path(self) -> str:
        """The path of its URL."""
        return f"/ok/{self.name}"

    @property
    def url(self) -> str:
        """Where it is subscribed."""
        return self.receiver.url(self.path, self.host)

    @property
    def taken(self) -> list[str]:
        """The ids that it acknowledged, each where it first did."""
        return list(dict.fromkeys(event for event, _, took in self.came if took))

    @property
    def repeats(self) -> Counter[str]:
        """How often an event came again after it had been acknowledged."""
        taken, again = set[str](), Counter[str]()
        for event, _, took in self.came:
            again[event] += event in taken
            if took:
                taken.add(event)
        return +again

    @property
    def bodies(self) -> dict[str, set[bytes]]:
        """What came of each event."""
        found: dict[str, set[bytes]] = {}
        for event, body, _ in self.came:
            found.setdefault(event, set()).add(body)
        return found

    def prove(self) -> None:
        """From now on it answers challenges, and nothing of that counts."""
        self.receiver.turn(self.path, _proves)

    def heal(self) -> None:
        """From now on it acknowledges everything, challenges as well."""
        self.receiver.turn(self.path, self._noting("challenge", _always))

    def fail(self) -> None:
        """From now on it does what it does."""
        if self.fault is None:
            self.heal()
        else:
            self.receiver.turn(self.path, self._noting(self.fault.behaviour, self.fault.acknowledges))

    def _noting(self, behaviour: str, acknowledges: Callable[[int], bool]) -> Behaviour:
        async def behave(exchange: Exchange) -> bool:
            request = exchange.request
            if b"org.caserelay.subscription.verification.v1" not in request.body:
                self.came.append((request.id, request.body, acknowledges(exchange.count)))
            return await BEHAVIOURS[behaviour](exchange)

        return behave


@dataclass
class Endpoints:
    """All of them: on http, the one whose certificate is wrong on https, the one whose name changes by that name."""

    authority: Authority
    names: Path
    plain: FaultReceiver = field(default_factory=FaultReceiver)
    secure: FaultReceiver = field(default_factory=FaultReceiver)
    each: list[Endpoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Starts the servers, with everything as it should be."""
        self._tls = self.secure.tls = self.authority.server(RIGHT)
        self.authority.server(WRONG)
        self.names.write_text("127.0.0.1", encoding="ascii")
        self.plain.start()
        self.secure.start()
        self.each = [Endpoint(self.plain)]
        for fault in FAULTS:
            receiver = self.secure if fault.name == "certificate" else self.plain
            self.each.append(Endpoint(receiver, fault, NAME if fault.name == "dns" else None))
        for endpoint in self.each:
            endpoint.prove()

    @property
    def healthy(self) -> Endpoint:
        """The one that does not fail."""
        return self.each[0]

    @property
    def failing(self) -> list[Endpoint]:
        """All others."""
        return self.each[1:]

    def fail(self) -> None:
        """Each begins to fail in its way."""
        for endpoint in self.each:
            endpoint.fail()
        self._tls.load_cert_chain(self.authority.of(WRONG))
        self.names.write_text(INSIDE, encoding="ascii")

    def heal(self) -> None:
        """All are well again."""
        for endpoint in self.each:
            endpoint.heal()
        self._tls.load_cert_chain(self.authority.of(RIGHT))
        self.names.write_text("127.0.0.1", encoding="ascii")

    def stop(self) -> None:
        """Ends the servers."""
        self.plain.stop()
        self.secure.stop()
