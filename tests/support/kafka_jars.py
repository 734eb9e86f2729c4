"""Apache Kafka from Maven Central's jars, fetched once and kept under XDG_CACHE_HOME, or under ~/.cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.engines import NoServer

VERSION: Final = "4.1.1"
MAVEN_SECONDS: Final = 100
FORMAT_SECONDS: Final = 60
_LOG4J: Final = "2.25.1"
# Kafka's own POM names nothing that would write its log, and that it is ready is a line in there.
_WANTED: Final = (
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", _LOG4J),
    ("org.apache.logging.log4j", "log4j-core", _LOG4J),
    ("org.apache.logging.log4j", "log4j-1.2-api", _LOG4J),
)
_DEPENDENCY: Final = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
_POM: Final = (
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
    "<groupId>org.caserelay</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>"
    "<packaging>pom</packaging><dependencies>{}</dependencies></project>"
)
_CLUSTER: Final = "Y2FzZXJlbGF5LXRlc3RzIQ"
_FORMAT: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:9093
listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
controller.listener.names=CONTROLLER
log.dirs={}
"""
_JAVA_OPTIONS: Final = (
    "-Xms64m",
    "-Xmx320m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xlog:cds=off",
    "-Xlog:cds+dynamic=off",
    "-Dorg.apache.logging.log4j.level=INFO",
)


@dataclass(frozen=True)
class Jars:
    """A Java, Kafka's jars, a data directory as it is before the first start, and an archive of loaded classes."""

    java: Path
    place: Path
    archive: Path

    @property
    def formatted(self) -> Path:
        """What a broker's data directory begins as."""
        return self.place / "formatted"

    def command(self, main: str, *arguments: object) -> list[str]:
        """How to run one of Kafka's programs. Where no archive is yet, it writes one as it ends."""
        options = list(_JAVA_OPTIONS)
        if not self.archive.exists():
            options.append(f"-XX:ArchiveClassesAtExit={self.archive}")
        elif self.archive.stat().st_size:
            options.append(f"-XX:SharedArchiveFile={self.archive}")
        # Sorted, because an archive fits one order of the jars only.
        classes = os.pathsep.join(sorted(map(str, (self.place / "libs").glob("*.jar"))))
        return [str(self.java), *options, "-cp", classes, main, *map(str, arguments)]


def cache() -> Path:
    """Where what was fetched is kept, from run to run and for every checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "caserelay"


@contextmanager
def alone() -> Iterator[None]:
    """Nobody else fills the cache meanwhile. Raises NoServer where there can be none."""
    try:
        cache().mkdir(parents=True, exist_ok=True)
        lock = (cache() / f"kafka-{VERSION}.lock").open("a")
    except OSError as failure:
        raise NoServer(f"no cache: {failure}") from failure
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def complete_or_not_there(wanted: Path) -> Iterator[Path]:
    """Where to make what then appears in its place at once, or never."""
    with tempfile.TemporaryDirectory(dir=wanted.parent, prefix=f"{wanted.name}.") as directory:
        made = Path(directory) / wanted.name
        yield made
        made.rename(wanted)


def jars() -> Jars:
    """The jars from the cache, fetched with Maven if they are not there. Raises NoServer."""
    java, kind = _java()
    place = cache() / f"kafka-{VERSION}"
    if not place.exists():
        if (maven := shutil.which("mvn")) is None:
            raise NoServer("no Maven (mvn)")
        with complete_or_not_there(place) as made:
            _fetch(maven, made)
            _format(Jars(java, made, Path(os.devnull)))
    return Jars(java, place, place / f"classes-{kind}.jsa")


def _java() -> tuple[Path, str]:
    """The interpreter, and what tells it from another: an archive of loaded classes fits one only."""
    at_home = Path(os.environ.get("JAVA_HOME", os.devnull)) / "bin" / "java"
    found = str(at_home) if at_home.exists() else shutil.which("java")
    if found is None:
        raise NoServer("no Java")
    output = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', output)
    if version is None or int(version[1]) < 17:
        raise NoServer(f"{found} is older than Java 17")
    return Path(found), hashlib.sha256(f"{Path(found).resolve()}\n{output}".encode()).hexdigest()[:12]


def _run(command: list[str], seconds: float) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise NoServer(f"{command[0]} took more than {seconds} s") from None
    if done.returncode != 0:
        raise NoServer(f"{command[0]}: {(done.stdout + done.stderr).strip()[-2000:]}")


def _fetch(maven: str, place: Path) -> None:
    place.mkdir()
    pom = place / "pom.xml"
    pom.write_text(_POM.format("".join(_DEPENDENCY.format(*dependency) for dependency in _WANTED)), encoding="utf-8")
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={place / 'libs'}"]
    _run([maven, "--batch-mode", "--quiet", "--file", str(pom), *goal], MAVEN_SECONDS)


def _format(of: Jars) -> None:
    properties = of.place / "format.properties"
    properties.write_text(_FORMAT.format(of.formatted), encoding="utf-8")
    tool = of.command("kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", properties)
    _run(tool, FORMAT_SECONDS)
