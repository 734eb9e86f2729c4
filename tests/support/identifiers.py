"""What is an identifier and what is none: for the tests of every place where one is written."""

from __future__ import annotations

import unicodedata
from typing import Final

NO_IDENTIFIERS: Final = (
    "",
    " ",
    ".",
    "..",
    " lotte.claes",
    "lotte.claes ",
    "lotte\nclaes",
    "lotte\tclaes",
    "lotte\x00",
    "lotte\x7f",
    "lotte\x85claes",
    "lotte\u200bclaes",
    "lotte\u200cclaes",
    "lotte\u200dclaes",
    "lotte\u00adclaes",
    "\u202elotte",
    "lotte\u2066claes",
    "\ufefflotte",
    "lotte\u00a0claes",
    "lotte\u3000claes",
    "lotte\u2028claes",
    "lotte\ue000",
    "lotte\u3164",
    "\u2800",
    "lotte\ufe0f",
    unicodedata.normalize("NFD", "andré"),
    "\u212bngström",
    "x" * 201,
)
"""Blank at an end, dots alone, controls, format characters, blanks of other kinds, private use, what looks like
nothing, two that are not in normal form C, too long."""
IDENTIFIERS: Final = (
    "brugwerk",
    "andré",
    "x" * 200,
    "م" * 200,
    "o'neil, b. (2)",
    "an peeters",
    "李.雷",
    "3f1c-…",
    "100%",
    "a/b",
    "%2F",
    "a?b#c",
    "-",
    "_",
    ".hidden",
)
