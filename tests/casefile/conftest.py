"""What the tests of the casefile service share."""

from __future__ import annotations

import pytest

from tests.casefile.casebook import Casebook


@pytest.fixture
def book() -> Casebook:
    """A casebook without a case yet."""
    return Casebook()
