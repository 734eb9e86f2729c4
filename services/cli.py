"""The command `caserelay`. Imports are late, so that every command pays only for what it uses."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from contracts.codes import Role
from services.audit_shell import audit
from services.export_shell import export
from services.mail_shell import mail
from services.questions_shell import ask, diff
from services.shell_commands import (
    Commands,
    Day,
    Identifier,
    When,
    json_option,
    print_json,
    read_settings,
    to_stderr,
)
from services.witness_shell import witness

if TYPE_CHECKING:
    from services.backup_manifest import Manifest
    from services.casefile.reports.printed import Shape
    from services.chassis.settings import Settings
    from services.progress import Say

SERVICE_NAMES = ("referral", "casefile", "notifications")
WHEN: Final = When()
IDENTIFIER: Final = Identifier()
DAY: Final = Day()
_STORES: Final = ("data", "database_url")
_KAFKA: Final = (
    "kafka_servers",
    "kafka_security_protocol",
    "kafka_sasl_mechanism",
    "kafka_sasl_username",
    "kafka_sasl_password",
    "kafka_ssl_cafile",
    "kafka_ssl_certfile",
    "kafka_ssl_keyfile",
    "kafka_prefix",
)
_ISSUED_HERE: Final = ("data", "audience")
_ROLES: Final = [role.value for role in Role if role is not Role.SYSTEM]
"""SYSTEM acts from within and holds no token."""


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "-V", "--version", package_name="caserelay", message="caserelay %(version)s")
def main() -> None:
    """Referral and case handoff between a public employment agency and mentoring organisations.

    Settings are environment variables with the prefix CASERELAY_; the help of each command names those that it reads.
    """


audit.add_command(ask)
main.add_command(audit)
main.add_command(diff)
main.add_command(witness)
main.add_command(export)
main.add_command(mail)


@main.command(settings=None)
@click.option("--empty", is_flag=True, help="Load no stories; only the demo organisations and programme.")
def sandbox(*, empty: bool) -> None:
    """Run all services with a demo.

    With a movable clock and a development issuer, on loopback.
    """
    from services.sandbox.run import run_sandbox

    sys.exit(run_sandbox(read_settings(), empty=empty))


@main.command(settings=None)
@click.argument("which", type=click.Choice(["all", *SERVICE_NAMES]))
def serve(which: str) -> None:
    """Run one service, or all, in production.

    Needs CASERELAY_ISSUER, an OpenID Connect issuer.
    """
    from services.serve import run_services

    sys.exit(run_services(read_settings(), SERVICE_NAMES if which == "all" else (which,)))


@main.command(settings=("database_url", "access_database_url"))
@click.argument("which", type=click.Choice(["all", *SERVICE_NAMES]), default="all")
@json_option
def migrate(which: str, *, as_json: bool) -> None:
    """Bring the database up to date.

    Services may keep running.
    """
    from services.chassis.engines.migrations import migrate as bring_up_to_date
    from services.chassis.engines.postgres import RefusedDatabase

    settings = read_settings()
    url, access = settings.database_url, settings.access_database_url
    if url is None:
        raise RefusedDatabase("CASERELAY_DATABASE_URL is not set; data in files needs no migration")
    applied = bring_up_to_date(
        url.get_secret_value(),
        SERVICE_NAMES if which == "all" else (which,),
        access.get_secret_value() if access is not None else None,
    )
    if as_json:
        print_json({"applied": applied})
    else:
        click.echo("\n".join(applied) or "nothing to do")


@main.command(settings=_STORES)
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def backup(file: Path, *, as_json: bool) -> None:
    """Copy the data directory into an archive.

    FILE must not exist yet. The backup is consistent, and services may keep running.
    """
    from services.backup import back_up

    _with_files(back_up, file, as_json=as_json)


@main.command(settings=(*_STORES, "kafka_servers"))
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def restore(file: Path, *, as_json: bool) -> None:
    """Restore the data directory from an archive.

    FILE was made by `caserelay backup` and is checked first; the data directory must be empty.
    """
    from services.backup import restore as put_back

    _with_files(put_back, file, as_json=as_json)


def _with_files(work: Callable[[Settings, Path, Say], Manifest], file: Path, *, as_json: bool) -> None:
    import signal

    # Stopped like by Ctrl-C, it leaves no half of anything behind.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        manifest = work(read_settings(), file, to_stderr if as_json else click.echo)
        if as_json:
            print_json({"file": str(file), **manifest.model_dump(mode="json", by_alias=True)})
    finally:
        signal.signal(signal.SIGTERM, before)


@main.group()
def bus() -> None:
    """Topics in Kafka, and parked messages."""


@bus.command(settings=(*_KAFKA, "kafka_partitions", "kafka_replication"))
@click.option("--organisation", type=IDENTIFIER, multiple=True, help="Also create this organisation's own topic.")
@json_option
def topics(organisation: tuple[str, ...], *, as_json: bool) -> None:
    """Create the topics that are missing in Kafka."""
    from services.bus_administration import create_topics

    created = create_topics(read_settings(), organisation)
    if as_json:
        print_json({"created": created})
    else:
        click.echo("\n".join(created) or "nothing to do")


@bus.command(settings=_STORES)
@click.argument("which", type=click.Choice(["all", *SERVICE_NAMES]), default="all")
@json_option
def parked(which: str, *, as_json: bool) -> None:
    """List the parked messages.

    These are the messages that a service could not handle, and those waiting behind them.
    """
    from services.bus_administration import parked_messages

    found = parked_messages(read_settings(), SERVICE_NAMES if which == "all" else (which,))
    if as_json:
        print_json({"parked": [message.to_json() for message in found]})
    else:
        click.echo("\n".join(message.to_line() for message in found) or "no parked messages")


@bus.command(settings=_STORES)
@click.argument("which", type=click.Choice(["all", *SERVICE_NAMES]), default="all")
@json_option
def redrive(which: str, *, as_json: bool) -> None:
    """Retry messages that were given up.

    The running service picks them up.
    """
    from services.bus_administration import redrive_parked

    names = SERVICE_NAMES if which == "all" else (which,)
    count = redrive_parked(read_settings(), names)
    if as_json:
        print_json({"redriven": count})
    else:
        click.echo(f"{count} will be retried" if count else "no messages were given up")


@main.command(settings=_ISSUED_HERE)
@click.option("--org", type=IDENTIFIER, required=True, help="The organisation's id, such as brugwerk.")
@click.option("--role", required=True, type=click.Choice(_ROLES), help="The person's role.")
@click.option(
    "--sub",
    type=IDENTIFIER,
    required=True,
    help="The organisation's own identifier of the person, such as lotte.claes.",
)
@json_option
def token(org: str, role: str, sub: str, *, as_json: bool) -> None:
    """Print a token for the sandbox.

    The development issuer signs it. It lasts 12 hours.
    """
    from services.chassis.access.identity import Unauthenticated
    from services.sandbox.development_issuer import LIFETIME
    from services.sandbox.run import open_issuer

    settings = read_settings()
    issuer = open_issuer(settings)
    try:
        issued = issuer.issue(sub=sub, org=org, role=role, audience=settings.audience)
    except (ValueError, Unauthenticated) as refusal:
        raise click.ClickException(str(refusal)) from None
    if as_json:
        print_json({"token": issued, "type": "Bearer", "expiresIn": LIFETIME})
    else:
        click.echo(issued)


@main.command(settings=("host", "port", *_ISSUED_HERE))
@click.option("--url", default=None, help="The system's address; default: the sandbox of these settings.")
def demo(url: str | None) -> None:
    """Load the demo into a running sandbox.

    The organisations and stories are entered over the public API.
    """
    from services.sandbox.run import tell_demo

    sys.exit(asyncio.run(tell_demo(read_settings(), url)))


@main.command(settings=_STORES)
@click.argument("case", type=IDENTIFIER)
@click.option("--as-of", type=WHEN, help="The state at this time: RFC 3339, or a date (the end of that day).")
@click.option(
    "--known-at", type=WHEN, help="What was recorded by this time: RFC 3339, or a date (the end of that day)."
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Show reminders, breaches and escalations as they were and under other terms; FILE is JSON with the members "
    'of a programme version that differ, such as {"terms": {"DECISION": {"n": 1, "unit": "WORKING_DAYS"}}}.',
)
@click.option("--viewer", type=IDENTIFIER, help="As this organisation saw it at that moment.")
@json_option
def replay(
    case: str,
    as_of: datetime | date | None,
    known_at: datetime | date | None,
    policy: Path | None,
    viewer: str | None,
    *,
    as_json: bool,
) -> None:
    """Rebuild a case from the log alone.

    Shows its timeline, and who is responsible for which step.
    """
    from services.casefile.replay import Replayed, UnknownCase, replay_case
    from services.casefile.what_if_table import Comparison, compare_case

    if policy is not None and viewer is not None:
        raise click.UsageError("--policy and --viewer exclude each other")
    replayed: Replayed | Comparison
    try:
        if policy is None:
            replayed = asyncio.run(replay_case(read_settings(), case, as_of, known_at, viewer))
        else:
            replayed = asyncio.run(compare_case(read_settings(), case, policy, as_of, known_at))
    except UnknownCase as refusal:
        raise click.ClickException(str(refusal)) from None
    if as_json:
        click.echo(replayed.to_json())
    else:
        click.echo("\n".join(replayed.to_lines()))


@main.command(settings=_STORES)
@click.argument("name", metavar="NAME", required=False)
@click.option("--from", "first", type=DAY, help="The first day.")
@click.option("--to", "last", type=DAY, help="The last day.")
@click.option("--programme", type=IDENTIFIER, help="Only rows of this programme.")
@click.option("--organisation", type=IDENTIFIER, help="Only rows of this organisation.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table with commas, for spreadsheets.")
@json_option
def report(
    name: str | None,
    first: date | None,
    last: date | None,
    programme: str | None,
    organisation: str | None,
    *,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Make a report from the log alone.

    Without NAME, lists the reports. It shows the same rows as the API shows an auditor.
    """
    from services.casefile.reports.catalogue import listed
    from services.casefile.reports.printed import printed
    from services.casefile.reports.report import Period, Wanted

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other")
    if name is None:
        if as_json:
            print_json({"items": listed()})
        else:
            click.echo("\n".join(f"{each['name']}\n  {each['definition']}" for each in listed()))
        return
    if first is not None and last is not None and last < first:
        raise click.BadParameter("give a day that is not before --from", param_hint="--to")
    shape: Shape = "csv" if as_csv else "json" if as_json else "table"
    wanted = Wanted(programme, organisation)
    click.echo(asyncio.run(printed(read_settings(), name, Period(first, last), wanted, shape, to_stderr)), nl=False)
