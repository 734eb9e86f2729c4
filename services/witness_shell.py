"""The command `caserelay witness`, by which an organisation cosigns the logs of an installation that is not its own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from services.shell_commands import Command, read_settings

_READ = ("connections", "connections_per_address", "log_level")


@click.command(cls=Command, settings=_READ)
@click.option("--log", "logs", multiple=True, required=True, metavar="VKEY", help="A key of a log. Repeat it.")
@click.option(
    "--key",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The witness's private key. A key is drawn where there is no such file.",
)
@click.option("--name", help="What a key that is drawn is called, such as witness.example.org/caserelay.")
@click.option(
    "--listen", default="127.0.0.1:8641", show_default=True, metavar="ADDRESS", help="Address and port; port 0: any."
)
@click.option("--follow", metavar="URL", help="Also ask this Caserelay for its checkpoints; it need not reach you.")
@click.option(
    "--token",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file with the token for --follow. It is read each time.",
)
@click.option("--every", type=click.FloatRange(min=0.1), default=60, show_default=True, help="Seconds between looks.")
@click.option("--once", is_flag=True, help="Look once by --follow, and serve nothing.")
def witness(
    logs: tuple[str, ...],
    key: Path,
    name: str | None,
    listen: str,
    follow: str | None,
    token: Path | None,
    every: float,
    *,
    once: bool,
) -> None:
    """Cosign the checkpoints of logs that never contradict themselves.

    Prints the public key that cosigns, then the address that it listens on. What was cosigned last is kept beside the
    key. A log that contradicts itself is reported with both checkpoints, and --once then ends with status 1.
    """
    from services.witness.run import Duty, run_witness

    if (follow is None) != (token is None):
        raise click.UsageError("--follow and --token need each other")
    duty = Duty(logs=logs, key=key, name=name, listen=listen, follow=follow, token=token, every=every)
    sys.exit(run_witness(read_settings(), duty, click.echo, once=once))
