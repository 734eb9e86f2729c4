"""Everything taken from inside kafka-python (3.0.12): each piece names the fault or gap of the library that it is for.

Nothing else imports more of the library than `kafka` and `kafka.errors`, or touches a name that begins with `_`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from kafka.errors import KafkaError

# isort: off
# Gap: the package exports neither. Assignors are given to a consumer as classes, and have no public address.
from kafka.coordinator.assignors.range import RangePartitionAssignor

# Gap: the producer's own partitioner cannot be asked before a record is sent; the hash in it is that of all clients.
from kafka.partitioner.default import murmur2

# Fault: sockets and threads of failed attempts leak (`connected`); only these two classes can be replaced.
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket

# isort: on

from services.chassis.delivery.kafka.clients import Cluster

__all__ = ["ASSIGNORS", "close_at_once", "connected", "murmur2"]

ASSIGNORS: Final = [RangePartitionAssignor]
"""Every member gives up all it has before partitions are shared out.

Fault: the library's cooperative assignor goes by what members say they own, and one that was thrown out of the group
still names what it gave up, so that nobody gets those partitions. The same in the Java client led to KIP-792.
"""

_DIRECTLY: Final = "directly"


class _Tidy(KafkaNetSocket):  # type: ignore[misc]  # the library has no types
    """Connects as usual, and closes what was not connected. Found by its scheme, as the library's proxies are.

    Fault: the library leaves the socket of each vain attempt to the garbage collector. Over an outage of minutes a
    process that tries again and again runs out of descriptors (kafka-python-ng pull request 186 describes the same).
    """

    SCHEMES = (_DIRECTLY,)

    async def sock_connect(self, net: Any, sock: Any, sockaddr: Any, timeout_at: float | None = None) -> Any:
        """See the library."""
        try:
            return await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:
            sock.close()
            raise


def connected(kind: Callable[..., Any], cluster: Cluster, **more: Any) -> Any:
    """A client of this kind. Raises KafkaError when no broker answers; nothing is then left behind.

    Fault: a consumer, producer or admin client whose constructor raises does not close the network client that it has
    made, and nobody else has it: its thread and its wake-up sockets stay. So it is made here, and closed here.
    """
    with ExitStack() as given_up:

        def net_client(**config: Any) -> Any:
            made = KafkaNetClient(**config)
            given_up.callback(made.close)
            return made

        client = kind(**cluster.options(kafka_client=net_client, proxy_url=f"{_DIRECTLY}://", **more))
        given_up.pop_all()
        return client


def close_at_once(producer: Any, seconds: float) -> None:
    """Closes a producer without delivering what it still holds.

    Fault: since dpkp/kafka-python pull request 2537 `close` begins with a flush, which waits for what cannot be
    delivered; when that takes too long it raises, and the thread and its connections stay open (3108 mends the stop of
    a process, not this). The sender can be told to give up, and no public method tells it.
    """
    producer._sender.force_close()  # noqa: SLF001 - see above
    with contextlib.suppress(KafkaError):
        producer.close(timeout=seconds)
