"""The command `caserelay`. Imports are late, so that every command pays only for what it uses."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from services.chassis.settings import Settings

SERVICE_NAMES = ("referral", "casefile", "notifications")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Referral and case handoff between a public employment agency and mentoring organisations."""


def _settings() -> Settings:
    from pydantic import ValidationError

    from services.chassis.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        # Without the input: a setting may be a secret.
        for fault in error.errors(include_input=False, include_url=False):
            click.echo(f"CASERELAY_{'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}", err=True)
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
@click.option("--org", required=True, help="The organisation's id, such as brugwerk.")
@click.option("--role", required=True, help="One of the roles, such as NGO_COORDINATOR.")
@click.option("--sub", required=True, help="The organisation's own identifier of the person, such as lotte.claes.")
def token(org: str, role: str, sub: str) -> None:
    """Prints one bearer token of the sandbox's development issuer. It lasts 12 hours."""
    from services.chassis.development_issuer import DevelopmentIssuer
    from services.chassis.identity import Unauthenticated
    from services.sandbox.run import issuer_directory

    settings = _settings()
    try:
        issuer = DevelopmentIssuer(issuer_directory(settings))
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
@click.option("--as-of", type=click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]), help="As things stood then.")
@click.option("--known-at", type=click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]), help="As was known then.")
def replay(case: str, as_of: datetime | None, known_at: datetime | None) -> None:
    """Rebuilds a case from the log alone: its timeline, and who is responsible for which step."""
    from services.casefile.replay import replay_case

    sys.exit(asyncio.run(replay_case(_settings(), case, as_of, known_at, click.echo)))
