"""The command `caserelay mail bounced`, for a mail server that hands over what came back of letters."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from services.shell_commands import Commands, json_option, print_json, read_settings


@click.group(cls=Commands)
def mail() -> None:
    """Letters by e-mail that could not be delivered."""


@mail.command(settings=("host", "port", "public_url"))
@click.option("--url", default=None, help="The system's address; default: the one of these settings.")
@click.option(
    "--token",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file with the token of an OPERATOR. It is read each time.",
)
@json_option
def bounced(url: str | None, token: Path, *, as_json: bool) -> None:
    """Hand over a message that came to CASERELAY_MAIL_BOUNCES.

    It is read from standard input, headers and all, as a mail server pipes it. Exits with status 1 and a line where it
    does not report on a letter that was sent from here, and with 75, after which mail servers try again, where the
    system does not take it now.
    """
    from services.mail_handover import RefusedMessage, hand_over

    try:
        taken = hand_over(url or read_settings().links_begin_with, token, sys.stdin.buffer)
    except RefusedMessage as refusal:
        click.echo(str(refusal), err=True)
        sys.exit(refusal.status)
    if as_json:
        print_json(taken)
    else:
        click.echo(f"{taken['subscription']}: {'bounced' if taken['bounced'] else 'nothing to do'}")
