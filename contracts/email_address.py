"""E-mail addresses in bodies, whose form a library checks. Nothing is sent or looked up."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Final

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field

_ADDRESS: Final = "not an e-mail address; give a name, an @ and a domain that can receive mail, and nothing else"


def email(value: str) -> str:
    """An e-mail address in normal form C. Raises ValueError, which never quotes the value."""
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        # The library's own sentence quotes the value.
        raise ValueError(_ADDRESS) from None
    return unicodedata.normalize("NFC", value)


Email = Annotated[str, Field(max_length=254), AfterValidator(email)]
