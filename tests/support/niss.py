"""Belgian national numbers in a text: eleven digits whose last two are a check, as the register makes them."""

from __future__ import annotations

import re
from typing import Final

_ELEVEN: Final = re.compile(r"(?<![0-9A-Za-z-])\d{11}(?![0-9A-Za-z-])")


def valid_national_numbers(text: str) -> list[str]:
    """Those whose check is right."""
    return [number for number in _ELEVEN.findall(text) if int(number[9:]) in checks(number[:9])]


def checks(nine: str) -> set[int]:
    """97 less the rest of the nine by 97; of somebody born from 2000 on, with a 2 before the nine."""
    return {97 - int(nine) % 97, 97 - int(f"2{nine}") % 97}
