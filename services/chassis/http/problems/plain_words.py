"""A value that validation refused, in plain words: the library speaks of inputs, dictionaries and valid integers."""

from __future__ import annotations

import re
from typing import Final

_SUBJECT: Final = re.compile(r"\A(?:Input|Value|String|Bytes|List|Tuple|Set|Dictionary|URL|UUID|Decimal) should ")
_DETAILS: Final = {
    "missing": "required",
    "extra_forbidden": "unknown field; remove it",
    # The library's own sentence quotes the value.
    "union_tag_invalid": "not one of the allowed values",
    "union_tag_not_found": "the field that says its kind is missing",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be a string",
}
"""Faults by the library's name for their kind, in the words of JSON instead of Python."""


def plain_words(kind: str, message: str) -> str:
    """What is wrong with a value, from the library's name for the kind of fault and its message."""
    if kind in _DETAILS:
        return _DETAILS[kind]
    message = _SUBJECT.sub("must ", message.removeprefix("Value error, "))
    return message.replace("must be a valid ", "must be a ").partition(", unable to ")[0][:300]
