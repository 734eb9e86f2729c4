"""The kinds of value that request bodies are made of, each as strict as its standard.

Texts are codes, references and names of things; where a person may write freely, the field says so and the text goes
to the vault.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, TypeGuard

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

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)


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


def written(value: str) -> str:
    """A text as people write it: no control characters but tabs and line breaks. Raises ValueError."""
    if _CONTROL.search(value):
        msg = "a text has no control characters but tabs and line breaks"
        raise ValueError(msg)
    return value


LONGEST_IDENTIFIER: Final = 200
IDENTIFIER_RULE: Final = (
    f"1 to {LONGEST_IDENTIFIER} printable characters, none of them a format character, not blank at either end, and in "
    "Unicode's normal form C"
)


def is_identifier(value: object) -> TypeGuard[str]:
    """Whether a value can stand as `sub` or `org`, in a token and wherever a body names a person: IDENTIFIER_RULE.

    One form, so that whom a body names is whom the token of that person names: of one text composed in two ways, one
    is refused. Different characters may still look the same, or like nothing.
    """
    # Format characters (Cf) are not printable, and neither is any blank but the space.
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_IDENTIFIER
        and value.isprintable()
        and value == value.strip()
        and unicodedata.is_normalized("NFC", value)
    )


def identifier(value: str) -> str:
    """An identifier as tokens carry it. Raises ValueError."""
    if not is_identifier(value):
        msg = f"this is no `sub` as tokens carry it: {IDENTIFIER_RULE}"
        raise ValueError(msg)
    return value


Instant = Annotated[datetime, BeforeValidator(instant), Field(json_schema_extra={"format": "date-time"})]
CalendarDate = Annotated[date, BeforeValidator(calendar_date), Field(json_schema_extra={"format": "date"})]
Flag = StrictBool
Count = StrictInt
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""An identifier or pseudonym that an organisation made: letters, digits, dot, dash, underscore."""
StaffId = Annotated[
    str,
    AfterValidator(identifier),
    Field(
        description=f"The `sub` of a member of the organisation's staff, as tokens carry it: {IDENTIFIER_RULE}.",
        json_schema_extra={"minLength": 1, "maxLength": LONGEST_IDENTIFIER, "pattern": r"^\S(.*\S)?$"},
    ),
]
"""A person, by the `sub` of the person's tokens. Nobody is looked up."""
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,59}$")]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
"""BCP 47."""
Isco = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}$")]
"""ISCO-08, one to four digits."""
EscoUri = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9./_#:-]{1,280}$")]
NaceCode = Annotated[str, StringConstraints(pattern=r"^([A-V]|[A-V]?[0-9]{2})$")]
"""NACE section or division."""
Region = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}[A-Z0-9]{0,3}|[0-9]{2})$")]
"""NUTS code, or the first two digits of a postcode."""
UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
"""The form of the ids that the services make."""
HalfDay = Annotated[str, StringConstraints(pattern=r"^(MON|TUE|WED|THU|FRI|SAT|SUN)_(AM|PM|EVE)$")]
FreeText = Annotated[
    str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True), AfterValidator(written), Vaulted()
]
"""What a person wrote; goes to the vault, never into an event."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(written)]
