"""Making a client of Kafka's library so that nothing is left behind when no broker answers.

The library leaves the socket of each vain attempt to the garbage collector, and the thread of a client that finds no
broker to nobody. Over an outage of minutes a process that tries again and again would run out of both.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket

from services.chassis.delivery.kafka.clients import Cluster

_DIRECTLY: Final = "directly"


class _Tidy(KafkaNetSocket):  # type: ignore[misc]  # the library has no types
    """Connects as usual. It is found by its scheme, as the library's proxies are."""

    SCHEMES = (_DIRECTLY,)

    async def sock_connect(self, net: Any, sock: Any, sockaddr: Any, timeout_at: float | None = None) -> Any:
        """See the library; in addition, what was not connected is closed."""
        try:
            return await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:
            sock.close()
            raise


def connected(kind: Callable[..., Any], cluster: Cluster, **more: Any) -> Any:
    """A client of this kind. Raises KafkaError when no broker answers."""
    with ExitStack() as given_up:

        def net_client(**config: Any) -> Any:
            made = KafkaNetClient(**config)
            given_up.callback(made.close)
            return made

        client = kind(**cluster.options(kafka_client=net_client, proxy_url=f"{_DIRECTLY}://", **more))
        given_up.pop_all()
        return client
