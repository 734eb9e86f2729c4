"""The command `caserelay export`: a case, or all of them, as a file with a manifest of digests."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Final

import click

from services.shell_commands import Command, Identifier, When, json_option, print_json, read_settings, to_stderr

FORMATS: Final = ("pdf", "xlsx", "csv", "ndjson", "parquet")
TABLES: Final = ("timeline", "states", "responsibilities", "deadlines", "events")
_WHEN: Final = When()
_IDENTIFIER: Final = Identifier()


@click.command(cls=Command, settings=("data", "database_url"))
@click.argument("case", type=_IDENTIFIER, required=False)
@click.option("--all", "all_cases", is_flag=True, help="All cases. A killed command goes on when it is given again.")
@click.option("--format", "kind", type=click.Choice(FORMATS), required=True, help="The format of the file.")
@click.option(
    "-o", "--output", "file", type=click.Path(path_type=Path), metavar="FILE", required=True, help="A new file."
)
@click.option(
    "--table",
    type=click.Choice(TABLES),
    default="timeline",
    show_default=True,
    help="Which table a file in csv or parquet has. The other formats have all that there is.",
)
@click.option("--as-of", type=_WHEN, help="What had happened by this time: RFC 3339, or a date (the end of that day).")
@click.option(
    "--known-at", type=_WHEN, help="What was recorded by this time: RFC 3339, or a date (the end of that day)."
)
@click.option("--viewer", type=_IDENTIFIER, help="What this organisation sees of the case.")
@json_option
def export(  # noqa: PLR0913 - an option each
    case: str | None,
    kind: str,
    file: Path,
    table: str,
    as_of: datetime | date | None,
    known_at: datetime | date | None,
    viewer: str | None,
    *,
    all_cases: bool,
    as_json: bool,
) -> None:
    """Write a case, or all cases, to a file.

    It is read from the log alone, and services may keep running. FILE.sha256 is written beside it, for `sha256sum
    --check`. With --all, pdf and xlsx become an archive (ZIP) with a file for each case and their digests.
    """
    import asyncio
    import signal

    from services.casefile.exports.formats import FORMATS as KINDS
    from services.casefile.exports.replayed import Wanted, export_all, export_case
    from services.casefile.exports.tables import TABLES as KNOWN
    from services.casefile.replay import UnknownCase

    if (case is None) is not all_cases:
        raise click.UsageError("name a CASE, or give --all")
    if all_cases and viewer is not None:
        raise click.UsageError("--all and --viewer exclude each other")
    wanted = Wanted(KINDS[kind], KNOWN[table], as_of, known_at)
    settings = read_settings()
    # Stopped like by Ctrl-C, it leaves nothing that the next one could not go on with.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if case is None:
            written = asyncio.run(export_all(settings, wanted, file, to_stderr))
        else:
            written = asyncio.run(export_case(settings, case, wanted, viewer, file))
    except UnknownCase as refusal:
        raise click.ClickException(str(refusal)) from None
    finally:
        signal.signal(signal.SIGTERM, before)
    if as_json:
        print_json(written.to_json())
    else:
        cases = f"{written.cases:,} cases, " if all_cases else ""
        click.echo(f"{file}: {cases}{written.events:,} events; {file}.sha256 has its digest")
