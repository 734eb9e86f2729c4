"""What the real engines of the tests have in common: containers, an end that comes in any case, and who shares one."""

from __future__ import annotations

import fcntl
import os
import re
import socket
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urlsplit

import pytest

from tests.support.ports import free_port

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

START_SECONDS: Final = 60
PULL_SECONDS: Final = 60
DAEMON_SECONDS: Final = 20
_REMOVE: Final = """
import sys
from testcontainers.core.docker_client import DockerClient
DockerClient().client.containers.get(sys.argv[1]).remove(force=True, v=True)
"""


class NoServer(Exception):  # noqa: N818 - reads as what happened
    """A server could not be started in this way."""


class NoDaemon(NoServer):
    """No Docker daemon answers."""


def without_server(how_to_get_one: str, reason: object) -> NoReturn:
    """Skips a test that lacks a server, or a right, loudly; fails it where CI=true promises that everything runs."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{how_to_get_one} ({reason})")
    # A change of one line should not need two servers installed first; CI runs what was left out.
    pytest.skip(how_to_get_one)


def at_our_end(script: str, *arguments: object) -> Callable[[], None]:
    """Has a shell run the script once this process is gone, even killed. What is returned calls it off."""
    command = ["/bin/sh", "-c", f"read -r _; {script}", "sh", *map(str, arguments)]
    # A session of its own: Ctrl-C is for us, and the shell learns of it by our end.
    shell = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )

    def call_off() -> None:
        shell.kill()
        shell.wait()
        assert shell.stdin is not None
        shell.stdin.close()

    return call_off


@contextmanager
def shared(directory: Path, name: str, start: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """The address of a server that the first process to ask has started, and ends when the others are done with it."""
    address_file = directory / f"{name}.address"
    with (directory / f"{name}.starting").open("a") as starting, (directory / f"{name}.used").open("a") as used:
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(used, fcntl.LOCK_SH)
        if address_file.exists():
            fcntl.flock(starting, fcntl.LOCK_UN)
            yield address_file.read_text(encoding="utf-8")
            return
        with start() as address:
            address_file.write_text(address, encoding="utf-8")
            fcntl.flock(starting, fcntl.LOCK_UN)
            try:
                yield address
            finally:
                fcntl.flock(used, fcntl.LOCK_EX)
                address_file.unlink()


def _docker_answers() -> None:
    # Asked by hand: the client leaves its socket open when nobody answers.
    from testcontainers.core.docker_client import get_docker_host  # noqa: PLC0415 - takes its time, and warns

    host = urlsplit(get_docker_host() or "unix:///var/run/docker.sock")
    try:
        if host.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as daemon:
                daemon.connect(host.path)
        elif host.scheme == "tcp":
            socket.create_connection((host.hostname or "localhost", host.port or 2375), timeout=3).close()
    except OSError as failure:
        raise NoDaemon(f"no Docker daemon answers: {failure}") from failure


def _fetch(client: Any, image: str) -> None:
    from docker.errors import ImageNotFound  # noqa: PLC0415 - as below

    try:
        client.images.get(image)
    except ImageNotFound:
        pass
    else:
        return
    until = time.monotonic() + PULL_SECONDS
    for step in client.api.pull(image, stream=True, decode=True):
        if "error" in step:
            raise NoServer(f"the image {image} is not to be had: {step['error']}")
        if time.monotonic() > until:
            raise NoServer(f"the image {image} did not arrive within {PULL_SECONDS} s")


def _wait(running: DockerContainer, ready: str, host: str, port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while re.search(ready, output := b"".join(running.get_logs()).decode(errors="replace"), re.DOTALL) is None:
        inside = running.get_wrapped_container()
        inside.reload()
        if inside.status != "running" or time.monotonic() > until:
            raise NoServer(f"the container is {inside.status}, not ready: {output[-2000:]}")
        time.sleep(0.1)
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError as failure:
        raise NoServer(f"the container is not reached at {host}:{port}: {failure}") from failure


@contextmanager
def container(
    image: str, environment: Callable[[str, int], Mapping[str, str]], ready: str, inside: int | None = None
) -> Iterator[tuple[str, int]]:
    """A container, and where it is reached once its log says `ready`. Raises NoServer.

    Its port `inside`, or else the one of the same number, is a free one of the host. Its environment is asked for when
    that is known.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _docker_answers()
        from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - as above
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - as above

        # The helper that would remove the container after a crash is one more image to fetch.
        testcontainers_config.ryuk_disabled = True
        name = f"caserelay-test-{uuid.uuid4().hex}"
        try:
            made = DockerContainer(image, docker_client_kw={"timeout": DAEMON_SECONDS}, name=name)
        except Exception as failure:
            raise NoServer(f"Docker does not answer: {failure}") from failure
    call_off = at_our_end('exec "$1" -c "$2" "$3"', sys.executable, _REMOVE, name)
    try:
        try:
            docker = made.get_docker_client()
            host, port = docker.host(), free_port()
            published = ("127.0.0.1", port) if host in {"localhost", "127.0.0.1"} else port
            made.ports[f"{inside or port}/tcp"] = published  # type: ignore[assignment]  # Docker knows more forms
            _fetch(docker.client, made.image)
            made.with_envs(**environment(host, port)).start()
            _wait(made, ready, host, port)
        except NoServer:
            raise
        except Exception as failure:
            raise NoServer(f"the container does not start: {failure}") from failure
        yield host, port
    finally:
        made.stop()
        call_off()
