"""The commands `caserelay audit …`, which prove what happened, or find where it was tampered with."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

import click

from contracts.audited import PROVEN
from services.bundle_shell import bundle, verify_offline
from services.shell_commands import Commands, drawn_on_stderr, json_option, print_json, read_settings

_READ: Final = ("data", "database_url", "access_database_url", "audit_state", "witness_policy")


@click.group(cls=Commands)
def audit() -> None:
    """Prove what happened, and find what was tampered with."""


audit.add_command(bundle)


@audit.command(settings=_READ)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--trust",
    type=click.Path(path_type=Path),
    metavar="POLICY",
    help="Of a FILE: which keys and witnesses to trust, as a c2sp.org/tlog-policy.",
)
@json_option
def verify(file: Path | None, trust: Path | None, *, as_json: bool) -> None:
    """Hold every event in the database against the signed logs, or check a FILE.

    Prints a line for each mismatch, and exits with status 1 if there is one. Runs beside the services. A FILE, such as
    the bundle of a case, is checked with nothing but itself.
    """
    if file is not None:
        verify_offline(file, trust, as_json=as_json)
    elif trust is not None:
        raise click.UsageError("--trust is for a FILE")

    from services.audit_administration import verify_all

    settings = read_settings()
    with drawn_on_stderr() as (say, every):
        verified = asyncio.run(verify_all(settings, PROVEN, say, every))
    if as_json:
        print_json(verified.to_json())
    else:
        for found in verified.mismatches:
            click.echo(found.to_line())
        checked = ", ".join(f"{log} {count:,}" for log, count in verified.checked.items()) or "no logs"
        click.echo(f"{len(verified.mismatches)} mismatches; events checked: {checked}")
    sys.exit(1 if verified.mismatches else 0)


@audit.command(settings=("data", "database_url", "access_database_url"))
@click.argument("log", type=click.Choice(PROVEN))
@json_option
def checkpoint(log: str, *, as_json: bool) -> None:
    """Print the checkpoint of a log that was signed last."""
    from services.audit_administration import newest_checkpoint

    note = asyncio.run(newest_checkpoint(read_settings(), log))
    if as_json:
        print_json({"log": log, "checkpoint": note})
    else:
        click.echo(note, nl=False)


@audit.command(settings=("data", "database_url", "access_database_url", "audit_origin", "audit_state"))
@click.option("--reason", required=True, help="Why: what was put back, and by whom it was decided. It is kept.")
@json_option
def epoch(reason: str, *, as_json: bool) -> None:
    """Begin another epoch of every log, as after a restored backup.

    Nothing is signed of a log that was put back until then. The new epoch has an origin and a key of its own; what was
    signed before stays as it was.
    """
    from services.audit_administration import begin_epochs

    begun = asyncio.run(begin_epochs(read_settings(), PROVEN, reason))
    if as_json:
        print_json({"begun": begun})
    else:
        click.echo("\n".join(f"{log}: {origin}" for log, origin in begun.items()) or "no logs")


@audit.command(settings=("data", "database_url", "access_database_url"))
@json_option
def rotate(*, as_json: bool) -> None:
    """Sign every log with a new key from now on.

    Prints the new public keys. Older ones are kept: what they signed is still verified by them.
    """
    from services.audit_administration import rotate_keys

    drawn = asyncio.run(rotate_keys(read_settings(), PROVEN))
    if as_json:
        print_json({"keys": drawn})
    else:
        click.echo("\n".join(drawn.values()) or "no logs")
