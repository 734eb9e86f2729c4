"""What is taken away from the logs, and checked elsewhere: `caserelay audit bundle`, and `audit verify` with a file."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from services.shell_commands import Command, Identifier, json_option, print_json, read_settings

if TYPE_CHECKING:
    from services.chassis.audit.offline.findings import Findings, Mismatch
    from services.chassis.transparency.trust_policy import TrustPolicy

_FROM_THE_FILE = "the keys came from the file itself: compare them with those that the log's operator published"
_OF_CASE = "case-"


@click.command(cls=Command, settings=("data", "database_url"))
@click.argument("case", type=Identifier())
@click.option("-o", "--output", "file", required=True, type=click.Path(path_type=Path), help="The file to write; new.")
@json_option
def bundle(case: str, file: Path, *, as_json: bool) -> None:
    """Write a file that proves a case offline.

    It holds the events of all services as they are stored, and what proves them. Services may keep running.
    """
    from services.bundle_administration import write_case_bundle
    from services.casefile.replay import UnknownCase

    if file.exists():
        raise click.ClickException(f"{file} exists; name a file that does not")
    try:
        size = asyncio.run(write_case_bundle(read_settings(), case, file))
    except UnknownCase as refusal:
        raise click.ClickException(str(refusal)) from None
    if as_json:
        print_json({"file": str(file), "case": case, "bytes": size})
    else:
        click.echo(f"{file}: {size:,} bytes; check it anywhere with: caserelay audit verify {file}")


def verify_offline(file: Path, trust: Path | None, *, as_json: bool) -> None:
    """Says what came of a file, with nothing but that file and a policy; exits with 1 where anything does not hold."""
    from services.chassis.audit.offline.files import verify_file

    policy = read_policy(trust) if trust is not None else None
    try:
        findings = verify_file(file, policy)
    except OSError as failure:
        raise click.ClickException(f"{file} cannot be read ({failure.strerror})") from None
    if as_json:
        print_json(_to_json(findings))
    else:
        for line in _lines(findings):
            click.echo(line)
    sys.exit(0 if findings.ok else 1)


def read_policy(path: Path) -> TrustPolicy:
    """The policy in a file; exits with a line where it is none."""
    from services.chassis.transparency.trust_policy import LARGEST_POLICY, NoPolicy, TrustPolicy

    try:
        with path.open("rb") as file:
            return TrustPolicy.read(file.read(LARGEST_POLICY + 1))
    except OSError as failure:
        raise click.ClickException(f"{path} cannot be read ({failure.strerror})") from None
    except NoPolicy as failure:
        raise click.ClickException(f"{path}: {failure}") from None


def _lines(findings: Findings) -> list[str]:
    of_case = f", case {case}" if (case := _case(findings)) is not None else ""
    lines = [f"{_place(found)}{of_case}: {found.what}: {found.detail}" for found in findings.mismatches]
    checked = ", ".join(f"{log} {count:,}" for log, count in findings.checked.items()) or "none"
    lines.append(f"{len(findings.mismatches)} mismatches; events checked: {checked}")
    if findings.keys_from_file:
        lines.append(_FROM_THE_FILE)
    return lines


def _place(found: Mismatch) -> str:
    if not found.log:
        return "the file"
    return f"{found.log}: position {found.position}" if found.position else f"{found.log}: the whole log"


def _to_json(findings: Findings) -> dict[str, Any]:
    case = _case(findings)
    of_case = {"case": case} if case is not None else {}
    return {
        "ok": findings.ok,
        "checked": findings.checked,
        "mismatches": [
            {"log": found.log, "position": found.position, **of_case, "what": found.what.value}
            for found in findings.mismatches
        ],
        "details": [found.detail for found in findings.mismatches],
        "keys": "FILE" if findings.keys_from_file else "POLICY",
    }


def _case(findings: Findings) -> str | None:
    """The case that a file is about, if it names one and that is written as the ids of cases are."""
    case = findings.subject.removeprefix(_OF_CASE)
    plain = case.replace("-", "").isalnum() and case.isascii()
    return case if case != findings.subject and plain and len(case) <= 200 else None
