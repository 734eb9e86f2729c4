"""Chance that can be drawn again: each test begins from a seed, which is shown where the test fails.

`CASERELAY_TEST_SEED` draws the same again. Ports and names of databases are drawn elsewhere: they have to differ.
"""

from __future__ import annotations

import os
import random
import secrets
from typing import Final

import pytest

VARIABLE: Final = "CASERELAY_TEST_SEED"

__all__ = ["VARIABLE", "pytest_runtest_setup"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Seeds what `random` draws in the test. Hypothesis draws from seeds of its own, which it reports itself."""
    seed = int(os.environ.get(VARIABLE) or secrets.randbits(32))
    random.seed(seed)
    item.add_report_section("setup", "chance", f"{VARIABLE}={seed} draws the same again")
