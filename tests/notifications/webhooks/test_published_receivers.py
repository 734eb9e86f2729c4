"""Receivers that are written with the published packages of Standard Webhooks: the examples, as they are handed out."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from services.notifications.webhooks.bodies import full, thin
from services.notifications.webhooks.challenge import challenge_body, drawn_challenge, repeats
from services.notifications.webhooks.sender import Outgoing, Sender, Target
from services.notifications.webhooks.signing import Secret
from tests.notifications.webhooks.sending import LOOPBACK
from tests.notifications.webhooks.test_bodies import EXAMPLES, stored
from tests.support.contract_tools import node, node_modules
from tests.support.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clients"), pytest.mark.timeout(400)]

EXAMPLE: Final = Path(__file__).parents[3] / "deploy" / "examples"
SECRET: Final = Secret.drawn()
KINDS: Final = ("python", "javascript", "javascript with the public key")


class Example:
    """A receiver, running: its URL, and what it printed."""

    def __init__(self, port: int, said: Path) -> None:
        self.url = f"http://127.0.0.1:{port}/hooks"
        self._said = said

    def printed(self) -> list[dict[str, Any]]:
        """The events, in order."""
        return [json.loads(line) for line in self._said.read_text(encoding="utf-8").split("\n") if line]


@contextmanager
def running(command: list[str], where: Path, **environment: str) -> Iterator[Example]:
    """An example on a port of its own, once it listens."""
    port, said = free_port(), where / "said"
    with said.open("wb") as out:
        given = {**os.environ, "PORT": str(port), "HANDLED": str(where / "handled.db"), **environment}
        process = subprocess.Popen(command, cwd=where, env=given, stdout=out, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        yield Example(port, said)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=KINDS)
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Example]:
    """Each of them, with the secret or the public key of ours."""
    if request.param == "python":
        command, key = [sys.executable, str(EXAMPLE / "webhook_receiver.py")], {"WEBHOOK_SECRET": SECRET.whsec}
    else:
        (tmp_path / "node_modules").symlink_to(node_modules())
        shutil.copy(EXAMPLE / "webhook_receiver.mjs", tmp_path)
        command = [node(), "webhook_receiver.mjs"]
        key = {"WEBHOOK_PUBLIC_KEY": SECRET.whpk} if "public" in request.param else {"WEBHOOK_SECRET": SECRET.whsec}
    with running(command, tmp_path, **key) as started:
        yield started


@pytest.fixture
async def post(example: Example, make_sender: Callable[..., Sender]) -> Callable[..., Any]:
    """Sends a body to the example: under an id, signed by these secrets, at a moment so many seconds from now."""
    sender = make_sender(LOOPBACK)

    async def send(name: str, body: bytes, *signing: Secret, late: int = 0) -> Any:
        outgoing = Outgoing(name, body, at=int(time.time()) - late)
        return await sender.send(Target(example.url, signing or (SECRET,)), outgoing)

    return send


async def test_it_proves_whose_it_is(post: Callable[..., Any]) -> None:
    """By the challenge, which it believes for its signature alone."""
    challenge = drawn_challenge()
    body = challenge_body(event="e", source="/s", subscription="s", challenge=challenge, time="2026-11-28T14:00:00Z")
    assert repeats(await post("e", body), challenge)
    assert not repeats(await post("e", body, Secret.drawn()), challenge)


async def test_it_takes_every_message_that_was_ever_published(example: Example, post: Callable[..., Any]) -> None:
    """Whole and thin, each once however often it comes, whatever letters are in it."""
    sent = []
    for file in EXAMPLES:
        message = stored(file)
        for number, body in enumerate((full(message), thin(message, "https://relay.example.org"))):
            event = json.loads(body)
            event["id"] = f"{file.parent.name}-{file.stem}-{number}".replace(".", "-")
            event["words"] = "Größe 𝄞 \u2028 é"
            again = json.dumps(event, ensure_ascii=bool(number)).encode()
            assert (await post(event["id"], again)).status == 200
            if number:
                assert (await post(event["id"], again)).status == 200
            sent.append(event)
    assert example.printed() == sent


async def test_it_believes_nothing_else(example: Example, post: Callable[..., Any]) -> None:
    """Another secret, and an attempt that somebody kept and sends again after ten minutes."""
    assert (await post("a", b'{"id":"a","type":"t"}', Secret.drawn())).status == 400
    assert (await post("a", b'{"id":"a","type":"t"}', late=600)).status == 400
    assert (await post("a", b'{"id":"a","type":"t"}', late=-600)).status == 400
    assert example.printed() == []


async def test_while_the_secret_rotates_it_believes_the_old_one_as_well(
    example: Example, post: Callable[..., Any]
) -> None:
    """It has the old secret, we sign with the new one first."""
    assert (await post("a", b'{"id":"a","type":"t"}', Secret.drawn(), SECRET)).status == 200
    assert (await post("b", b'{"id":"b","type":"t"}', SECRET, Secret.drawn())).status == 200
    assert [event["id"] for event in example.printed()] == ["a", "b"]
