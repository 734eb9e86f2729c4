"""A second verifier, in Go, finds in a bundle what the first one does: deploy/examples/verify_bundle.go."""

from __future__ import annotations

import asyncio
import re
import subprocess
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.json import decode, encode

from services.chassis.audit.beginning import new_key
from services.chassis.memory_stores import MemoryStores
from services.chassis.transparency.keys import SignatureType, SignerKey
from tests.casefile.cases import SERVICES, CaseContext
from tests.chassis.audit.bundling import encoded, found, members_of, policy_of, put_together
from tests.support.go import build, go_command
from tests.support.people import AUDITOR, LOTTE
from tests.support.running import running

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
SOURCE = EXAMPLES / "verify_bundle.go"
MOST_LINES = 300
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Verifier:
    """The program, and bundles of two cases: of one for an auditor and for a party, of the other for an auditor."""

    program: Path
    directory: Path
    bundle: bytes
    of_party: bytes
    other: bytes

    def run(self, content: bytes, policy: str | None = None) -> subprocess.CompletedProcess[str]:
        """What it makes of a file."""
        file = self.directory / "bundle.zip"
        file.write_bytes(content)
        arguments = [str(file)]
        if policy is not None:
            (self.directory / "policy").write_text(policy)
            arguments.append(str(self.directory / "policy"))
        return subprocess.run([self.program, *arguments], capture_output=True, text=True, check=False, timeout=30)

    def rejects(self, content: bytes, policy: str | None = None) -> str:
        """It ends with status 1, as the first verifier would; what it says."""
        run = self.run(content, policy)
        assert (run.returncode, run.stderr) == (1, ""), run
        assert found(content, policy), run.stdout
        return run.stdout


async def bundles(directory: Path) -> list[bytes]:
    """Those of two cases."""
    async with running(directory, SERVICES, stores=MemoryStores()) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        one, other = await context.brought_to("MENTORING"), await context.brought_to("INTAKE")
        await services.settle()
        wanted = ((AUDITOR, one), (LOTTE, one), (AUDITOR, other))
        return [(await services.get(person, f"{case.path}/bundle")).content for person, case in wanted]


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    """The program, compiled with nothing but Go's standard library."""
    go = go_command("install Go: a second verifier of bundles, deploy/examples/verify_bundle.go, is tried here")
    home = tmp_path_factory.mktemp("go")
    program = build(go, str(SOURCE), home / "verify", home)
    return Verifier(program, home, *asyncio.run(bundles(tmp_path_factory.mktemp("data"))))


def test_it_is_short_enough_to_be_read() -> None:
    """By an auditor, in an hour."""
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MOST_LINES


def test_it_finds_nothing_wrong_where_nothing_is(verifier: Verifier) -> None:
    """In the bundle of an auditor and in that of a party; without a policy it says whose keys it used."""
    for bundle in (verifier.bundle, verifier.of_party, verifier.other):
        run = verifier.run(bundle)
        assert run.returncode == 0, run
        events = sum(name.endswith(".entry") for name in members_of(bundle))
        assert run.stdout.startswith(f"0 mismatches; {events} events checked\nthe keys came from the file itself")
    assert verifier.run(verifier.bundle, trusted(verifier)).stdout.count("\n") == 1


def test_it_prints_nothing_that_a_terminal_would_obey(verifier: Verifier) -> None:
    """Whatever somebody has written into the names of a manifest."""
    members = members_of(verifier.bundle)
    for odd in (b"\x1b[2J", b"\xc2\x9b2J", b"\x9b2J", b"\xe2\x80\xae"):
        crafted = members["signed-manifest"].replace(b" casefile/events/", b" casefile/" + odd)
        said = verifier.rejects(put_together({**members, "signed-manifest": crafted}))
        assert said == "MALFORMED: signed-manifest is no signed note\n"


def test_it_finds_what_was_left_out_of_the_whole_by_who_has_the_key(verifier: Verifier) -> None:
    """A part of a case, as a party's bundle has it, that says that it is all of it."""
    members = members_of(verifier.of_party)
    manifest = members["signed-manifest"].decode()
    assert "\nview of " in manifest
    whole = re.sub("\nview of .*", "\nview whole", manifest)
    assert "MISSING: casefile" in verifier.rejects(put_together({**members, "signed-manifest": whole.encode()}))


def test_it_takes_a_salt_for_the_name_and_the_version_that_it_opens(verifier: Verifier) -> None:
    """Not for a part of the name, with the rest in the salt, nor for another version; who has the key can say so."""
    members = members_of(verifier.bundle)
    listed = decode(members["casefile/streams.json"])
    case = next(each for each in listed if each["stream"].startswith("case-"))
    longer = {version: encoded(b64decode(salt) + b"case-") for version, salt in case["salts"].items()}
    of_an_end = {**case, "stream": case["stream"].removeprefix("case-"), "salts": longer}
    other = {**case, "salts": {**case["salts"], "1": case["salts"]["2"], "2": case["salts"]["1"]}}
    for crafted in (of_an_end, other):
        streams = encode([crafted if each is case else each for each in listed])
        assert "MOVED: casefile/events/" in verifier.rejects(
            put_together({**members, "casefile/streams.json": streams})
        )


def trusted(verifier: Verifier, *more: str, quorum: str = "none") -> str:
    """A policy with the keys of the logs."""
    members = members_of(verifier.bundle)
    logs = (f"log {content.decode().strip()}" for name, content in members.items() if name.endswith("/keys"))
    return policy_of(*logs, *more, quorum=quorum)


def test_it_finds_a_changed_byte_of_any_kind_of_member(verifier: Verifier) -> None:
    """The first, the middle and the last member of each kind, and bytes of the archive between them."""
    members = members_of(verifier.bundle)
    kinds: dict[str, list[str]] = {}
    for name in members:
        kinds.setdefault(name.rpartition(".")[2] if "/events/" in name else name, []).append(name)
    for names in kinds.values():
        for name in {names[0], names[len(names) // 2], names[-1]}:
            content = members[name]
            place = len(content) // 2
            changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            verifier.rejects(put_together({**members, name: changed}))
    for place in range(5, len(verifier.bundle), len(verifier.bundle) // 25):
        verifier.rejects(verifier.bundle[:place] + bytes([verifier.bundle[place] ^ 4]) + verifier.bundle[place + 1 :])
    for around in range(1, 200, 9):
        place = len(verifier.bundle) - around
        verifier.rejects(verifier.bundle[:place] + bytes([verifier.bundle[place] ^ 4]) + verifier.bundle[place + 1 :])


def test_it_finds_what_was_taken_out_slipped_in_or_swapped(verifier: Verifier) -> None:
    """An event dropped, events of another case, the manifest of another bundle, and none at all."""
    members, other = members_of(verifier.bundle), members_of(verifier.other)
    event = next(name for name in members if name.startswith("referral/events/"))[:-5]
    dropped = {name: content for name, content in members.items() if not name.startswith(event)}
    assert "MISSING: " in verifier.rejects(put_together(dropped))
    own = {name: content for name, content in members.items() if not name.startswith("casefile/events/")}
    foreign = {name: content for name, content in other.items() if name.startswith("casefile/events/")}
    said = verifier.rejects(put_together(own | foreign))
    assert "MOVED: " in said
    assert "ADDED: " in said
    assert "CHANGED: " in verifier.rejects(put_together({**members, "signed-manifest": other["signed-manifest"]}))
    manifest = members["signed-manifest"].decode()
    without_logs = "".join(line for line in manifest.splitlines(keepends=True) if not line.startswith("log "))
    verifier.rejects(put_together({**members, "signed-manifest": without_logs.encode()}))
    for content in (b"", b"hello", b"PK\x05\x06" + bytes(18), verifier.bundle[:-1], verifier.bundle + b" "):
        verifier.rejects(content)


def test_it_asks_a_policy_for_keys_and_witnesses(verifier: Verifier) -> None:
    """A foreign key, and a quorum that nobody reached."""
    origin = next(line for line in trusted(verifier).splitlines() if "/casefile+" in line).split("+")[0]
    foreign = SignerKey.read(new_key(origin.removeprefix("log "))).verifier.text
    lines = [line for line in trusted(verifier).splitlines() if "/casefile+" not in line]
    assert "NOT_SIGNED: casefile" in verifier.rejects(verifier.bundle, "\n".join((f"log {foreign}", *lines, "")))
    witness = SignerKey("witness.example/w", bytes(32), SignatureType.COSIGNATURE_V1).verifier.text
    asked = trusted(verifier, f"witness w {witness}", "group some 1 w", quorum="some")
    assert "DISTRUSTED: casefile" in verifier.rejects(verifier.bundle, asked)
