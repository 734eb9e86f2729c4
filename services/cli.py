"""The command `caserelay`. Imports are late, so that every command pays only for what it uses."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from services.chassis.settings import Settings

SERVICE_NAMES = ("referral", "casefile", "notifications")


class When(click.ParamType["datetime | date"]):
    """An RFC 3339 time, or a date, which is the end of that day where the programme is."""

    name = "time"

    def convert(
        self, value: datetime | date | str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime | date:
        """Raises click.BadParameter."""
        from contracts.fields import calendar_date, instant

        if not isinstance(value, str):
            return value
        with contextlib.suppress(ValueError):
            return instant(value)
        try:
            return calendar_date(value)
        except ValueError:
            self.fail("give an RFC 3339 time, such as 2026-07-01T12:00:00Z, or a date", param, ctx)


WHEN = When()


class Commands(click.Group):
    """What is refused before anything was done is said in a line, and the exit status is 2: whichever command it is."""

    def invoke(self, ctx: click.Context) -> object:
        """See click."""
        from services.chassis.refusals import RefusedStart
        from services.chassis.store_health import Unavailable

        try:
            return super().invoke(ctx)
        except RefusedStart as refusal:
            click.echo(str(refusal), err=True)
        except Unavailable as refusal:
            click.echo(
                f"the {refusal.store} cannot be used ({refusal.code}); look at what CASERELAY_DATA and"
                " CASERELAY_DATABASE_URL name",
                err=True,
            )
        sys.exit(2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Referral and case handoff between a public employment agency and mentoring organisations."""


def _settings() -> Settings:
    from pydantic import ValidationError

    from services.chassis.settings import Settings, unknown_variables

    if unknown := unknown_variables():
        named = (f"{name} (perhaps {near})" if near else name for name, near in unknown.items())
        click.echo(f"warning: no settings are {', '.join(named)}; they change nothing", err=True)
    try:
        return Settings()
    except ValidationError as error:
        # Without the input: a setting may be a secret.
        for fault in error.errors(include_input=False, include_url=False):
            said = fault["msg"].removeprefix("Value error, ")
            name = "_".join(str(part) for part in fault["loc"]).upper()
            click.echo(f"CASERELAY_{name}: {said}" if name else said, err=True)
        raise SystemExit(2) from None


@main.command()
@click.option(
    "--empty", is_flag=True, help="Tell no stories; the demo organisations and programme are there all the same."
)
def sandbox(*, empty: bool) -> None:
    """All three services with demo stories, a movable clock and a development issuer, on loopback."""
    from services.sandbox.run import run_sandbox

    sys.exit(run_sandbox(_settings(), empty=empty))


@main.command()
@click.argument("which", type=click.Choice(["all", *SERVICE_NAMES]))
def serve(which: str) -> None:
    """Production: one service, or all in one process. Needs CASERELAY_ISSUER, an OpenID Connect issuer."""
    from services.serve import run_services

    sys.exit(run_services(_settings(), SERVICE_NAMES if which == "all" else (which,)))


@main.command()
@click.argument("which", type=click.Choice(["all", *SERVICE_NAMES]), default="all")
def migrate(which: str) -> None:
    """Brings the schemas in the database of CASERELAY_DATABASE_URL up to date; may run while services do."""
    from services.chassis.migrations import migrate as bring_up_to_date
    from services.chassis.postgres import RefusedDatabase

    url = _settings().database_url
    if url is None:
        raise RefusedDatabase("CASERELAY_DATABASE_URL is not set; files need no migration")
    applied = bring_up_to_date(url.get_secret_value(), SERVICE_NAMES if which == "all" else (which,))
    click.echo("\n".join(applied) or "nothing to do")


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copies the files of CASERELAY_DATA into a new archive, all as of one moment; services may run meanwhile."""
    from services.backup import back_up

    _with_files(lambda settings: back_up(settings, file, click.echo))


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """Checks an archive made by `caserelay backup`, and puts its files into CASERELAY_DATA, which has to be empty."""
    from services.backup import restore as put_back

    _with_files(lambda settings: put_back(settings, file, click.echo))


def _with_files(work: Callable[[Settings], None]) -> None:
    import signal

    # Stopped like by Ctrl-C, it leaves no half of anything behind.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        work(_settings())
    finally:
        signal.signal(signal.SIGTERM, before)


@main.group()
def bus() -> None:
    """The topics in Apache Kafka, and the messages that wait aside on any bus."""


@bus.command()
@click.option("--organisation", multiple=True, help="Also the topic with what this organisation may see.")
def topics(organisation: tuple[str, ...]) -> None:
    """Creates the topics that are missing, in the cluster of CASERELAY_KAFKA_SERVERS."""
    from services.bus_administration import create_topics

    created = create_topics(_settings(), organisation)
    click.echo("\n".join(created) or "nothing to do")


@bus.command()
@click.argument("which", type=click.Choice(["all", *SERVICE_NAMES]), default="all")
def parked(which: str) -> None:
    """Lists the messages that a service could not handle, and those that wait behind them."""
    from services.bus_administration import list_parked

    names = SERVICE_NAMES if which == "all" else (which,)
    if not list_parked(_settings(), names, click.echo):
        click.echo("no message waits aside")


@bus.command()
@click.argument("which", type=click.Choice(["all", *SERVICE_NAMES]), default="all")
def redrive(which: str) -> None:
    """Has the messages that were given up tried again by the running service."""
    from services.bus_administration import redrive_parked

    names = SERVICE_NAMES if which == "all" else (which,)
    given = redrive_parked(_settings(), names)
    click.echo(f"{given} will be tried again" if given else "none was given up")


@main.command()
@click.option("--org", required=True, help="The organisation's id, such as brugwerk.")
@click.option("--role", required=True, help="One of the roles, such as NGO_COORDINATOR.")
@click.option("--sub", required=True, help="The organisation's own identifier of the person, such as lotte.claes.")
def token(org: str, role: str, sub: str) -> None:
    """Prints one bearer token of the sandbox's development issuer. It lasts 12 hours."""
    from services.chassis.identity import Unauthenticated
    from services.sandbox.run import open_issuer

    settings = _settings()
    issuer = open_issuer(settings)
    try:
        click.echo(issuer.issue(sub=sub, org=org, role=role, audience=settings.audience))
    except (ValueError, Unauthenticated) as refusal:
        raise click.ClickException(str(refusal)) from None


@main.command()
@click.option("--url", default=None, help="Where the system runs; default: the sandbox of these settings.")
def demo(url: str | None) -> None:
    """Loads the demo organisations and stories into a running sandbox, over its public API."""
    from services.sandbox.run import tell_demo

    sys.exit(asyncio.run(tell_demo(_settings(), url)))


@main.command()
@click.argument("case")
@click.option("--as-of", type=WHEN, help="As things stood then: RFC 3339, or a date (the end of that day).")
@click.option("--known-at", type=WHEN, help="As was known then: RFC 3339, or a date (the end of that day).")
def replay(case: str, as_of: datetime | date | None, known_at: datetime | date | None) -> None:
    """Rebuilds a case from the log alone: its timeline, and who is responsible for which step."""
    from services.casefile.replay import replay_case

    sys.exit(asyncio.run(replay_case(_settings(), case, as_of, known_at, click.echo)))
