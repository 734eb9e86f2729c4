"""How every command of the shell behaves: its help names the settings it reads, and what it refuses is one line."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from services.chassis.settings import Settings

F = TypeVar("F", bound=Callable[..., object])
_WIPED = "\r\x1b[2K"
"""Has a terminal go to the beginning of its line, and empty it."""


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


class Day(click.ParamType["date"]):
    """A date."""

    name = "date"

    def convert(self, value: date | str, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Raises click.BadParameter."""
        from contracts.fields import calendar_date

        if not isinstance(value, str):
            return value
        try:
            return calendar_date(value)
        except ValueError:
            self.fail("give a date, such as 2026-07-01", param, ctx)


class Identifier(click.ParamType[str]):
    """An identifier, by the same rule as in bodies, tokens and paths."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Raises click.BadParameter."""
        from contracts.identifiers import IDENTIFIER_RULE, is_identifier

        if not is_identifier(value):
            self.fail(f"give {IDENTIFIER_RULE}", param, ctx)
        return value


class Command(click.Command):
    """A command whose help lists the environment variables that it reads.

    `settings` are fields of `Settings`; None stands for all of them.
    """

    def __init__(self, *args: Any, settings: Sequence[str] | None = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.settings = settings

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click."""
        from services.chassis.settings import PREFIX, Settings

        fields = Settings.model_fields
        rows = [
            (f"{PREFIX}{name.upper()}", f"{field.description} {_default(field.default)}")
            for name, field in fields.items()
            if self.settings is None or name in self.settings
        ]
        if rows:
            with formatter.section("Settings (environment variables)"):
                formatter.write_dl(rows)
        super().format_epilog(ctx, formatter)


def _default(value: object) -> str:
    return "[no default]" if value is None else f"[default: {value}]"


class Commands(click.Group):
    """A group whose commands exit with status 2 and one line when they refuse to begin."""

    command_class = Command

    def invoke(self, ctx: click.Context) -> object:
        """See click."""
        from services.chassis.engines.store_health import Unavailable
        from services.chassis.refused_start import RefusedStart

        try:
            return super().invoke(ctx)
        except RefusedStart as refusal:
            click.echo(str(refusal), err=True)
        except Unavailable as refusal:
            click.echo(
                f"the {refusal.store} cannot be used ({refusal.code}); check CASERELAY_DATA and CASERELAY_DATABASE_URL",
                err=True,
            )
        sys.exit(2)


Commands.group_class = Commands


def json_option(command: F) -> F:
    """Adds `--json`: the command then prints one JSON document, and its progress goes to standard error."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for programs.")(command)


def read_settings() -> Settings:
    """The settings of the environment; exits with status 2 and a line for each that cannot be used."""
    from pydantic import ValidationError

    from services.chassis.http.problems.plain_words import plain_words
    from services.chassis.settings import Settings, unknown_variables

    if unknown := unknown_variables():
        named = (f"{name} (did you mean {near}?)" if near else name for name, near in unknown.items())
        click.echo(f"warning: unknown settings are ignored: {', '.join(named)}", err=True)
    try:
        return Settings()
    except ValidationError as error:
        # Without the input: a setting may be a secret.
        for fault in error.errors(include_input=False, include_url=False):
            detail = plain_words(fault["type"], fault["msg"])
            name = "_".join(str(part) for part in fault["loc"]).upper()
            click.echo(f"CASERELAY_{name}: {detail}" if name else detail, err=True)
        raise SystemExit(2) from None


def print_json(document: object) -> None:
    """Prints a document as one line."""
    click.echo(json.dumps(document, ensure_ascii=False))


def to_stderr(line: str) -> None:
    """Prints progress where it does not mix with a command's output."""
    click.echo(line, err=True)


@contextlib.contextmanager
def drawn_on_stderr() -> Iterator[tuple[Callable[[str], None], float]]:
    """Prints progress over what it was before, and how often: every so many seconds. Nothing of it is left in the end.

    Where that is no terminal, it is a line now and then.
    """
    from services.progress import DRAW_EVERY_SECONDS, SAY_EVERY_SECONDS

    if not sys.stderr.isatty():
        yield to_stderr, SAY_EVERY_SECONDS
        return
    try:
        yield lambda line: click.echo(f"{_WIPED}{line}", nl=False, err=True), DRAW_EVERY_SECONDS
    finally:
        click.echo(_WIPED, nl=False, err=True)
