"""Checks that contact data can reach somebody: the forms of telephone numbers and e-mail addresses, by libraries.

Nothing is dialled, sent or looked up. A refusal names the field, and never quotes what is in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import phonenumbers
from pydantic import AfterValidator, Field, ValidationError, model_validator

from contracts.codes import Unreachable
from contracts.email_address import Email, email
from contracts.fields import Body, Name, written
from services.chassis.modelling.decider import Fault
from services.chassis.vault.vault import Deposit

_PHONE: Final = re.compile(r"\+?[\d ().\-/\u2010-\u2015]*\d(?: *(?:ext\.?|x|#) *\d{1,7})?", re.IGNORECASE)
_POSSIBLE: Final = "not a possible telephone number; begin with +, or give a number of the programme's country"
_WAYS: Final = (
    "say how the person is reached: phone, email, or, where there is neither, unreachable with one of "
    + ", ".join(Unreachable)
)


def phone(value: str) -> str:
    """A telephone number as it was written, without invisible characters. Raises ValueError.

    With a plus sign it has to be possible; without one that depends on the country, which `faults_of` checks.
    """
    number = (value if value.isascii() else _visible(value)).strip(" ")
    if not _PHONE.fullmatch(number) or (number.startswith("+") and not _possible(number, None)):
        raise ValueError(_POSSIBLE)
    return number


def _visible(value: str) -> str:
    # Numbers copied from a list of contacts bring direction marks along, and spaces of other kinds.
    seen = (char for char in value if unicodedata.category(char) != "Cf")
    return "".join(" " if unicodedata.category(char) == "Zs" else char for char in seen)


def _possible(number: str, country: str | None) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number, country))
    except phonenumbers.NumberParseException:
        return False


def point_of_contact(value: str) -> str:
    """How to reach an organisation or a programme: an address, a number, or the name of a desk. Raises ValueError.

    Text that looks like an e-mail address or an international telephone number has to be valid as one.
    """
    written(value)
    if any(unicodedata.category(char) == "Cf" for char in value):
        msg = "a contact point contains no invisible format characters"
        raise ValueError(msg)
    if "@" in value and not any(char.isspace() for char in value):
        email(value)
    elif value.startswith("+"):
        phone(value)
    return value


Phone = Annotated[str, Field(max_length=40), AfterValidator(phone)]


class ContactBody(Body):
    """How to reach the person. Personal data: it goes to the vault and nowhere else.

    Give `phone` or `email`, or say by `unreachable` why there is neither. A telephone number without a plus sign is a
    number of the programme's country.
    """

    name: Name | None = None
    phone: Phone | None = None
    email: Email | None = None
    unreachable: Unreachable | None = None

    @model_validator(mode="after")
    def _reaches_somebody(self) -> ContactBody:
        if self.phone is None and self.email is None and self.unreachable is None:
            raise ValueError(_WAYS)
        return self

    def record(self) -> dict[str, Any]:
        """The record that the vault keeps and GET answers; `unreachable` only where it is given."""
        return self.model_dump(mode="json", exclude={"unreachable"} if self.unreachable is None else set())


def faults_of(contact: ContactBody | None, country: str | None) -> tuple[Fault, ...]:
    """The faults of contact data in a programme of this country (ISO 3166; None: not known)."""
    if contact is None or contact.phone is None or country is None or contact.phone.startswith("+"):
        return ()
    if _possible(contact.phone, country):
        return ()
    detail = f"not a possible telephone number in {country}, the programme's country; begin with + for another country"
    return (Fault("/contact/phone", "INVALID_VALUE", detail),)


def faults_of_record(record: Mapping[str, Any] | None, country: str | None) -> tuple[Fault, ...]:
    """The faults of contact data from the vault, which may be older than the rules, or be forgotten."""
    if record is None:
        return (Fault("/contact", "REQUIRED", _WAYS),)
    try:
        contact = ContactBody.model_validate(record)
    except ValidationError as error:
        return tuple(_faults(error))
    return faults_of(contact, country)


def _faults(error: ValidationError) -> Iterator[Fault]:
    for found in error.errors(include_url=False, include_input=False, include_context=False):
        pointer = "".join(f"/{part}" for part in ("contact", *found["loc"]))
        yield Fault(pointer, "INVALID_VALUE", found["msg"].removeprefix("Value error, "))


def set_aside(contact: ContactBody | None, deposit: Deposit) -> str | None:
    """The reference under which contact data will be kept; None where there are none."""
    return deposit.put("contact", contact.record()) if contact is not None else None
