"""What is read from /proc: trees, sums over them, who answers, and where a process may run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection

import pytest

from deploy.bench import processes
from deploy.bench.process import Process

TICKS = os.sysconf("SC_CLK_TCK")
SUPERVISED = """
import os, socket, sys, time
listening = socket.create_server(("127.0.0.1", 0))
child = os.fork()
if child == 0:
    accepted = listening.accept()
    time.sleep(60)
print(listening.getsockname()[1], child, flush=True)
time.sleep(60)
"""
"""A process that listens, and a child of it that takes the connections."""
BUSY = """
import os, time
burn = lambda: [None for _ in iter(lambda: time.process_time() < 0.4, False)]
if (ended := os.fork()) == 0:
    burn()
    os._exit(0)
os.waitpid(ended, 0)
if os.fork() == 0:
    burn()
    print("done", flush=True)
    time.sleep(60)
time.sleep(60)
"""
"""A child that has ended, and one that lives, each after 0.4 s of work."""


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[str]]:
    """A program, and its children, which end with it."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            for pid in reversed(processes.tree(process.pid)):
                os.kill(pid, 9)


def stat(proc: Path, pid: int, parent: int, *ticks: int) -> None:
    """What the kernel says of a process; ticks are user, system, and the same of the children that have ended."""
    (proc / str(pid)).mkdir(parents=True)
    between = " ".join(["0"] * 9)
    line = f"{pid} (a name) with) S {parent} {between} {' '.join(map(str, ticks))} 20 0 1 0 99"
    (proc / str(pid) / "stat").write_text(line)


def test_a_sum_is_that_of_a_process_and_of_all_that_it_started(tmp_path: Path) -> None:
    """Grandchildren count, strangers do not, and who has ended counts by the parent that waited for it."""
    stat(tmp_path, 10, 1, 100, 10, 7, 3)
    stat(tmp_path, 11, 10, 200, 0, 0, 0)
    stat(tmp_path, 12, 11, 0, 50, 0, 0)
    stat(tmp_path, 20, 1, 9000, 0, 0, 0)
    (tmp_path / "self").mkdir()
    assert processes.tree(10, tmp_path) == [10, 11, 12]
    assert processes.processor_seconds([10, 11, 12], tmp_path) == (120 + 200 + 50) / TICKS
    assert processes.processor_seconds([11, 404], tmp_path) == 200 / TICKS


def test_memory_is_summed_up_too(tmp_path: Path) -> None:
    """In megabytes; a process that has none, as it has ended, counts as nothing."""
    for pid, told in ((10, "Name:\tx\nVmRSS:\t  2048 kB\n"), (11, "Name:\tx\nVmRSS:\t 1024 kB\n"), (12, "Name:\tx\n")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "status").write_text(told)
    assert processes.resident_megabytes([10, 11, 12, 404], tmp_path) == 3.0
    assert 1 < processes.proportional_megabytes([os.getpid()]) <= processes.resident_megabytes([os.getpid()])


def test_children_count_while_they_live_and_after_they_have_ended() -> None:
    """As the kernel of this machine tells it: one child of each kind, of 0.4 s."""
    with running(BUSY) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        assert 0.7 < processes.processor_seconds(processes.tree(process.pid)) < 2


def test_who_answers_is_who_takes_the_connections() -> None:
    """Not the supervisor, who only listens, and whose child has the same socket."""
    with running(SUPERVISED) as process:
        assert process.stdout is not None
        port, child = map(int, process.stdout.readline().split())
        pids = processes.tree(process.pid)
        assert pids == [process.pid, child]
        assert processes.answering(pids, port) == []
        with create_connection(("127.0.0.1", port)):
            until = time.monotonic() + 10
            while not (found := processes.answering(pids, port)) and time.monotonic() < until:
                time.sleep(0.01)
            assert found == [child]


def test_a_server_has_used_what_its_children_have_used(tmp_path: Path) -> None:
    """A benchmark of a supervisor counts those who do the work."""
    server = Process([sys.executable, "-c", BUSY], tmp_path / "log", {}, tmp_path)
    server.start()
    try:
        until = time.monotonic() + 10
        while (used := server.processor_seconds()) < 0.7 and time.monotonic() < until:
            time.sleep(0.05)
        assert used >= 0.7
        assert server.resident_megabytes() > processes.proportional_megabytes([server.pid])
    finally:
        for pid in reversed(processes.tree(server.pid)):
            os.kill(pid, 9)
        server.stop()


def test_a_process_is_held_to_a_core_with_all_its_threads() -> None:
    """Also the threads that run already."""
    core = min(os.sched_getaffinity(0))
    program = "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); print(1, flush=True)"
    with running(program) as process:
        assert process.stdout is not None
        process.stdout.readline()
        processes.pin([process.pid], {core})
        threads = [int(thread.name) for thread in Path(f"/proc/{process.pid}/task").iterdir()]
        assert len(threads) == 2
        assert [os.sched_getaffinity(thread) for thread in threads] == [{core}, {core}]


def test_a_process_is_found_by_all_words_of_its_command_line() -> None:
    """As the database's are, which are titled with the name of what they work on."""
    with running("import time; time.sleep(60)  # made-up-name") as process:
        until = time.monotonic() + 10
        while process.pid not in processes.named(["made-up", "sleep(60)"]) and time.monotonic() < until:
            time.sleep(0.01)
        assert process.pid in processes.named(["made-up", "sleep(60)"])
        assert process.pid not in processes.named(["made-up", "another word"])


@pytest.fixture(autouse=True)
def _on_linux() -> None:
    """There is nothing to be read elsewhere."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("NO /proc HERE: processor time of several processes is measured on Linux only")
