"""The kinds of value that request bodies are made of, each as strict as its standard.

Texts are codes, references and names of things; where a person may write freely, the field says so and the text goes
to the vault.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from contracts.code_lists.checks import country, esco, isco, region, time_zone
from contracts.code_lists.languages import LONGEST as LONGEST_TAG
from contracts.code_lists.languages import language
from contracts.code_lists.sectors import sector
from contracts.identifiers import IDENTIFIER_RULE, LONGEST_IDENTIFIER, is_identifier
from contracts.names import NAME_RULE, read_name

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_YEARS: Final = range(1900, 2200)
"""Far enough from the ends of the calendar for terms and months to be counted from any date in them."""


class Vaulted:
    """Marks a field whose content is kept in the vault: in the event stands a reference."""


def read_only(description: str) -> Any:
    """A field for what GET answers and the caller does not say: it may be sent back as it stands."""
    return Field(description=description, json_schema_extra={"readOnly": True})


def is_read_only(field: FieldInfo) -> bool:
    """Whether a field of a body was made by `read_only`."""
    return isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("readOnly") is True


class Body(BaseModel):
    """A request body: camelCase, and a field that nobody asked for is refused by its name."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False, frozen=True, extra="forbid")


class NothingBody(Body):
    """An empty object: the command needs no more."""


def instant(value: Any) -> datetime:
    """An RFC 3339 text as an instant in UTC. Raises ValueError."""
    if not isinstance(value, str) or not _RFC3339.match(value):
        msg = "a time is an RFC 3339 text with its offset, such as 2026-01-12T09:10:00Z"
        raise ValueError(msg)
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        msg = "there is no such time"
        raise ValueError(msg) from None


def calendar_date(value: Any) -> date:
    """An ISO 8601 text as a date. Raises ValueError."""
    if not isinstance(value, str) or not _ISO_DATE.match(value):
        msg = "a date is an ISO 8601 text, such as 2026-02-28"
        raise ValueError(msg)
    try:
        return date.fromisoformat(value)
    except ValueError:
        msg = "there is no such date"
        raise ValueError(msg) from None


def near_date(value: Any) -> date:
    """A `calendar_date` that terms and months may be counted from. Raises ValueError."""
    day = calendar_date(value)
    if day.year not in _YEARS:
        msg = f"a date is of the years {_YEARS[0]} to {_YEARS[-1]}"
        raise ValueError(msg)
    return day


def written(value: str) -> str:
    """A text as people write it: no control characters but tabs and line breaks. Raises ValueError."""
    if _CONTROL.search(value):
        msg = "a text has no control characters but tabs and line breaks"
        raise ValueError(msg)
    if not any(character.isprintable() and not character.isspace() for character in value):
        msg = "a text has something in it that can be seen"
        raise ValueError(msg)
    return value


def name(value: str) -> str:
    """A name of a person, or of what people run, in the form in which it is kept. Raises ValueError."""
    if (read := read_name(value)) is None:
        raise ValueError(NAME_RULE)
    return read


def identifier(value: str) -> str:
    """An identifier as bodies, tokens and paths carry it. Raises ValueError."""
    if not is_identifier(value):
        msg = f"an identifier has {IDENTIFIER_RULE}"
        raise ValueError(msg)
    return value


Instant = Annotated[datetime, BeforeValidator(instant), Field(json_schema_extra={"format": "date-time"})]
CalendarDate = Annotated[date, BeforeValidator(near_date), Field(json_schema_extra={"format": "date"})]
Flag = StrictBool
Count = StrictInt
REFERENCE: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Reference = Annotated[str, StringConstraints(pattern=REFERENCE)]
"""The name of a version, a text or an event: letters, digits, dot, dash, underscore."""
IDENTIFIER: Final = r"^\S(.*\S)?$"
"""As much of the rule for identifiers as a pattern can say that every reader of patterns understands."""
_WRITTEN: Final = {"minLength": 1, "maxLength": LONGEST_IDENTIFIER, "pattern": IDENTIFIER}
Identifier = Annotated[
    str, AfterValidator(identifier), Field(description=f"{IDENTIFIER_RULE}.", json_schema_extra={**_WRITTEN})
]
"""An organisation, a programme, a mentor or a client, by what an organisation calls it."""
StaffId = Annotated[
    str,
    AfterValidator(identifier),
    Field(
        description=f"The `sub` of a member of the organisation's staff, as tokens carry it: {IDENTIFIER_RULE}.",
        json_schema_extra={**_WRITTEN},
    ),
]
"""A person, by the `sub` of the person's tokens. Nobody is looked up."""
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,59}$")]
LanguageTag = Annotated[
    str,
    AfterValidator(language),
    Field(
        description="A language tag of BCP 47, valid by IANA's registry.",
        json_schema_extra={"pattern": "^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$", "maxLength": LONGEST_TAG},
    ),
]
Isco = Annotated[
    str,
    AfterValidator(isco),
    Field(description="A code of ISCO-08, of one to four digits.", json_schema_extra={"pattern": "^[0-9]{1,4}$"}),
]
EscoUri = Annotated[
    str,
    AfterValidator(esco),
    Field(
        description="The URI of an occupation of ESCO 1.2, or of an ISCO-08 group in ESCO.",
        json_schema_extra={"pattern": r"^http://data\.europa\.eu/esco/(occupation/[0-9a-f-]{36}|isco/C[0-9]{1,4})$"},
    ),
]
Sector = Annotated[
    str,
    AfterValidator(sector),
    Field(
        description="A section or division of NACE: of Rev. 2.1 as `N` or `62`, of Rev. 2 as `2.0:M`.",
        json_schema_extra={"pattern": r"^(2\.[01]:)?([A-V]|[A-V]?[0-9]{2})$"},
    ),
]
Region = Annotated[
    str,
    AfterValidator(region),
    Field(
        description="A code of NUTS 2024, or the first two digits of a postcode.",
        json_schema_extra={"pattern": "^([A-Z]{2}[0-9A-Z]{0,3}|[0-9]{2})$"},
    ),
]
Country = Annotated[
    str,
    AfterValidator(country),
    Field(description="A country of ISO 3166-1 by its two letters.", json_schema_extra={"pattern": "^[A-Z]{2}$"}),
]
TimeZone = Annotated[
    str,
    AfterValidator(time_zone),
    Field(description="A time zone of the IANA database.", json_schema_extra={"maxLength": 60}),
]
UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
"""The form of the ids that the services make."""
HalfDay = Annotated[str, StringConstraints(pattern=r"^(MON|TUE|WED|THU|FRI|SAT|SUN)_(AM|PM|EVE)$")]
FreeText = Annotated[
    str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True), AfterValidator(written), Vaulted()
]
"""What a person wrote; goes to the vault, never into an event."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(name)]
"""A name of a person, or of what people run: kept in normal form C, with single spaces."""
