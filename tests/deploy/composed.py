"""The system as `deploy/compose.yaml` runs it, under a name and on ports of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from deploy.compose.issuer import URL as ISSUER
from services.sandbox.development_issuer import DevelopmentIssuer
from tests.journeys.sandbox import Outsider, free_port

ROOT: Final = Path(__file__).parents[2]
FILE: Final = ROOT / "deploy" / "compose.yaml"
IMAGE: Final = "caserelay-tested"
OTHERS: Final = ("python:3.11-slim-bookworm", "postgres:17", "apache/kafka:4.1.1", "nginx:1.27")
SERVICES: Final = ("referral", "casefile", "notifications")
UP_SECONDS: Final = 240


def what_is_missing() -> str | None:
    """What keeps compose from running here; None: nothing. Images are not fetched for a test."""
    try:
        docker("compose", "version")
        for image in OTHERS:
            docker("image", "inspect", image)
    except (OSError, subprocess.SubprocessError) as failure:
        said = failure.stderr if isinstance(failure, subprocess.CalledProcessError) else failure
        return f"needs a Docker daemon with compose and the images {', '.join(OTHERS)}: {str(said).strip()}"
    return None


def docker(*arguments: str, environment: dict[str, str] | None = None, seconds: float = 60) -> str:
    """What a command of Docker says; it has to succeed."""
    return subprocess.run(
        [str(shutil.which("docker") or "docker"), *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=True,
    ).stdout


class Composed:
    """A project of compose, and an outside developer's way in."""

    def __init__(self) -> None:
        self._name = f"caserelay-test-{uuid.uuid4().hex[:8]}"
        self._ports = {"PORT": str(free_port()), "KAFKA_PORT": str(free_port())}
        self.url = f"http://127.0.0.1:{self._ports['PORT']}"
        self.kafka = f"127.0.0.1:{self._ports['KAFKA_PORT']}"

    def compose(self, *arguments: str, seconds: float = 60) -> str:
        """A command of compose to this project."""
        kept = {name: "" for name in os.environ if name.startswith("CASERELAY_")}
        environment = {**kept, **self._ports, "IMAGE": IMAGE}
        return docker(
            "compose", "-p", self._name, "-f", str(FILE), *arguments, environment=environment, seconds=seconds
        )

    def containers(self, *services: str) -> list[dict[str, Any]]:
        """The containers of services as they are now, in full."""
        ids = self.compose("ps", "--all", "--quiet", *services).split()
        return list(json.loads(docker("inspect", *ids)))

    def replicas(self, service: str) -> list[str]:
        """The ids of a service's running containers."""
        return self.compose("ps", "--quiet", "--status", "running", service).split()

    def lose(self, service: str) -> None:
        """Removes a service's container, and the volume that is called like it."""
        self.compose("rm", "--stop", "--force", service)
        docker("volume", "rm", f"{self._name}_{service}")

    def wait_until_healthy(self, service: str, replicas: int = 2, within: float = 90) -> float:
        """Returns once so many containers of a service are healthy, with the seconds that it took."""
        began = time.monotonic()
        while True:
            states = [one["State"] for one in self.containers(service)]
            if sum(state["Running"] and state["Health"]["Status"] == "healthy" for state in states) >= replicas:
                return time.monotonic() - began
            assert time.monotonic() - began < within, states
            time.sleep(0.5)


@contextmanager
def composed() -> Iterator[tuple[Composed, Outsider]]:
    """The system, up and with the demo's scene, and somebody outside who may have any token."""
    # The build reaches the package index as this machine does.
    build = ("build", "--quiet", "--network=host", "--file=deploy/Dockerfile", f"--tag={IMAGE}", ".")
    docker(*build, seconds=UP_SECONDS)
    system = Composed()
    try:
        try:
            system.compose("up", "--detach", "--wait", "--no-build", seconds=UP_SECONDS)
        except subprocess.SubprocessError as failure:
            raise AssertionError(system.compose("logs", "--tail=30")) from failure
        system.compose("exec", "-T", "issuer", "python", "/issuer.py", "scene")
        with tempfile.TemporaryDirectory() as name, httpx.Client(base_url=system.url, timeout=60) as http:
            key = system.compose("exec", "-T", "issuer", "cat", "/tmp/issuer/ed25519.pem")  # noqa: S108 - in the container
            (Path(name) / "ed25519.pem").write_text(key, encoding="ascii")
            yield system, Outsider(http, DevelopmentIssuer(Path(name), ISSUER), system.url)
    finally:
        system.compose("down", "--volumes", "--timeout", "5", seconds=120)
