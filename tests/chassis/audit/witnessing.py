"""Witnesses of a log of counters for tests, each a server in a thread of this process; and such as are none."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.chassis.transparency.keys import SignatureType, SignerKey
from services.chassis.transparency.trust_policy import TrustPolicy
from services.witness.app import application
from services.witness.cosigner import Cosigner, log_keys
from services.witness.records import Records

Answers = Callable[[Request], Awaitable[Response]]


@dataclass
class Served:
    """A witness, or what passes for one: its name, its key, and where it is reached."""

    name: str
    key: SignerKey
    url: str
    cosigner: Cosigner | None = None

    @property
    def line(self) -> str:
        """Its line in a policy."""
        return f"witness {self.name} {self.key.verifier.text} {self.url}\n"


def key_of(name: str) -> SignerKey:
    """The key of a witness of this name."""
    return SignerKey(f"witness.example/{name}", name.encode().ljust(32, b"."), SignatureType.COSIGNATURE_V1)


def policy_of(quorum: str, *witnesses: Served) -> TrustPolicy:
    """A policy of these witnesses: `2` asks for two of them."""
    names = " ".join(witness.name for witness in witnesses)
    text = f"{''.join(witness.line for witness in witnesses)}group enough {quorum} {names}\nquorum enough\n"
    return TrustPolicy.read(text.encode())


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serves an application; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as on:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [on]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            yield f"http://127.0.0.1:{on.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def witness_of(name: str, directory: Path, *vkeys: str, shows: bool = True) -> Iterator[Served]:
    """A witness of the logs with these keys; `shows`: whether it also serves what it cosigned last."""
    records = Records(directory / name)
    cosigner = Cosigner(key_of(name), log_keys(vkeys), records)
    app = application(cosigner)
    if not shows:
        app = Starlette(routes=app.routes[:1])
    with serving(app) as url:
        yield Served(name, key_of(name), url, cosigner)
    records.close()


@contextmanager
def no_witness(name: str, answers: Answers) -> Iterator[Served]:
    """What passes for a witness, and answers whatever it likes."""
    routes = [Route("/{path:path}", answers, methods=["GET", "POST"])]
    with serving(Starlette(routes=routes)) as url:
        yield Served(name, key_of(name), url)


def away(name: str) -> Served:
    """A witness that is not there."""
    return Served(name, key_of(name), "http://127.0.0.1:9")


@contextmanager
def silent(name: str) -> Iterator[Served]:
    """A witness whose machine takes a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as on:
        yield Served(name, key_of(name), f"http://127.0.0.1:{on.getsockname()[1]}")
