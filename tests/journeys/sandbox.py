"""The sandbox as a developer of an agency or a mentoring organisation has it: a process, a URL, and tokens.

Nothing here knows what the services are made of: it speaks the public API's words over HTTP, and the shell's.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from services.sandbox.development_issuer import DevelopmentIssuer
from tests.support import forked
from tests.support.people import Person

COMMAND: Final = str(Path(sys.executable).with_name("caserelay"))
START_SECONDS: Final = 40
STOP_SECONDS: Final = 10


def free_port() -> int:
    """A port of loopback that nobody listens on, outside the range from which the system hands out its own."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as candidate, suppress(OSError):
            candidate.bind(("127.0.0.1", port))
            return port


def environment(data: Path, port: int | None = None, **settings: str) -> dict[str, str]:
    """The environment of a command of the product: nothing of the product's own that this process may have."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASERELAY_")}
    given = {f"CASERELAY_{name.upper()}": value for name, value in settings.items()}
    listens = {} if port is None else {"CASERELAY_PORT": str(port)}
    return {**inherited, "CASERELAY_DATA": str(data), **listens, **given}


def run(
    data: Path, *arguments: str, port: int | None = None, seconds: float = 30, **settings: str
) -> subprocess.CompletedProcess[str]:
    """A command of the product that ends by itself, with all that it said."""
    return forked.ended(arguments, environment(data, port, **settings), seconds)


def run_as_installed(
    data: Path, *arguments: str, port: int | None = None, seconds: float = 30, **settings: str
) -> subprocess.CompletedProcess[str]:
    """The same by the program that is installed, which takes a second or two to start."""
    return subprocess.run(
        [COMMAND, *arguments],
        env=environment(data, port, **settings),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


class Program:
    """A command of the product that runs until it is told to stop. What it says is kept in a file."""

    def __init__(
        self,
        data: Path,
        *arguments: str,
        port: int | None = None,
        command: Sequence[str] = (COMMAND,),
        **settings: str,
    ) -> None:
        """`command` is what is started, where that is not the product itself but a shell that starts it."""
        self.data = data
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        data.mkdir(parents=True, exist_ok=True)
        self._said = data.parent / f"{data.name}-{self.port}.out"
        with self._said.open("ab") as said:
            self.process = subprocess.Popen(
                [*command, *arguments],
                env=environment(data, self.port, **settings),
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        """All that it has printed and logged."""
        return self._said.read_text(encoding="utf-8")

    def wait_until_ready(self) -> float:
        """Returns once it is ready to take work, with the seconds that it took."""
        began = time.monotonic()
        with httpx.Client(base_url=self.url, timeout=5) as client:
            while time.monotonic() - began < START_SECONDS:
                assert self.process.poll() is None, (
                    f"it ended with {self.process.returncode} before it was ready:\n{self.said}"
                )
                try:
                    if client.get("/readyz").status_code == 200:
                        return time.monotonic() - began
                except httpx.TransportError:
                    pass
                time.sleep(0.02)
        raise AssertionError(f"not ready after {START_SECONDS} s:\n{self.said}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal and returns the exit status; it has ten seconds to end by itself."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(STOP_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()


@dataclass
class Outsider:
    """What an outside developer does: requests in the name of one person or another."""

    http: httpx.Client
    issuer: DevelopmentIssuer
    url: str
    _tokens: dict[Person, str] = field(default_factory=dict)

    def token(self, person: Person) -> str:
        """What `caserelay token` prints for the person; made here, since every start of Python takes a second."""
        if person not in self._tokens:
            self._tokens[person] = self.issuer.issue(
                sub=person.sub, org=person.org, role=person.role, audience="caserelay"
            )
        return self._tokens[person]

    def headers(self, person: Person) -> dict[str, str]:
        """The person's credentials."""
        return {"Authorization": f"Bearer {self.token(person)}"}

    def send(
        self,
        person: Person,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        **params: Any,
    ) -> httpx.Response:
        """One request, whatever comes of it."""
        sent = {**self.headers(person), **(headers or {})}
        return self.http.request(method, path, json=body, headers=sent, params=params or None)

    def get(self, person: Person, path: str, **params: Any) -> httpx.Response:
        """Reads something, whatever comes of it."""
        return self.send(person, "GET", path, **params)

    def read(self, person: Person, path: str, **params: Any) -> Any:
        """What a successful GET answers."""
        answer = self.get(person, path, **params)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def refer(self, person: Person, body: dict[str, Any], **params: Any) -> httpx.Response:
        """Posts a referral, whatever comes of it."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        return self.send(person, "POST", "/v1/referrals", body, headers=key, **params)

    def command(
        self,
        person: Person,
        resource: str,
        action: str,
        body: Any = None,
        *,
        wait_for: str | None = None,
        **params: Any,
    ) -> httpx.Response:
        """Reads the resource for its ETag and sends the command, whatever comes of it."""
        read = self.get(person, resource, **({"waitFor": wait_for} if wait_for else {}))
        headers = {"If-Match": read.headers["ETag"]} if "ETag" in read.headers else {}
        given = {} if body is None else body
        return self.send(person, "POST", f"{resource}/{action}", given, headers=headers, **params)

    def does(
        self, person: Person, resource: str, action: str, body: Any = None, *, wait_for: str | None = None
    ) -> httpx.Response:
        """A command that has to succeed."""
        answer = self.command(person, resource, action, body, wait_for=wait_for)
        assert answer.status_code == 200, f"{action} of {resource}: {answer.status_code} {answer.text}"
        return answer

    def clock(self, person: Person, now: str, *, frozen: bool = True) -> None:
        """Moves the sandbox's clock and lets it stand there."""
        answer = self.send(person, "PUT", "/v1/sandbox/clock", {"now": now, "frozen": frozen})
        assert answer.status_code == 200, answer.text

    def timeline(self, person: Person, case: str, **asked: str) -> list[dict[str, Any]]:
        """The items of a case's timeline."""
        items: list[dict[str, Any]] = self.read(person, f"/v1/cases/{case}/timeline", **asked)["items"]
        return items

    def owners(self, person: Person, case: str, **asked: str) -> dict[str, str]:
        """Who owns which open step."""
        steps = self.read(person, f"/v1/cases/{case}/responsibility", **asked)["steps"]
        return {step["step"]: step["owner"]["sub"] for step in steps}

    def feed(self, person: Person, after: str | None = None, **asked: Any) -> list[dict[str, Any]]:
        """Everything that the person sees in the feed, page after page."""
        items: list[dict[str, Any]] = []
        while True:
            page = self.read(person, "/v1/feed", **({"after": after} if after else {}), **asked)
            if not page["items"]:
                return items
            items += page["items"]
            after = page["next"]


def outsider(program: Program) -> Outsider:
    """A developer who works with a running sandbox."""
    http = httpx.Client(base_url=program.url, timeout=60)
    return Outsider(http, DevelopmentIssuer(program.data / "issuer"), program.url)


@contextmanager
def sandbox(data: Path, *arguments: str, **settings: str) -> Iterator[tuple[Program, Outsider]]:
    """A sandbox process over a data directory, ready to take work, until the block ends."""
    program = Program(data, "sandbox", *arguments, port=None, **settings)
    try:
        program.wait_until_ready()
        developer = outsider(program)
        with developer.http:
            yield program, developer
    finally:
        program.stop()
