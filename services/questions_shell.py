"""What the log alone tells: `caserelay audit ask`, a question of auditors, and `caserelay diff`, what changed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

import click

from services.shell_commands import Command, Identifier, When, json_option, read_settings, to_stderr

_NAMES: Final = [f"Q{number}" for number in range(1, 17)]
_WHEN: Final = When()
_IDENTIFIER: Final = Identifier()


@click.command(cls=Command, settings=("data", "database_url"))
@click.argument("question", type=click.Choice(_NAMES), required=False)
@click.option("--case", type=_IDENTIFIER, help="The case that is asked about.")
@click.option("--programme", type=_IDENTIFIER, help="All cases of this programme.")
@click.option("--sample", type=click.IntRange(min=1), help="So many cases by chance, of the programme or of all.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed draws the same sample.")
@click.option("--as-of", type=_WHEN, help="What had happened by this time: RFC 3339, or a date (the end of that day).")
@click.option(
    "--known-at", type=_WHEN, help="What was recorded by this time: RFC 3339, or a date (the end of that day)."
)
@json_option
def ask(
    question: str | None,
    case: str | None,
    programme: str | None,
    sample: int | None,
    seed: int,
    as_of: datetime | date | None,
    known_at: datetime | date | None,
    *,
    as_json: bool,
) -> None:
    """Ask one of the sixteen questions of auditors.

    QUESTION is Q1 to Q16; without it, lists them. The answer is that of the API, with the events that prove it.
    """
    from services.casefile.questions.catalogue import listed
    from services.casefile.questions.printed import printed
    from services.casefile.questions.sampling import Which
    from services.casefile.replay import UnknownCase
    from services.shell_commands import print_json

    if question is None:
        if as_json:
            print_json({"items": listed()})
        else:
            click.echo("\n".join(f"{each['name']}  {each['asks']}" for each in listed()))
        return
    if case is not None and (programme is not None or sample is not None):
        raise click.UsageError("--case and --programme or --sample exclude each other")
    if case is None and programme is None and sample is None:
        raise click.UsageError("name a --case, or a --programme, or draw a --sample")
    which = Which(programme, sample, seed)
    try:
        text = printed(read_settings(), question, case, which, as_of, known_at, to_stderr, as_json=as_json)
    except UnknownCase as refusal:
        raise click.ClickException(str(refusal)) from None
    click.echo(text)


@click.command(cls=Command, settings=("data", "database_url"))
@click.argument("case", type=_IDENTIFIER)
@click.option(
    "--from", "first", type=_WHEN, help="The first moment: RFC 3339, or a date (its end); default: before all."
)
@click.option("--to", "last", type=_WHEN, help="The other moment: RFC 3339, or a date (its end); default: now.")
@json_option
def diff(case: str, first: datetime | date | None, last: datetime | date | None, *, as_json: bool) -> None:
    """Say what changed in a case between two moments.

    It is read from the log alone, as it is known now.
    """
    import asyncio

    from pydantic_core import to_json

    from services.casefile.replay import UnknownCase, replay_difference

    try:
        changed = asyncio.run(replay_difference(read_settings(), case, first, last))
    except UnknownCase as refusal:
        raise click.ClickException(str(refusal)) from None
    click.echo(to_json(changed).decode() if as_json else changed["answer"])
