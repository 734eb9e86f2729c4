"""Whether contact data can reach anybody: the form of telephone numbers and e-mail addresses, by kept libraries.

Nothing is dialled, sent or looked up. A refusal names the field and never what stands in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, ValidationError, model_validator

from contracts.codes import Unreachable
from contracts.fields import Body, Name, written
from services.chassis.modelling.decider import Fault

_PHONE: Final = re.compile(r"\+?[\d ().\-/\u2010-\u2015]*\d(?: *(?:ext\.?|x|#) *\d{1,7})?", re.IGNORECASE)
_POSSIBLE: Final = "this cannot be a telephone number; begin with +, or give one of the programme's country"
_ADDRESS: Final = "this is no e-mail address: a name, an @ and a domain that mail can be sent to, and nothing else"
_WAYS: Final = (
    "say how the person is reached: phone, email, or, where there is neither, unreachable with one of "
    + ", ".join(Unreachable)
)


def phone(value: str) -> str:
    """A telephone number as it was written, without what is unseen in it. Raises ValueError.

    With a plus sign it has to be possible; without one that depends on the country: `faults_of` asks.
    """
    # What is copied from a list of contacts brings its direction marks along.
    seen = "".join(one for one in value if unicodedata.category(one) != "Cf")
    number = "".join(" " if unicodedata.category(one) == "Zs" else one for one in seen).strip(" ")
    if not _PHONE.fullmatch(number) or (number.startswith("+") and not _possible(number, None)):
        raise ValueError(_POSSIBLE)
    return number


def _possible(number: str, country: str | None) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number, country))
    except phonenumbers.NumberParseException:
        return False


def email(value: str) -> str:
    """An e-mail address in normal form C. Raises ValueError."""
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        # Its own sentence quotes from the value.
        raise ValueError(_ADDRESS) from None
    return unicodedata.normalize("NFC", value)


def point_of_contact(value: str) -> str:
    """Where an organisation or a programme is asked: an address, a number, or the name of a context. Raises ValueError.

    What is written like an e-mail address or an international telephone number has to be one.
    """
    written(value)
    if any(unicodedata.category(one) == "Cf" for one in value):
        msg = "a contact point has no format characters"
        raise ValueError(msg)
    if "@" in value and not any(one.isspace() for one in value):
        email(value)
    elif value.startswith("+"):
        phone(value)
    return value


Phone = Annotated[str, Field(max_length=40), AfterValidator(phone)]
Email = Annotated[str, Field(max_length=254), AfterValidator(email)]


class ContactBody(Body):
    """How to reach the person. Personal data: it goes to the vault and nowhere else.

    There is a way, `phone` or `email`, or `unreachable` says why there is none. A telephone number without a plus sign
    is one of the programme's country.
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
        """What the vault keeps, and GET answers; the code only where there is one."""
        return self.model_dump(mode="json", exclude={"unreachable"} if self.unreachable is None else set())


def faults_of(contact: ContactBody | None, country: str | None) -> tuple[Fault, ...]:
    """What is wrong with contact data in a programme of this country (ISO 3166; None: not known)."""
    if contact is None or contact.phone is None or country is None or contact.phone.startswith("+"):
        return ()
    if _possible(contact.phone, country):
        return ()
    detail = f"this cannot be a telephone number in {country}, the programme's country; begin with + for another"
    return (Fault("/contact/phone", "INVALID_VALUE", detail),)


def faults_of_record(record: Mapping[str, Any] | None, country: str | None) -> tuple[Fault, ...]:
    """What is wrong with contact data from the vault, which may be older than the rules, or be forgotten."""
    if record is None:
        return (Fault("/contact", "REQUIRED", _WAYS),)
    try:
        contact = ContactBody.model_validate(record)
    except ValidationError as error:
        return tuple(_faults(error))
    return faults_of(contact, country)


def _faults(error: ValidationError) -> Iterator[Fault]:
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        pointer = "".join(f"/{part}" for part in ("contact", *one["loc"]))
        yield Fault(pointer, "INVALID_VALUE", one["msg"].removeprefix("Value error, "))
